"""``roadwarden eval``: the group of commands that judge; one module a command."""

from __future__ import annotations

import typer

from roadwarden.cli import (
    eval_alignment,
    eval_drift,
    eval_gate,
    eval_merging,
    eval_missed,
    eval_places,
    eval_repairs,
    eval_types,
)

eval_app = typer.Typer(help="Judge detections, models and recipes.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    for command in (
        eval_types,
        eval_gate,
        eval_drift,
        eval_merging,
        eval_missed,
        eval_places,
        eval_repairs,
        eval_alignment,
    ):
        command.register(eval_app)
    app.add_typer(eval_app, name="eval")
