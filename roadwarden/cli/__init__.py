"""The command line: one module a command, errors without tracebacks."""

from __future__ import annotations

import logging
import sys

import typer

from roadwarden import __version__
from roadwarden.cli import (
    bench,
    bench_cells,
    bench_ingest,
    bench_precision,
    camera,
    case,
    coverage,
    db,
    defects,
    detect,
    kpi,
    merge,
    model,
    registry,
    review,
    roads,
    sample,
    scheduler,
    survey,
    train,
)
from roadwarden.cli import eval as evaluation
from roadwarden.cli.exits import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE
from roadwarden.errors import ConfigError, RoadwardenError

app = typer.Typer(
    help="Roadwarden: from road camera frames to typed pavement defects. 智慧路长",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    detect,
    merge,
    survey,
    defects,
    coverage,
    roads,
    sample,
    model,
    train,
    bench,
    bench_cells,
    bench_ingest,
    bench_precision,
    evaluation,
    camera,
    case,
    scheduler,
    db,
    registry,
    review,
    kpi,
):
    command.register(app)


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
