"""Versions of a model: what speaks for each of them, and the file of one, checked before it is used."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from roadwarden.errors import ConfigError, ModelError
from roadwarden.models.gate_rule import GateOutcome, check_passed, check_same_file, outcome, read_gate
from roadwarden.models.history import place, read_history, voucher
from roadwarden.models.mlflow_store import MlflowStore, StoredVersion
from roadwarden.models.onnx import OnnxDetector, sha256_of

MODEL_NAME = "roadwarden"
CHAMPION = "champion"
_REFERENCE = re.compile(r"registry:(?P<name>[\w.-]+)(?:@(?P<alias>[\w.-]+)|/(?P<number>[1-9]\d*))")


class Artefact(StrEnum):
    """The files of a version, under the names they all bear."""

    ONNX = "model.onnx"
    METADATA = "metadata.json"  # the card inside the ONNX file
    CARD = "card.md"
    REPORT = "report.json"
    GATE = "gate.json"
    SUMS = "SHA256SUMS"  # for sha256sum --check


class Tag(StrEnum):
    """The tags of a version."""

    MODEL = "model"
    SHA256 = "sha256"
    TAXONOMY = "taxonomy_version"
    COMMIT = "git_commit"
    GATE = "gate"
    GATE_SHA256 = "gate_sha256"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What goes into a version."""

    onnx: Path
    card: Path  # the model card for people, Markdown
    report: Path  # the evaluation, JSON
    gate: Path | None = None  # the gate result, JSON


