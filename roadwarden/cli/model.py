"""``roadwarden model``: what a model file says of itself."""

from __future__ import annotations

from typing import Annotated

import typer

from roadwarden.models.load import load_detector, model_path
from roadwarden.models.onnx import sha256_of


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(model)


def model(
    path: Annotated[
        str | None,
        typer.Argument(help="model file, or registry:roadwarden@champion, or shipped:int8; without it shipped:fp32"),
    ] = None,
) -> None:
    """Print the model card inside a model file, as JSON; fails where there is none.

    Example: roadwarden model
    """
    place = model_path(path)
    card = load_detector(place, threads=1).card
    print(card.model_copy().model_dump_json(indent=2))
    print(f"sha256 {sha256_of(place)}")
