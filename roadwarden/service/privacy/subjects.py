"""What is kept of one person who has an account, or of one report of a citizen: handed out, and erased."""

from __future__ import annotations

import json
import secrets
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from roadwarden.cases.event_types import format_time
from roadwarden.errors import NotAllowed, NotFound, OutputError, UnknownCase
from roadwarden.ledger.leaves import Json
from roadwarden.service.ledger import kept_event
from roadwarden.service.ledger_erasure import Erasure, erase
from roadwarden.service.privacy.erasing import Eraser, Proof, Warrant, digest_of
from roadwarden.storage.blobs import DamagedBlob, NoSuchBlob
from roadwarden.storage.engine import reading, writing
from roadwarden.storage.forgetting import ForgetStore
from roadwarden.storage.people import PeopleStore
from roadwarden.storage.personal import PersonalStore

FORM: Final = "roadwarden personal data 1"
NOT_REACHED: Final = (
    "backups, bundles and messages that are out already; the registry of models; logs of servers",
    "备份、已交出的存证包和已发出的消息；模型登记库；服务器日志",
)
"""Said in each export: English, Chinese."""


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that is kept of somebody."""

    subject: str
    rows: Mapping[str, Sequence[Json]]  # what it is to the rows
    pictures: tuple[str, ...]  # sha256 of what he sent


@dataclass(frozen=True, slots=True)
class Gone:
    """What an erasure did."""

    subject: str  # a pseudonym where the subject's own name is gone
    rows: int
    events: int
    pictures: tuple[str, ...]
    kept_pictures: tuple[str, ...]  # that another citizen's report holds too
    proofs: tuple[Proof, ...]

    def as_json(self) -> Json:
        """For machines."""
        return {
            "subject": self.subject,
            "rows": self.rows,
            "events": self.events,
            "pictures": list(self.pictures),
            "kept_pictures": list(self.kept_pictures),
            "leaves": [{"leaf": one.leaf, "count": one.count, "sha256": one.sha256} for one in self.proofs],
        }


@dataclass(frozen=True, slots=True)
class Subjects:
    """Of one database and its files. Raises NotFound for whoever is not known, StorageAway."""

    eraser: Eraser
    new_name: Callable[[], str] = field(default=lambda: f"erased-{secrets.token_hex(4)}")

    def person(self, name: str) -> Told:
        """An account, and everything that names it."""
        with reading(self.eraser.engine) as connection:
            store = PersonalStore(connection)
            rows = store.of_person(name)
            if not rows["account"]:
                raise NotFound(f"there is no account {name}; 'roadwarden user list' shows those there are")
            rows["events"] = [kept_event(row).fields() for row in store.events_of_person(name)]
        return Told(name, rows, tuple(str(row["sha256"]) for row in rows["pictures_sent"]))

    def report(self, id: str) -> Told:
        """A citizen's report by its number."""
        with reading(self.eraser.engine) as connection:
            rows = PersonalStore(connection).of_report(id)
        if not rows["report"]:
            raise NotFound(f"there is no report {id}; numbers are such as R2026-000001")
        return Told(id, rows, tuple(str(row["sha256"]) for row in rows["pictures"]))

    def reports_that_say(self, text: str) -> tuple[str, ...]:
        """Reports in which somebody wrote these words, such as his telephone number: no contact is kept apart.

        Raises NotFound for none.
        """
        with reading(self.eraser.engine) as connection:
            found = PersonalStore(connection).reports_that_say(text) if text.strip() else ()
        if not found:
            raise NotFound("no report says that; contacts are kept only where somebody wrote them into his report")
        return found

    def erase_person(self, name: str, warrant: Warrant) -> Gone:
        """Erases an account: a name that tells nothing stands for it, names and free text leave its events.

        Pictures stay: they show roads, and are erased one by one. Raises NotAllowed for an account that is not
        disabled.
        """
        told = self.person(name)
        if told.rows["account"][0]["disabled_at"] is None:
            raise NotAllowed(f"the account {name} is in use: 'roadwarden user disable {name}' first")
        by_case: dict[str, set[int]] = {}
        for event in told.rows["events"]:
            by_case.setdefault(event["case"], set()).add(event["seq"])
        proofs = [proof for case, seqs in sorted(by_case.items()) if (proof := self._events(case, seqs, warrant))]
        pseudonym, rows = self.new_name(), sum(map(len, told.rows.values())) - len(told.rows["events"])
        with writing(self.eraser.engine, durably=True) as connection:
            PersonalStore(connection).rename(name, pseudonym)
            proof = self.eraser.log(connection, [pseudonym], warrant)
            PeopleStore(connection).record(
                self.eraser.now(), warrant.by, pseudonym, "erased", reason=warrant.reason, leaf=proof.leaf
            )
        events = sum(one.count for one in proofs)
        return Gone(pseudonym, rows, events, (), told.pictures, (*proofs, proof))

    def erase_report(self, id: str, warrant: Warrant) -> Gone:
        """Erases what a citizen wrote and sent, and the words that became the note of his case. The hole stays."""
        told = self.report(id)
        mine = [one for one in told.pictures if not self._held_elsewhere(one, id)]
        proofs = list(self.eraser.pictures(mine, warrant))
        if (proof := self._filed(told, warrant)) is not None:
            proofs.append(proof)
        with writing(self.eraser.engine, durably=True) as connection:
            ForgetStore(connection).words_of_reports([id])
            proofs.append(self.eraser.log(connection, [id], warrant))
            PeopleStore(connection).record(
                self.eraser.now(), warrant.by, id, "erased", reason=warrant.reason, leaf=proofs[-1].leaf
            )
        rows = sum(len(told.rows[what]) for what in ("report", "tip", "news"))
        kept = tuple(one for one in told.pictures if one not in mine)
        return Gone(id, rows, 0 if proof is None else proof.count, tuple(mine), kept, tuple(proofs))

    def erase_picture(self, sha256: str, warrant: Warrant) -> Gone:
        """Erases one picture, whoever sent it: original, redacted copy, and what was drawn of it for a verdict."""
        named = self.eraser.named_by_events([sha256]).get(sha256, frozenset())
        proofs = self.eraser.picture(sha256, named, warrant)
        with writing(self.eraser.engine, durably=True) as connection:
            PeopleStore(connection).record(
                self.eraser.now(), warrant.by, sha256, "erased", reason=warrant.reason, leaf=proofs[-1].leaf
            )
        return Gone(sha256, 0, 0, (sha256,), (), proofs)

    def _held_elsewhere(self, sha256: str, id: str) -> bool:
        with reading(self.eraser.engine) as connection:
            return PersonalStore(connection).other_reports_with(sha256, id)

    def _filed(self, told: Told, warrant: Warrant) -> Proof | None:
        """The event that made a case of the report says what he wrote."""
        tips = told.rows["tip"]
        case = tips[0]["case_id"] if tips else None
        return None if case is None else self._events(case, {1}, warrant)

    def _events(self, case: str, seqs: set[int], warrant: Warrant) -> Proof | None:
        wanted = Erasure(case, frozenset(seqs), warrant.by, warrant.reason)
        try:
            done = erase(self.eraser.ledger, wanted, self.eraser.now())
        except UnknownCase:
            return None
        return None if done.leaf is None else Proof(done.leaf, len(done.positions), digest_of(done.positions))


def write_export(path: Path, told: Sequence[Told], eraser: Eraser, *, pictures: bool = True) -> int:
    """A zip of ``data.json`` and the pictures as they came; returns how many of those. Raises OutputError."""
    if path.exists():
        raise OutputError(f"{path} is there already: name a new file")
    count = 0
    content = {
        "form": FORM,
        "at": format_time(eraser.now()),
        "not_reached": list(NOT_REACHED),
        "subjects": [{"subject": one.subject} | dict(one.rows) for one in told],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data.json", json.dumps(content, ensure_ascii=False, indent=2, default=_plain))
            for sha256 in dict.fromkeys(name for one in told for name in one.pictures) if pictures else ():
                try:
                    archive.writestr(f"pictures/{sha256}", eraser.blobs.get(sha256))
                    count += 1
                except (NoSuchBlob, DamagedBlob):
                    continue  # erased, or lost: the rows say that there was one
    except OSError as exc:
        path.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {exc.strerror or exc}") from exc
    path.chmod(0o600)
    return count


def _plain(value: object) -> str:
    return format_time(value) if isinstance(value, datetime) else str(value)