@dataclass(frozen=True, slots=True)
class Reference:
    """A model in the registry: ``registry:roadwarden@champion`` or ``registry:roadwarden/3``."""

    name: str
    alias: str | None
    number: int | None  # exactly one of the two is there

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises ConfigError where the text is no reference."""
        found = _REFERENCE.fullmatch(text)
        if not found:
            raise ConfigError(
                f"{text}: wanted registry:NAME@ALIAS or registry:NAME/VERSION, such as registry:{MODEL_NAME}@{CHAMPION}"
            )
        return cls(found["name"], found["alias"], int(found["number"]) if found["number"] else None)

    def __str__(self) -> str:
        return f"registry:{self.name}" + (f"@{self.alias}" if self.alias else f"/{self.number}")


def push(store: MlflowStore, files: ModelFiles, name: str = MODEL_NAME) -> StoredVersion:
    """Registers a file with all that speaks for it.

    Raises ModelError for what is no model of ours or a gate of another file, ConfigError for files that cannot be read.
    """
    card = OnnxDetector(files.onnx, threads=1).card
    sha256 = sha256_of(files.onnx)
    gate = read_gate(files.gate) if files.gate else None
    if gate:
        check_same_file(gate, sha256)
    tags: dict[str, str] = {
        Tag.SHA256: sha256,
        Tag.MODEL: card.name,
        Tag.TAXONOMY: card.taxonomy_version,
        Tag.COMMIT: card.git_commit,
        Tag.GATE: str(outcome(gate)),
    }
    if files.gate:
        tags[Tag.GATE_SHA256] = sha256_of(files.gate)
    with tempfile.TemporaryDirectory() as folder:
        _lay_out(files, card.model_dump_json(indent=2), Path(folder))
        number = store.add(name, Path(folder), tags, card.name)
    return store.version(name, number)


def _lay_out(files: ModelFiles, metadata: str, folder: Path) -> None:
    """The artefacts of a version, under the names they all bear, with a list for ``sha256sum --check``."""
    _check_json(files.report)
    chosen = [(files.onnx, Artefact.ONNX), (files.card, Artefact.CARD), (files.report, Artefact.REPORT)]
    if files.gate:
        chosen.append((files.gate, Artefact.GATE))
    for source, name in chosen:
        try:
            shutil.copyfile(source, folder / name)
        except OSError as exc:
            raise ConfigError(f"{source}: cannot be read: {exc}") from exc
    (folder / Artefact.METADATA).write_text(metadata + "\n", encoding="utf-8")
    sums = "".join(f"{sha256_of(path)}  {path.name}\n" for path in sorted(folder.iterdir()))
    (folder / Artefact.SUMS).write_text(sums, encoding="utf-8")


def _check_json(path: Path) -> None:
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: not an evaluation report in JSON: {exc}") from exc


def check_promotable(store: MlflowStore, version: StoredVersion) -> str:
    """The sha256 of a version whose files are those that were pushed and whose gate has passed.

    Raises ModelError that says what is in the way.
    """
    told = f"{version.name} version {version.number}"
    if version.tags.get(Tag.GATE) == GateOutcome.NONE:
        raise ModelError(f"{told} has no gate result: run 'roadwarden eval gate' and push the file again with --gate")
    with tempfile.TemporaryDirectory() as folder:
        _untouched(store, version, Artefact.ONNX, Tag.SHA256, Path(folder))
        gate = read_gate(_untouched(store, version, Artefact.GATE, Tag.GATE_SHA256, Path(folder)))
    try:
        check_same_file(gate, version.tags[Tag.SHA256])
        check_passed(gate)
    except ModelError as exc:
        raise ModelError(f"{told} cannot be promoted: {exc}") from exc
    return version.tags[Tag.SHA256]


def _untouched(store: MlflowStore, version: StoredVersion, file: Artefact, tag: Tag, folder: Path) -> Path:
    """A copy of a file in ``folder``; raises ModelError where it is not the one whose sha256 the tag holds."""
    copy = store.download(version, file, folder)
    found, wanted = sha256_of(copy), version.tags.get(tag)
    if found != wanted:
        raise ModelError(
            f"{version.name} version {version.number}: {file} has sha256 {found[:12]}..., pushed was "
            f"{str(wanted)[:12]}...: it was changed after the push; do not use it, push the right file again"
        )
    return copy


def fetch(store: MlflowStore, reference: Reference, cache: Path) -> Path:
    """The file of a version, below ``cache``; what an alias stands at must be what the history promoted.

    Raises ConfigError where there is no such version or alias, ModelError for a file or alias changed past us.
    """
    version = store.version(reference.name, _number(store, reference))
    sha256 = version.tags.get(Tag.SHA256, "")
    if reference.alias:
        _check_vouched(store, reference.alias, version)
    kept = cache / f"{sha256}.onnx"
    if not (kept.is_file() and sha256_of(kept) == sha256):
        with _folder_in(cache) as folder:
            _untouched(store, version, Artefact.ONNX, Tag.SHA256, Path(folder)).replace(kept)
    return kept


def _folder_in(cache: Path) -> tempfile.TemporaryDirectory[str]:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=cache)
    except OSError as exc:
        raise ModelError(f"{cache}: cannot be written: {exc}; name another with ROADWARDEN_REGISTRY_CACHE") from exc


def _number(store: MlflowStore, reference: Reference) -> int:
    if reference.number is not None:
        return reference.number
    aliases = store.aliases(reference.name)
    if reference.alias not in aliases:
        known = ", ".join(sorted(aliases)) or "none"
        raise ConfigError(f"{reference}: no such alias; there is {known}; see 'roadwarden registry list'")
    return aliases[reference.alias]


def _check_vouched(store: MlflowStore, alias: str, version: StoredVersion) -> None:
    entry = voucher(read_history(store.lines(version.name), store.head(version.name)), alias, version.number)
    if entry is None:
        raise ModelError(
            f"'{alias}' stands at {place(version.number)}, but no promotion in the history says so: it was moved past "
            "its gate; promote a version with 'roadwarden registry promote'"
        )
    if entry.sha256 != version.tags.get(Tag.SHA256):
        raise ModelError(f"{place(version.number)} is not the file that was promoted to '{alias}': its tag was changed")
