"""``roadwarden ledger``: the tamper-evident log, its witnesses, and bundles that others can check."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.cli.progress import progress
from roadwarden.errors import (
    DataError,
    LedgerError,
    MissingExtra,
    OutputError,
    RegistryAway,
    StorageAway,
    UnknownCase,
    WitnessRefused,
)
from roadwarden.settings import database_url, registry_uri

if TYPE_CHECKING:
    from roadwarden.ledger.checkpoint import KeyRing
    from roadwarden.ledger.note import SigningKey
    from roadwarden.models.history import Entry
    from roadwarden.service.ledger import Ledger

ledger_app = typer.Typer(help="The tamper-evident log of cases, evidence and models. 存证", no_args_is_help=True)

NO_REGISTRY = "none"
Database = Annotated[
    str | None, typer.Option(help="URL; without it ROADWARDEN_DATABASE, or sqlite:///var/roadwarden.db")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
PrivateKey = Annotated[Path, typer.Option(help="private key of the log, from 'roadwarden ledger keygen'")]
PublicKeys = Annotated[Path, typer.Option("--key", help="public keys of the log that you trust, one a line")]
Witnesses = Annotated[
    list[str] | None, typer.Option("--witness", help="file, or URL of another department's database; may be repeated")
]
Registry = Annotated[
    str | None,
    typer.Option(help="model registry, or 'none'; without it ROADWARDEN_REGISTRY, or sqlite:///var/mlflow.db"),
]


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(ledger_app, name="ledger")


@ledger_app.command()
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


@ledger_app.command()
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
    private, ledger = _private(key), _ledger(database)
    ring = _own_ring(key, private)
    stop = threading.Event()
    if every_s:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    while True:
        try:
            _print(_advance(ledger, key, private, ring, witness or (), registry), as_json)
        except StorageAway as exc:
            if not every_s:
                raise
            print(f"roadwarden: {exc}; trying again in {every_s:g} s", file=sys.stderr)
        if not every_s or stop.wait(every_s):
            return


@ledger_app.command()
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

    ledger = _ledger(database)
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


@ledger_app.command()
def bundle(
    case: Annotated[str, typer.Argument(help="name of the case")],
    out: Annotated[Path, typer.Option(help="new zip")],
    key: PrivateKey,
    images: Annotated[Path | None, typer.Option(help="folder of pictures that are named by their sha256")] = None,
    card: Annotated[
        list[Path] | None, typer.Option(help="model card to enclose; may be repeated; without it the shipped model's")
    ] = None,
    personal: Annotated[
        bool, typer.Option(help="enclose names and free text; the rest can be proved without them")
    ] = True,
    registry: Registry = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write all that happened to a case, with proofs, into a zip that anybody can check with the public key.

    Example: roadwarden ledger bundle 2026-000001 --out case.zip --key var/log.key --images var/evidence
    """
    from roadwarden.ledger.key_files import ring_of
    from roadwarden.ledger.verify import verify_bundle
    from roadwarden.service.ledger_bundles import Enclosed, bundle_case, pictures_in

    if out.exists():
        raise OutputError(f"{out} is there already: name a new file")
    private, ledger = _private(key), _ledger(database)
    _advance(ledger, key, private, _own_ring(key, private), (), registry)
    enclosed = Enclosed(personal=personal, model=_cards(card))
    if images is not None:
        enclosed = Enclosed(pictures_in(images), enclosed.model, personal)
    content = bundle_case(ledger, case, private, enclosed)
    report = verify_bundle(content, ring_of(private))
    if not report.verified:
        raise LedgerError(f"the bundle does not verify and is not written: {report.faults[0]}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
    except OSError as exc:
        raise OutputError(f"{out}: cannot be written: {exc.strerror}") from exc
    told = report.as_json() | {"file": str(out), "bytes": len(content)}
    counts = f"{report.events} events, {len(report.images)} pictures, {len(report.images_missing)} not here"
    print(json.dumps(told, ensure_ascii=False) if as_json else f"{out}: {counts}, {len(content):,} bytes")


@ledger_app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="evidence bundle, from 'roadwarden ledger bundle'")],
    keys: PublicKeys,
    as_json: AsJson = False,
) -> None:
    """Check an evidence bundle offline: no database, no network, only the public key. Exits with 3 where it fails.

    Example: roadwarden ledger verify case.zip --key log.pub
    """
    from roadwarden.ledger.checkpoint import KeyRing
    from roadwarden.ledger.key_files import read_public_keys
    from roadwarden.ledger.strict_zip import MOST_BYTES
    from roadwarden.ledger.verify import verify_bundle

    ring = KeyRing(read_public_keys(keys))
    try:
        if file.stat().st_size > MOST_BYTES:
            raise DataError(f"{file}: larger than a bundle may be, {MOST_BYTES:,} bytes")
        content = file.read_bytes()
    except OSError as exc:
        raise DataError(f"{file}: cannot be read: {exc.strerror}") from exc
    report = verify_bundle(content, ring)
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    elif report.verified:
        missing = f", {len(report.images_missing)} not enclosed" if report.images_missing else ""
        print(f"verified: case {report.case}, {report.events} events, {len(report.images)} pictures{missing}")
        print(f"log {report.checkpoint}")
    else:
        print(f"NOT verified: {file}")
        for fault in report.faults:
            print(f"  {fault}")
    if not report.verified:
        raise typer.Exit(EXIT_NOT_PASSED)


