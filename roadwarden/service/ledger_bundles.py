"""Evidence bundles out of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roadwarden.errors import DataError, LedgerError, UnknownCase
from roadwarden.ledger.bundle import Bundle, BundleLeaf, drawn_for, pack_bundle, pictures_of, records_of
from roadwarden.ledger.canonical import sha256_hex
from roadwarden.ledger.leaves import LeafKind, Personal, Source, drafts_of_event, read_leaf
from roadwarden.ledger.note import SigningKey
from roadwarden.service.ledger import LeafProof, Ledger, kept_event
from roadwarden.storage.assessments import AssessmentStore
from roadwarden.storage.engine import reading
from roadwarden.storage.ledger_store import LeafRow, LedgerStore

FindPicture = Callable[[str], bytes | None]
"""sha256 to the picture, or None where it is not here."""


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What goes into a bundle beside the log."""

    picture: FindPicture = lambda sha256: None
    model: Mapping[str, bytes] = field(default_factory=dict)  # file name to content
    personal: bool = True  # names and free text, with the salts that prove them


def bundle_case(ledger: Ledger, case: str, key: SigningKey, enclosed: Enclosed) -> bytes:
    """The bundle of a case as the newest checkpoint has it, with the moves of model aliases up to then.

    Raises UnknownCase, and LedgerError where something is not in a checkpoint yet, or is not what the log says.
    """
    with reading(ledger.engine) as connection:
        store = LedgerStore(connection)
        rows = store.leaves_of_case(case)
        if not rows:
            raise UnknownCase(f"the log has nothing of case {case}")
        head = store.last_checkpoint()
        moves = [row for row in store.leaves_of_source(Source.REGISTRY) if head is not None and row.number < head.size]
        personal = _personal(store, rows) if enclosed.personal else {}
        successions = store.successions()
    proved = ledger.prove(sorted((*rows, *moves), key=lambda row: row.number), head)
    leaves = [_leaf(one, personal) for one in proved]
    pictures = {sha256: enclosed.picture(sha256) for sha256 in pictures_of(leaves)}
    records = _records(ledger, records_of(leaves), enclosed.picture)
    bundle = Bundle(
        case=case,
        leaves=leaves,
        checkpoint=proved[0].checkpoint.note,
        successions=successions,
        images={sha256: content for sha256, content in pictures.items() if content is not None},
        model=enclosed.model,
        records=records,
    )
    return pack_bundle(bundle, key)


def _records(ledger: Ledger, names: Sequence[str], picture: FindPicture) -> dict[str, bytes]:
    """Records of assessments as they are kept, and what was drawn for them where it is here."""
    with reading(ledger.engine) as connection:
        store = AssessmentStore(connection)
        kept = {name: row.content.encode() for name in names if (row := store.get(name)) is not None}
    drawn = {sha256 for content in kept.values() if (sha256 := drawn_for(content)) is not None}
    found = {sha256: picture(sha256) for sha256 in sorted(drawn)}
    return kept | {sha256: content for sha256, content in found.items() if content is not None}


def pictures_in(folder: Path) -> FindPicture:
    """Pictures that lie in a folder under their sha256, with or without an ending; anything else is not taken."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of pictures")
    paths = {path.name.partition(".")[0]: path for path in folder.rglob("*") if path.is_file()}

    def find(sha256: str) -> bytes | None:
        if sha256 not in paths:
            return None
        content = paths[sha256].read_bytes()
        if sha256_hex(content) != sha256:
            raise LedgerError(f"{paths[sha256]}: its sha256 is {sha256_hex(content)}: the picture was changed")
        return content

    return find


def _personal(store: LedgerStore, rows: tuple[LeafRow, ...]) -> dict[int, Personal]:
    events = [row for row in rows if row.kind == LeafKind.EVENT and row.salt is not None]
    return {row.number: _checked(row, store.events_between(row.position, row.position)) for row in events}


def _checked(row: LeafRow, found: Any) -> Personal:
    draft = drafts_of_event(kept_event(found[0]))[0] if found else None
    if draft is None or draft.sealed(row.salt or b"").decode() != row.body:
        raise LedgerError(f"leaf {row.number} is not what the database says: run 'roadwarden ledger audit'")
    return draft.personal


def _leaf(one: LeafProof, personal: Mapping[int, Personal]) -> BundleLeaf:
    row = one.leaf
    body = read_leaf(row.body.encode(), f"leaf {row.number}")
    known = personal.get(row.number)
    return BundleLeaf(row.number, body, one.proof, None if known is None else row.salt, known or {})
