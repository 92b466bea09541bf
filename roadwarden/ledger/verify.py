"""Checks an evidence bundle with nothing but public keys, and names everything that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from roadwarden.cases.event_lines import parse_event_line
from roadwarden.errors import DataError, LedgerError, RoadwardenError
from roadwarden.ledger.bundle import (
    CHECKPOINT,
    EVENTS,
    FORM,
    LEAVES,
    MANIFEST,
    README,
    SIGNATURE,
    SUCCESSIONS,
    BundleLeaf,
    drawn_for,
    erased_in,
    events_of,
    pictures_of,
    read_lines,
    records_of,
    signed_text,
)
from roadwarden.ledger.canonical import canonical, read_canonical, sha256_hex
from roadwarden.ledger.checkpoint import Checkpoint, KeyRing
from roadwarden.ledger.leaves import Json, LeafKind, read_leaf, seal
from roadwarden.ledger.merkle import included, leaf_hash
from roadwarden.ledger.note import SignedNote
from roadwarden.ledger.strict_zip import unpack


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What a bundle is, and what is wrong with it."""

    case: str = ""
    checkpoint: Checkpoint | None = None
    events: int = 0
    leaves: int = 0
    images: tuple[str, ...] = ()  # sha256 of those enclosed and named by an event
    images_missing: tuple[str, ...] = ()  # named, not enclosed, and not erased as far as the bundle tells
    images_erased: tuple[str, ...] = ()  # named, not enclosed, and a leaf of the log says that they were erased
    records: tuple[str, ...] = ()  # sha256 of records of assessments that are enclosed
    withheld: int = 0  # events whose personal data was erased or left out
    erased: int = 0  # of those, that a leaf of the log says were erased
    faults: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether every check passed."""
        return not self.faults

    def as_json(self) -> Json:
        """For machines."""
        head = self.checkpoint
        log = None if head is None else {"origin": head.origin, "size": head.size, "root": head.root.hex()}
        return {
            "verified": self.verified,
            "case": self.case,
            "log": log,
            "events": self.events,
            "leaves": self.leaves,
            "images": list(self.images),
            "images_missing": list(self.images_missing),
            "images_erased": list(self.images_erased),
            "records": list(self.records),
            "withheld": self.withheld,
            "erased": self.erased,
            "faults": list(self.faults),
        }


def verify_bundle(content: bytes, ring: KeyRing) -> BundleReport:
    """Checks packing, manifest, signatures, proofs, and that events, pictures and leaves say the same.

    Never raises for what somebody may have done to a bundle: that is a fault in the report.
    """
    try:
        files = unpack(content)
        ring = _with_successions(files, ring)
        case = _manifest(files, ring)
        head = ring.checkpoint(_text(files, CHECKPOINT))
    except RoadwardenError as exc:
        return BundleReport(faults=(str(exc),))
    try:
        leaves = tuple(map(BundleLeaf.parse, read_lines(files[LEAVES], LEAVES)))
        faults = tuple(_faults(files, leaves, head, case))
    except (RoadwardenError, KeyError, TypeError, ValueError) as exc:
        return BundleReport(case, head, faults=(f"{LEAVES}: {exc}",))
    named = pictures_of(leaves)
    words, pictures = erased_in(leaves)
    wordless = [leaf for leaf in leaves if leaf.salt is None and leaf.body.get("kind") == LeafKind.EVENT]
    enclosed = {sha256_hex(one) for name, one in files.items() if name.startswith("images/")}
    recorded = {sha256_hex(one) for name, one in files.items() if name.startswith("records/")}
    return BundleReport(
        case=case,
        checkpoint=head,
        events=sum(leaf.body.get("kind") == LeafKind.EVENT for leaf in leaves),
        leaves=len(leaves),
        images=tuple(one for one in named if one in enclosed),
        images_missing=tuple(one for one in named if one not in enclosed | pictures),
        images_erased=tuple(one for one in named if one in pictures - enclosed),
        records=tuple(one for one in records_of(leaves) if one in recorded),
        withheld=len(wordless),
        erased=sum(leaf.index in words for leaf in wordless),
        faults=faults,
    )


def _with_successions(files: Mapping[str, bytes], ring: KeyRing) -> KeyRing:
    if SUCCESSIONS not in files:
        return ring
    notes = read_canonical(files[SUCCESSIONS], SUCCESSIONS)
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise LedgerError(f"{SUCCESSIONS}: wanted a list of notes")
    return ring.with_successions(SignedNote.parse(note) for note in notes)


def _manifest(files: Mapping[str, bytes], ring: KeyRing) -> str:
    """The case that the signed manifest is about; raises LedgerError where a file is not as it says."""
    if missing := [name for name in (MANIFEST, SIGNATURE, EVENTS, LEAVES, CHECKPOINT, README) if name not in files]:
        raise LedgerError(f"{missing[0]} is missing from the bundle")
    note = SignedNote.parse(_text(files, SIGNATURE))
    if len(note.signatures) != 1 or ring.open(note) != signed_text(files[MANIFEST]):
        raise LedgerError(f"{SIGNATURE}: is not a signature on this manifest: {MANIFEST} was changed")
    manifest = read_canonical(files[MANIFEST], MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("form") != FORM:
        raise LedgerError(f"{MANIFEST}: of another form than '{FORM}'; a newer Roadwarden may have written it")
    wanted: dict[str, str] = manifest["files"]
    there = {name: sha256_hex(content) for name, content in files.items() if name not in (MANIFEST, SIGNATURE)}
    for name in sorted(wanted.keys() | there.keys()):
        if wanted.get(name) != there.get(name):
            what = "is missing" if name not in there else "was added" if name not in wanted else "was changed"
            raise LedgerError(f"{name} {what}: it is not what the manifest says")
    return str(manifest["case"])


def _faults(files: Mapping[str, bytes], leaves: Sequence[BundleLeaf], head: Checkpoint, case: str) -> Iterator[str]:
    for leaf in leaves:
        yield from _leaf_faults(leaf, head, case)
    yield from _order_faults(leaves)
    yield from _named(EVENTS, lambda: _event_faults(files[EVENTS], leaves, case))
    named = set(pictures_of(leaves))
    for name, content in sorted(files.items()):
        if name.startswith("images/") and sha256_hex(content) not in named:
            yield f"{name}: no event of the case names a picture with this sha256"
        if name.startswith("images/") and not name.removeprefix("images/").startswith(sha256_hex(content)):
            yield f"{name}: is named by another sha256 than its own"
    yield from _record_faults(files, leaves)


def _record_faults(files: Mapping[str, bytes], leaves: Sequence[BundleLeaf]) -> Iterator[str]:
    """Records are what their leaves name, drawn pictures what those records name."""
    enclosed = {name: content for name, content in sorted(files.items()) if name.startswith("records/")}
    named = set(records_of(leaves))
    said = [content for content in enclosed.values() if sha256_hex(content) in named]
    named |= {drawn for content in said if (drawn := drawn_for(content)) is not None}
    for name, content in enclosed.items():
        sha256 = sha256_hex(content)
        if sha256 not in named:
            yield f"{name}: no assessment of the case names a record with this sha256"
        if not name.removeprefix("records/").startswith(sha256):
            yield f"{name}: is named by another sha256 than its own"


def _leaf_faults(leaf: BundleLeaf, head: Checkpoint, case: str) -> Iterator[str]:
    name = f"leaf {leaf.index}"
    body = canonical(leaf.body)
    read_leaf(body, name)
    if not included(leaf_hash(body), leaf.index, head.size, leaf.proof, head.root):
        yield f"{name} ({leaf.body.get('kind')}): its proof does not lead to the checkpoint: it was changed"
    if leaf.body.get("case", case) != case:
        yield f"{name}: is of case {leaf.body['case']}"
    seals = leaf.body.get("personal", {})
    if leaf.salt is None:
        return
    for path in sorted(seals.keys() | leaf.personal.keys()):
        if path not in leaf.personal or seal(leaf.salt, path, leaf.personal[path]) != seals.get(path):
            yield f"{name}: {path} is not what the log has sealed: it was changed"


def _order_faults(leaves: Sequence[BundleLeaf]) -> Iterator[str]:
    numbers = [leaf.index for leaf in leaves]
    if numbers != sorted(set(numbers)):
        yield f"{LEAVES}: leaves were reordered or stand twice"
    versions = [leaf.body["version"] for leaf in leaves if leaf.body.get("kind") == LeafKind.EVENT]
    if sorted(versions) != list(range(1, len(versions) + 1)):
        gaps = sorted(set(range(1, max(versions, default=0) + 1)) - set(versions))
        yield f"{LEAVES}: version {gaps[0] if gaps else max(versions)} of the case is missing or stands twice"


def _event_faults(content: bytes, leaves: Sequence[BundleLeaf], case: str) -> Iterator[str]:
    said = [parse_event_line(line) for line in content.decode().splitlines()]
    logged = events_of(leaves, case)
    if len(said) != len(logged):
        yield f"{EVENTS}: {len(said)} events, the log has {len(logged)}: events were removed or added"
    for number, (one, other) in enumerate(zip(said, logged, strict=False), start=1):
        if one != other:
            yield f"{EVENTS}:{number}: event {one.seq} is not what the log has"


def _named(name: str, faults: Callable[[], Iterator[str]]) -> Iterator[str]:
    try:
        yield from faults()
    except (DataError, LedgerError, UnicodeDecodeError, json.JSONDecodeError) as exc:
        yield f"{name}: {exc}"


def _text(files: Mapping[str, bytes], name: str) -> str:
    try:
        return files[name].decode()
    except (KeyError, UnicodeDecodeError) as exc:
        raise LedgerError(f"{name}: is missing, or no text") from exc
