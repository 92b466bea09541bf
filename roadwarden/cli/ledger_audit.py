"""``roadwarden ledger audit``: the whole database, the log, the witnesses, and the files of pictures."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cli.database import PicturesFolder
from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.cli.ledger_common import (
    AsJson,
    Database,
    PublicKeys,
    Registry,
    Witnesses,
    moves_or_none,
    open_ledger,
)
from roadwarden.cli.progress import progress
from roadwarden.errors import ConfigError
from roadwarden.settings import blobs_url

if TYPE_CHECKING:
    from roadwarden.service.audit_pictures import PictureAudit
    from roadwarden.service.ledger import Ledger
    from roadwarden.service.ledger_audit import Audit

ALL, NONE = "all", "none"
Pictures = Annotated[
    str,
    typer.Option(
        "--pictures",
        help="whose files are read: all, none, or a share such as 0.05, drawn anew each time",
        metavar="SHARE",
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the command to the group."""
    app.command()(audit)


def audit(
    keys: PublicKeys,
    witness: Witnesses = None,
    registry: Registry = None,
    pictures: Pictures = ALL,
    blobs: PicturesFolder = None,
    most_lag_s: Annotated[
        float | None, typer.Option(min=0, help="fail where an event has waited longer to be logged, seconds")
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Compare the whole database and the files of pictures with the log and the witnesses; names what was changed.

    Exits with 3 where something was.

    Example: roadwarden ledger audit --key var/log.key.pub --witness var/witness.jsonl
    """
    from roadwarden.ledger.checkpoint import KeyRing
    from roadwarden.ledger.key_files import read_public_keys
    from roadwarden.service.ledger_audit import audit as compare
    from roadwarden.service.witnesses import open_witness

    share = _share(pictures)
    ring = KeyRing(read_public_keys(keys))
    ledger = open_ledger(database)
    with progress("leaves") as report:
        found = compare(
            ledger.engine, ring, [open_witness(one) for one in witness or ()], moves_or_none(registry), report
        )
    read = _read_pictures(ledger, blobs, share) if share > 0 else None
    now = datetime.now(UTC)
    late = most_lag_s is not None and found.lag(now).total_seconds() > most_lag_s
    if as_json:
        print(json.dumps(_told(found, read, now) | {"late": late}, ensure_ascii=False))
    else:
        _print(found, read, now)
    if found.faults or late or (read is not None and read.faults):
        raise typer.Exit(EXIT_NOT_PASSED)


def _share(pictures: str) -> float:
    if pictures in (ALL, NONE):
        return float(pictures == ALL)
    try:
        share = float(pictures)
    except ValueError:
        share = -1
    if not 0 < share <= 1:
        raise ConfigError(f"--pictures {pictures}: write '{ALL}', '{NONE}', or a share above 0 and up to 1")
    return share


def _read_pictures(ledger: Ledger, blobs: str | None, share: float) -> PictureAudit:
    from roadwarden.service.audit_pictures import audit_pictures
    from roadwarden.storage.blobs import open_blobs

    with progress("leaves of pictures") as report:
        return audit_pictures(ledger.engine, open_blobs(blobs or blobs_url()), share, report)


def _told(found: Audit, read: PictureAudit | None, now: datetime) -> dict[str, object]:
    told = found.as_json(now) | {"pictures": None}
    if read is None:
        return told
    faults = [*found.faults, *read.faults]
    return told | {"pictures": read.as_json(), "clean": not faults, "faults": [fault.as_json() for fault in faults]}


def _print(found: Audit, read: PictureAudit | None, now: datetime) -> None:
    faults = [*found.faults, *(() if read is None else read.faults)]
    for fault in faults:
        print(fault)
    print(
        f"{len(faults)} faults; {found.leaves} leaves, {found.checkpoints} checkpoints, "
        f"{len(found.witnesses)} witnesses, {found.erased} erased"
    )
    if read is None:
        print("pictures: their files were not read")
    else:
        more = f"; {read.more_faults} more faults" if read.more_faults else ""
        print(
            f"pictures: {read.named} named by the log, {read.read} files read ({read.bytes:,} bytes), "
            f"{read.erased} erased, {read.otherwise} named by no sha256{more}"
        )
    print(
        f"not in the log yet: {found.waiting} events, the oldest for {found.lag(now).total_seconds():.0f} s; "
        f"not in a checkpoint yet: {found.unsigned_leaves} leaves"
    )
    if not found.witnesses:
        print("no witness was asked: that the end was cut off together with its checkpoints could not be seen")
