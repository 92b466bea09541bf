"""The command line: one module a command, loaded when it is asked for; errors without tracebacks."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from typing import Any

import typer

from roadwarden import __version__
from roadwarden.cli.exits import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE
from roadwarden.errors import ConfigError, RoadwardenError

MODULES = {
    "detect": ("detect",),
    "merge": ("merge",),
    "survey": ("survey",),
    "defects": ("defects",),
    "coverage": ("coverage",),
    "condition": ("condition",),
    "roads": ("roads",),
    "stream": ("stream",),
    "chaos": ("chaos",),
    "strip": ("strip",),
    "case": ("case",),
    "repair": ("repair",),
    "scheduler": ("scheduler",),
    "outbox": ("outbox",),
    "inbox": ("inbox",),
    "kpi": ("kpi",),
    "repeat": ("repeat",),
    "process": ("process",),
    "campaign": ("campaign",),
    "db": ("db",),
    "serve": ("serve",),
    "user": ("user",),
    "ledger": ("ledger",),
    "privacy": ("privacy",),
    "sample": ("sample",),
    "demo": ("demo",),
    "simulate": ("simulate",),
    "sbom": ("sbom",),
    "camera": ("camera",),
    "model": ("model",),
    "registry": ("registry",),
    "train": ("train",),
    "folds": ("train",),
    "export": ("train",),
    "eval": ("eval",),
    "review": ("review",),
    "bench": (
        "bench",
        "bench_cases",
        "bench_cells",
        "bench_ingest",
        "bench_ledger",
        "bench_map",
        "bench_pictures",
        "bench_precision",
        "bench_serve",
        "bench_stream",
    ),
}
"""Command or group, in the order of the help, to the modules of this folder that ``register`` it."""


class Commands(typer.core.TyperGroup):
    """Imports a command's modules when it is named: listing cases does not wait for the parts that train."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the help."""
        return [*MODULES, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, from its modules, or None where there is none of that name."""
        if cmd_name in MODULES and cmd_name not in self.commands:
            self.commands.update(_load(MODULES[cmd_name]))
        return super().get_command(ctx, cmd_name)


def _load(modules: tuple[str, ...]) -> dict[str, Any]:
    part = typer.Typer(context_settings=CONTEXT)
    part.callback()(lambda: None)  # so that a single command, too, comes in a group
    for name in modules:
        import_module(f"roadwarden.cli.{name}").register(part)
    group: Any = typer.main.get_command(part)
    return dict(group.commands)


CONTEXT = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    cls=Commands,
    help="Roadwarden: from road camera frames to typed pavement defects. 智慧路长",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=CONTEXT,
)


@app.callback()
def _root() -> None:
    """Every command has --help with an example."""


@app.command()
def version() -> None:
    """Print the version.

    Example: roadwarden version
    """
    print(__version__)


def main() -> None:
    """The console script: exit code 1 when the job failed, 2 for wrong settings, 130 after Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        app()
    except RoadwardenError as exc:
        print(f"roadwarden: {exc}", file=sys.stderr)
        sys.exit(EXIT_USAGE if isinstance(exc, ConfigError) else EXIT_FAILED)
    except KeyboardInterrupt:
        print("roadwarden: interrupted; run the same command again to go on where it stopped", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
