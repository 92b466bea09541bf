"""The evidence bundle of one case: what happened, its pictures, the model, and the proofs, in one zip.

README.md          for people, Chinese and English
events.jsonl       the events, as ``roadwarden case replay`` reads them
leaves.jsonl       each leaf with its number, its proof, and what is personal in it with the salt
images/            pictures that the events name, by their sha256
records/           records of assessments that the events name, by their sha256; what was drawn for them, by its own
model/             model card, as given
checkpoint         the log's signed checkpoint that the proofs lead to
successions        notes in which older keys of the log name their successors; missing where there are none
manifest.json      sha256 of every file above
manifest.sig       the log's signature on the manifest
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from roadwarden.cases.event_lines import format_event_line
from roadwarden.cases.events import CaseEvent, parse_event
from roadwarden.errors import DataError, LedgerError
from roadwarden.ledger.bundle_readme import bundle_readme
from roadwarden.ledger.canonical import canonical, sha256_hex
from roadwarden.ledger.checkpoint import head_of
from roadwarden.ledger.leaves import ERASED, Json, LeafKind, Personal, erased_pictures, joined
from roadwarden.ledger.merkle import Hash
from roadwarden.ledger.note import SigningKey
from roadwarden.ledger.strict_zip import pack

FORM: Final = "roadwarden evidence bundle v1"
EVENTS, LEAVES, CHECKPOINT, SUCCESSIONS = "events.jsonl", "leaves.jsonl", "checkpoint", "successions"
MANIFEST, SIGNATURE, README = "manifest.json", "manifest.sig", "README.md"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"(images|model|records)/[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


@dataclass(frozen=True, slots=True)
class BundleLeaf:
    """A leaf with its proof."""

    index: int
    body: Json
    proof: tuple[Hash, ...]
    salt: bytes | None = None  # None: it holds nothing personal, or that was erased or left out
    personal: Personal = field(default_factory=dict)

    def as_json(self) -> Json:
        """One line of ``leaves.jsonl``."""
        line: Json = {
            "index": self.index,
            "leaf": self.body,
            "proof": [base64.b64encode(one).decode() for one in self.proof],
        }
        if self.salt is not None:
            line |= {"salt": self.salt.hex(), "personal": dict(self.personal)}
        return line

    @classmethod
    def parse(cls, line: Any) -> BundleLeaf:
        """From its line; raises LedgerError where it is none."""
        try:
            return cls(
                int(line["index"]),
                dict(line["leaf"]),
                tuple(base64.b64decode(one, validate=True) for one in line["proof"]),
                bytes.fromhex(line["salt"]) if "salt" in line else None,
                dict(line.get("personal", {})),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise LedgerError(f"{LEAVES}: not a line of it: {exc}") from exc


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes into a bundle."""

    case: str
    leaves: Sequence[BundleLeaf]
    checkpoint: str  # signed note
    successions: Sequence[str] = ()
    images: Mapping[str, bytes] = field(default_factory=dict)  # sha256 to content
    model: Mapping[str, bytes] = field(default_factory=dict)  # file name to content
    records: Mapping[str, bytes] = field(default_factory=dict)  # sha256 to content: JSON, or a drawn picture


def pack_bundle(bundle: Bundle, key: SigningKey) -> bytes:
    """The zip, signed by the log's key. Raises LedgerError for names that a file may not have."""
    counts = Counter(str(leaf.body.get("kind")) for leaf in bundle.leaves)
    files = {
        EVENTS: _lines(format_event_line(event).encode() for event in events_of(bundle.leaves, bundle.case)),
        LEAVES: _lines(canonical(leaf.as_json()) for leaf in bundle.leaves),
        CHECKPOINT: bundle.checkpoint.encode(),
        README: bundle_readme(bundle.case, head_of(bundle.checkpoint), counts, len(bundle.images)).encode(),
    }
    if bundle.successions:
        files[SUCCESSIONS] = canonical(list(bundle.successions))
    files |= {f"images/{sha256}{_suffix(content)}": content for sha256, content in bundle.images.items()}
    files |= {f"model/{name}": content for name, content in bundle.model.items()}
    files |= {f"records/{sha256}{_suffix(content)}": content for sha256, content in bundle.records.items()}
    if strange := [name for name in files if "/" in name and not _NAME.fullmatch(name)]:
        raise LedgerError(f"a bundle takes no file named {strange[0]!r}")
    files[MANIFEST] = manifest_of(bundle.case, files)
    files[SIGNATURE] = str(key.sign(signed_text(files[MANIFEST]))).encode()
    return pack(files)


