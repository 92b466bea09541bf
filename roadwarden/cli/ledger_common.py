"""What the commands about the log have in common."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.errors import MissingExtra, OutputError, RegistryAway, StorageAway
from roadwarden.settings import database_url, registry_uri

if TYPE_CHECKING:
    from roadwarden.ledger.checkpoint import KeyRing
    from roadwarden.ledger.note import SigningKey
    from roadwarden.models.history import Entry
    from roadwarden.service.ledger import Ledger

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


def advance(
    ledger: Ledger, path: Path, key: SigningKey, ring: KeyRing, witnesses: Sequence[str], registry: str | None
) -> dict[str, Any]:
    """Follows, signs and shows; says what was done. Raises WitnessRefused where a witness will not have it."""
    from roadwarden.ledger.key_files import read_succession, succession_path
    from roadwarden.service.witnesses import open_witness

    now = datetime.now(UTC)
    if succession_path(path).exists():
        ledger.add_succession(read_succession(succession_path(path)), str(key.verifier), now)
    added = ledger.follow(moves_or_none(registry) or ())
    row = ledger.checkpoint(key, now)
    taken, away = {}, []
    for place in witnesses:
        try:
            taken[open_witness(place).name] = ledger.show(open_witness(place), ring, now)
        except (StorageAway, OutputError) as exc:
            away.append(str(exc))
            print(f"roadwarden: {exc}; it gets what it has missed the next time", file=sys.stderr)
    return {"added": added, "size": row.size, "number": row.number, "witnesses": taken, "away": away, "note": row.note}


def moves_or_none(registry: str | None) -> Sequence[Entry] | None:
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


def private_key(path: Path) -> SigningKey:
    """The log's private key from its file."""
    from roadwarden.ledger.key_files import read_private_key

    return read_private_key(path)


def own_ring(path: Path, key: SigningKey) -> KeyRing:
    """Our own key, and whatever stands beside it: after a rotation FILE.pub may also hold the older ones."""
    from roadwarden.ledger.checkpoint import KeyRing
    from roadwarden.ledger.key_files import public_path, read_public_keys

    public = public_path(path)
    return KeyRing((key.verifier, *(read_public_keys(public) if public.exists() else ())))


def open_ledger(database: str | None) -> Ledger:
    """The log of a database, which gets the newest schema."""
    from roadwarden.service.ledger import Ledger
    from roadwarden.storage.schema import open_storage  # SQLAlchemy takes its time, and 'verify' wants none

    return Ledger(open_storage(database or database_url()))
