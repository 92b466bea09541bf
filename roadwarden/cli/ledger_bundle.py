"""``roadwarden ledger bundle`` and ``verify``: what another department gets, and how it checks that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.cli.ledger_common import (
    AsJson,
    Database,
    PrivateKey,
    PublicKeys,
    Registry,
    advance,
    open_ledger,
    own_ring,
    private_key,
)
from roadwarden.cli.repair_common import kept_pictures
from roadwarden.errors import DataError, LedgerError, OutputError


def register(app: typer.Typer) -> None:
    """Adds the commands to the group."""
    for command in (bundle, verify):
        app.command()(command)


def bundle(
    case: Annotated[str, typer.Argument(help="name of the case")],
    out: Annotated[Path, typer.Option(help="new zip")],
    key: PrivateKey,
    images: Annotated[
        Path | None,
        typer.Option(
            help="folder of pictures that are named by their sha256; without it where evidence is kept: "
            "ROADWARDEN_BLOBS, else var/blobs"
        ),
    ] = None,
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

    Example: roadwarden ledger bundle 2026-000001 --out case.zip --key var/log.key
    """
    from roadwarden.ledger.key_files import ring_of
    from roadwarden.ledger.verify import verify_bundle
    from roadwarden.service.ledger_bundles import Enclosed, bundle_case, pictures_in

    if out.exists():
        raise OutputError(f"{out} is there already: name a new file")
    private, ledger = private_key(key), open_ledger(database)
    advance(ledger, key, private, own_ring(key, private), (), registry)
    find = kept_pictures(None).get if images is None else pictures_in(images)
    enclosed = Enclosed(find, _cards(card), personal)
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
        gone = f", {len(report.images_erased)} erased" if report.images_erased else ""
        print(f"verified: case {report.case}, {report.events} events, {len(report.images)} pictures{missing}{gone}")
        if report.erased:
            print(f"of {report.erased} events the names and words were erased, as the log says")
        print(f"log {report.checkpoint}")
    else:
        print(f"NOT verified: {file}")
        for fault in report.faults:
            print(f"  {fault}")
    if not report.verified:
        raise typer.Exit(EXIT_NOT_PASSED)


def _cards(paths: Sequence[Path] | None) -> dict[str, bytes]:
    if paths:
        try:
            return {path.name: path.read_bytes() for path in paths}
        except OSError as exc:
            raise DataError(f"the model card cannot be read: {exc}") from exc
    from roadwarden.models.load import load_detector, model_path

    card = load_detector(model_path(None), threads=1).card
    return {"model-card.json": (card.model_copy().model_dump_json(indent=2) + "\n").encode()}