def manifest_of(case: str, files: Mapping[str, bytes]) -> bytes:
    """Canonical JSON: the form, the case, and the sha256 of each file."""
    return canonical(
        {"form": FORM, "case": case, "files": {name: sha256_hex(content) for name, content in files.items()}}
    )


def signed_text(manifest: bytes) -> str:
    """What the log signs of a bundle; nothing that could be taken for a checkpoint."""
    return f"{FORM}\nsha256 {sha256_hex(manifest)}\n"


def events_of(leaves: Sequence[BundleLeaf], case: str) -> tuple[CaseEvent, ...]:
    """The case's events in the order in which they were kept; where what is personal is missing it says so.

    Raises LedgerError where a leaf makes no event.
    """
    bodies = sorted((leaf for leaf in leaves if _is_event(leaf.body, case)), key=lambda leaf: int(leaf.body["version"]))
    return tuple(_event(leaf) for leaf in bodies)


def pictures_of(leaves: Sequence[BundleLeaf]) -> tuple[str, ...]:
    """The sha256 of pictures that the evidence leaves name; evidence named otherwise is left out."""
    named = (str(leaf.body.get("evidence", "")) for leaf in leaves if leaf.body.get("kind") == LeafKind.EVIDENCE)
    return tuple(dict.fromkeys(name for name in named if _SHA256.fullmatch(name)))


def records_of(leaves: Sequence[BundleLeaf]) -> tuple[str, ...]:
    """The sha256 of the records that the assessment leaves name; those named otherwise are left out."""
    named = (str(one.body.get("assessment", "")) for one in leaves if one.body.get("kind") == LeafKind.ASSESSMENT)
    return tuple(dict.fromkeys(name for name in named if _SHA256.fullmatch(name)))


def erased_in(leaves: Sequence[BundleLeaf]) -> tuple[frozenset[int], frozenset[str]]:
    """What the bundle's own leaves say was erased: numbers of leaves whose words went, sha256 of pictures."""
    bodies = [leaf.body for leaf in leaves if leaf.body.get("kind") == LeafKind.ERASURE]
    words = frozenset(int(one) for body in bodies for one in body.get("leaves", []))
    return words, frozenset(name for body in bodies for name in erased_pictures(body))


def drawn_for(record: bytes) -> str | None:
    """The sha256 of the picture that was drawn for a record; None for none, and for what is no record."""
    try:
        drawn = json.loads(record).get("overlay")
    except (ValueError, AttributeError):
        return None
    return drawn if isinstance(drawn, str) and _SHA256.fullmatch(drawn) else None


def _event(leaf: BundleLeaf) -> CaseEvent:
    seals = leaf.body.get("personal", {})
    personal = {path: leaf.personal.get(path, ERASED) for path in seals}
    try:
        whole = joined(leaf.body, personal)
        names = ("case", "seq", "type", "occurred_at", "received_at", "actor", "role", "data")
        return parse_event({name: whole[name] for name in names})
    except (DataError, KeyError, TypeError) as exc:
        raise LedgerError(f"leaf {leaf.index} makes no event: {exc}") from exc


def _is_event(body: Json, case: str) -> bool:
    return body.get("kind") == LeafKind.EVENT and body.get("case") == case


def _lines(lines: Any) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _suffix(content: bytes) -> str:
    if content.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if content.startswith(b"{"):
        return ".json"
    return ".png" if content.startswith(b"\x89PNG\r\n\x1a\n") else ""


def read_lines(content: bytes, name: str) -> tuple[Any, ...]:
    """Canonical JSON Lines; raises LedgerError that names the line."""
    lines = content.split(b"\n")
    if lines.pop() != b"":
        raise LedgerError(f"{name}: the last line was cut off")
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            value = json.loads(line)
        except ValueError as exc:
            raise LedgerError(f"{name}:{number}: {exc}") from exc
        if canonical(value) != line:
            raise LedgerError(f"{name}:{number}: is not in canonical form")
        found.append(value)
    return tuple(found)
