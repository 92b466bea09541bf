"""``roadwarden case``: the commands about cases, one module each."""

from __future__ import annotations

import typer

from roadwarden.cli import case_file, case_filing, case_list, case_replay, case_side, case_tips, case_work, radiating

case_app = typer.Typer(help="Cases and their clocks.", no_args_is_help=True)
for command in (case_file, case_filing, case_tips, case_work, case_side, case_list, case_replay, radiating):
    command.register(case_app)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(case_app, name="case")
