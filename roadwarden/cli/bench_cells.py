"""``roadwarden bench cells``: how long a district takes to be coloured anew, and how that grows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.bench import bench_app
from roadwarden.errors import OutputError
from roadwarden.eval.bench_cells import ROUNDS, bench_cells
from roadwarden.eval.growth import plot

DEFAULT_ROADS = (25, 50, 100, 200, 400, 1000)


def register(_: typer.Typer) -> None:
    """Adds the command to the group ``bench``."""
    bench_app.command("cells")(cells)


def cells(
    roads: Annotated[
        list[int] | None,
        typer.Option(min=1, help="roads of 1 km x 10 m, 10,000 cells each; again for more sizes; 25 to 1,000 if none"),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="times that each size runs; medians are told")] = ROUNDS,
    seed: Annotated[int, typer.Option(min=0, help="of the looks and defects")] = 0,
    svg: Annotated[Path | None, typer.Option("--plot", help="SVG file to write: growth beside n log n")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Coverage, health codes and counts of made-up districts, from looks of four days.

    Example: roadwarden bench cells --roads 100 --roads 200 --plot var/cells.svg
    """
    result = bench_cells(
        roads or DEFAULT_ROADS,
        rounds=rounds,
        seed=seed,
        tell=lambda size: typer.echo(f"... {size}", err=True),
    )
    if svg is not None:
        drawn = plot(result.costs, "Cells of a district rebuilt", "cells")
        try:
            svg.parent.mkdir(parents=True, exist_ok=True)
            svg.write_text(drawn, encoding="utf-8")
        except OSError as exc:
            raise OutputError(f"{svg}: cannot be written: {exc.strerror}") from exc
    print(json.dumps(result.as_json(), indent=2) if as_json else result.markdown())
