"""``roadwarden ledger checkpoint``, ``prove``, ``erase``: the log and its database."""

from __future__ import annotations

import json
import signal
import sys
import threading
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from roadwarden.cli.ledger_common import (
    AsJson,
    Database,
    PrivateKey,
    Registry,
    Witnesses,
    advance,
    open_ledger,
    own_ring,
    private_key,
)
from roadwarden.errors import StorageAway, UnknownCase


def register(app: typer.Typer) -> None:
    """Adds the commands to the group."""
    for command in (checkpoint, prove, erase):
        app.command()(command)


def checkpoint(
    key: PrivateKey,
    witness: Witnesses = None,
    every_s: Annotated[
        float, typer.Option(min=0, help="seconds until the next one, until it is stopped; 0: once, for cron")
    ] = 0.0,
    registry: Registry = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Bring the log up to date, sign how it stands, and show that to the witnesses.

    Example: roadwarden ledger checkpoint --key var/log.key --witness var/witness.jsonl
    """
    private, ledger = private_key(key), open_ledger(database)
    ring = own_ring(key, private)
    stop = threading.Event()
    if every_s:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    while True:
        try:
            _print(advance(ledger, key, private, ring, witness or (), registry), as_json)
        except StorageAway as exc:
            if not every_s:
                raise
            print(f"roadwarden: {exc}; trying again in {every_s:g} s", file=sys.stderr)
        if not every_s or stop.wait(every_s):
            return


def prove(
    case: Annotated[str, typer.Argument(help="name of the case")],
    database: Database = None,
) -> None:
    """Print the leaves of a case with their inclusion proofs in the newest checkpoint, as JSON.

    Example: roadwarden ledger prove 2026-000001
    """
    from roadwarden.ledger.bundle import BundleLeaf
    from roadwarden.ledger.leaves import read_leaf
    from roadwarden.storage.engine import reading
    from roadwarden.storage.ledger_store import LedgerStore

    ledger = open_ledger(database)
    with reading(ledger.engine) as connection:
        rows = LedgerStore(connection).leaves_of_case(case)
    if not rows:
        raise UnknownCase(f"the log has nothing of case {case}; 'roadwarden ledger checkpoint' brings it up to date")
    proved = ledger.prove(rows)
    leaves = [
        BundleLeaf(one.leaf.number, read_leaf(one.leaf.body.encode(), f"leaf {one.leaf.number}"), one.proof).as_json()
        for one in proved
    ]
    print(json.dumps({"checkpoint": proved[0].checkpoint.note, "leaves": leaves}, ensure_ascii=False, indent=2))


def erase(
    case: Annotated[str, typer.Argument(help="name of the case")],
    by: Annotated[str, typer.Option(help="who decides it")],
    reason: Annotated[str, typer.Option(help="why, such as the number of the request")],
    seq: Annotated[list[int] | None, typer.Option(help="only this event; may be repeated; without it all")] = None,
    database: Database = None,
) -> None:
    """Erase names and free text of the events of a case for good; the log stays whole and says that it was done.

    Example: roadwarden ledger erase 2026-000001 --seq 1 --by "data protection" --reason "request 17"
    """
    from roadwarden.service.ledger_erasure import Erasure
    from roadwarden.service.ledger_erasure import erase as throw_away

    wanted = Erasure(case, frozenset(seq) if seq else None, by, reason)
    done = throw_away(open_ledger(database), wanted, datetime.now(UTC))
    print(f"{len(done.positions)} events erased; run 'roadwarden ledger checkpoint' to have it signed")


def _print(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, ensure_ascii=False), flush=True)
        return
    shown = "".join(f"; witness {name} took {number}" for name, number in told["witnesses"].items())
    print(f"{told['added']} leaves added; checkpoint {told['number']} of {told['size']} leaves{shown}", flush=True)
