"""``roadwarden ledger``: the tamper-evident log, its witnesses, and bundles that others can check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli import ledger_audit, ledger_bundle, ledger_log

ledger_app = typer.Typer(help="The tamper-evident log of cases, evidence and models. 存证", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    for command in (keygen, witness):
        ledger_app.command()(command)
    ledger_log.register(ledger_app)
    ledger_audit.register(ledger_app)
    ledger_bundle.register(ledger_app)
    app.add_typer(ledger_app, name="ledger")


def keygen(
    file: Annotated[Path, typer.Argument(help="new file for the private key; FILE.pub is made beside it")],
    origin: Annotated[str, typer.Option(help="the log's name, such as roadwarden.example/west-lake")],
    follows: Annotated[
        Path | None, typer.Option(help="private key that this one follows: FILE.succession is signed by it")
    ] = None,
) -> None:
    """Make a key pair of the log: the private key for its owner alone, the public one to be handed out.

    Example: roadwarden ledger keygen var/log.key --origin roadwarden.example/west-lake
    """
    from roadwarden.ledger.key_files import public_path, read_private_key, write_new_key

    old = None if follows is None else read_private_key(follows)
    key = write_new_key(file, origin, old)
    print(f"{key.verifier}")
    print(f"hand out {public_path(file)}; {file} stays on this machine, readable by its owner alone", file=sys.stderr)


def witness(
    place: Annotated[str, typer.Argument(help="file, or URL of the department's own database")],
) -> None:
    """Prepare a witness; run by the other department, on its own machine.

    Example: roadwarden ledger witness var/witness.jsonl
    """
    from roadwarden.service.witnesses import make_witness

    made, protection = make_witness(place)
    print(f"witness {made.name}: {protection}")
