"""``roadwarden sample``: an archive to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.progress import progress
from roadwarden.data.synthetic import write_sample_archive


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(sample)


def sample(
    out: Annotated[Path, typer.Argument(help="folder for the archive")],
    frames: Annotated[int, typer.Option(min=1, help="number of frames")] = 48,
    seed: Annotated[int, typer.Option(help="another seed is another street")] = 7,
) -> None:
    """Render a drive along the synthetic street: frames, GNSS track and the truth.

    Example: roadwarden sample var/street
    """
    with progress("render") as report:
        write_sample_archive(out, seed=seed, frames=frames, on_frame=report)
    print(out)