@ledger_app.command()
def audit(
    keys: PublicKeys,
    witness: Witnesses = None,
    registry: Registry = None,
    most_lag_s: Annotated[
        float | None, typer.Option(min=0, help="fail where an event has waited longer to be logged, seconds")
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Compare the whole database with the log and the witnesses; names what was changed. Exits with 3 where it was.

    Example: roadwarden ledger audit --key var/log.key.pub --witness var/witness.jsonl
    """
    from roadwarden.ledger.checkpoint import KeyRing
    from roadwarden.ledger.key_files import read_public_keys
    from roadwarden.service.ledger_audit import audit as compare
    from roadwarden.service.witnesses import open_witness

    ring = KeyRing(read_public_keys(keys))
    ledger = _ledger(database)
    with progress("leaves") as report:
        found = compare(
            ledger.engine, ring, [open_witness(one) for one in witness or ()], _moves_or_none(registry), report
        )
    now = datetime.now(UTC)
    late = most_lag_s is not None and found.lag(now).total_seconds() > most_lag_s
    if as_json:
        print(json.dumps(found.as_json(now) | {"late": late}, ensure_ascii=False))
    else:
        for fault in found.faults:
            print(fault)
        print(
            f"{len(found.faults)} faults; {found.leaves} leaves, {found.checkpoints} checkpoints, "
            f"{len(found.witnesses)} witnesses, {found.erased} erased"
        )
        print(
            f"not in the log yet: {found.waiting} events, the oldest for {found.lag(now).total_seconds():.0f} s; "
            f"not in a checkpoint yet: {found.unsigned_leaves} leaves"
        )
        if not found.witnesses:
            print("no witness was asked: that the end was cut off together with its checkpoints could not be seen")
    if found.faults or late:
        raise typer.Exit(EXIT_NOT_PASSED)


@ledger_app.command()
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
    number = throw_away(_ledger(database), wanted, datetime.now(UTC))
    print(f"{number} events erased; run 'roadwarden ledger checkpoint' to have it signed")


@ledger_app.command()
def witness(
    place: Annotated[str, typer.Argument(help="file, or URL of the department's own database")],
) -> None:
    """Prepare a witness; run by the other department, on its own machine.

    Example: roadwarden ledger witness var/witness.jsonl
    """
    from roadwarden.service.witnesses import make_witness

    made, protection = make_witness(place)
    print(f"witness {made.name}: {protection}")


def _advance(
    ledger: Ledger, path: Path, key: SigningKey, ring: KeyRing, witnesses: Sequence[str], registry: str | None
) -> dict[str, Any]:
    from roadwarden.ledger.key_files import read_succession, succession_path
    from roadwarden.service.witnesses import open_witness

    now = datetime.now(UTC)
    if succession_path(path).exists():
        ledger.add_succession(read_succession(succession_path(path)), str(key.verifier), now)
    added = ledger.follow(_moves_or_none(registry) or ())
    row = ledger.checkpoint(key, now)
    taken, away = {}, []
    for place in witnesses:
        try:
            taken[open_witness(place).name] = ledger.show(open_witness(place), ring, now)
        except WitnessRefused:
            raise
        except (StorageAway, OutputError) as exc:
            away.append(str(exc))
            print(f"roadwarden: {exc}; it gets what it has missed the next time", file=sys.stderr)
    return {"added": added, "size": row.size, "number": row.number, "witnesses": taken, "away": away, "note": row.note}


def _print(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, ensure_ascii=False), flush=True)
        return
    shown = "".join(f"; witness {name} took {number}" for name, number in told["witnesses"].items())
    print(f"{told['added']} leaves added; checkpoint {told['number']} of {told['size']} leaves{shown}", flush=True)


def _moves_or_none(registry: str | None) -> Sequence[Entry] | None:
    """The registry's history; None where there is no registry, which is said."""
    if registry == NO_REGISTRY:
        return None
    from roadwarden.service.ledger import registry_moves

    try:
        return registry_moves(registry or registry_uri())
    except (RegistryAway, MissingExtra) as exc:
        if registry is not None:
            raise
        print(f"roadwarden: moves of model aliases are left out: {exc}", file=sys.stderr)
        return None


def _cards(paths: Sequence[Path] | None) -> dict[str, bytes]:
    if paths:
        try:
            return {path.name: path.read_bytes() for path in paths}
        except OSError as exc:
            raise DataError(f"the model card cannot be read: {exc}") from exc
    from roadwarden.models.load import load_detector, model_path

    card = load_detector(model_path(None), threads=1).card
    return {"model-card.json": (card.model_copy().model_dump_json(indent=2) + "\n").encode()}


def _private(path: Path) -> SigningKey:
    from roadwarden.ledger.key_files import read_private_key

    return read_private_key(path)


def _own_ring(path: Path, key: SigningKey) -> KeyRing:
    """Our own key, and whatever stands beside it: after a rotation FILE.pub may also hold the older ones."""
    from roadwarden.ledger.checkpoint import KeyRing
    from roadwarden.ledger.key_files import public_path, read_public_keys

    public = public_path(path)
    return KeyRing((key.verifier, *(read_public_keys(public) if public.exists() else ())))


def _ledger(database: str | None) -> Ledger:
    from roadwarden.service.ledger import Ledger
    from roadwarden.storage.schema import open_storage  # SQLAlchemy takes its time, and 'verify' wants none

    return Ledger(open_storage(database or database_url()))
