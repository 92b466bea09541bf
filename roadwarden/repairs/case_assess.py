"""From a repair report to a judgement: its pictures are sorted, compared with those before, and one verdict is said."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any

from roadwarden import __version__
from roadwarden.cases.event_types import format_time
from roadwarden.detections import Position, Sighting
from roadwarden.errors import PictureAway
from roadwarden.repairs.assess import Assessment, Assessor
from roadwarden.repairs.case_pictures import NO_HINTS, CaseHints, Looks, Pictures, Shown, box_of, facts_of, no_looks
from roadwarden.repairs.combining import deciding
from roadwarden.repairs.evidence import Fault, Shot, Wanted, sort_out
from roadwarden.repairs.overlay import overlay_jpeg
from roadwarden.repairs.pictures import Earlier, Picture, is_copy, sha256_of
from roadwarden.repairs.place import Place
from roadwarden.repairs.verdict import Findings, decide
from roadwarden.repairs.words import why
from roadwarden.service.assessing import Judged
from roadwarden.service.case_looks import Taken
from roadwarden.taxonomy import DistressType
from roadwarden.vision.decode import UndecodableFrame, decode
from roadwarden.vision.quality import judge as judge_quality
from roadwarden.vision.redaction import Redactor
from roadwarden.vision.screen import looks_like_a_screen
from roadwarden.vision.surface import Box

MOST_BEFORE = 3
"""Pictures before that are tried for one after; the newest pass first."""
MOST_COMPARED = 8
"""Earlier pictures alike by hash whose pixels are looked at."""
OVERLAY_PX, OVERLAY_QUALITY = 2400, 85


@dataclass(frozen=True, slots=True, eq=False)
class _Before:
    """A picture of the defect, and where it is in it."""

    picture: Picture
    box: Box
    look: Sighting


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    before: _Before
    after: Picture
    assessment: Assessment


@dataclass(slots=True)
class _Befores:
    """Pictures before, each read and looked at once, when it is asked for."""

    left: Iterator[_Before]
    known: list[_Before] = field(default_factory=list)

    def __iter__(self) -> Iterator[_Before]:
        at = 0
        while True:
            if at == len(self.known):
                found = next(self.left, None)
                if found is None:
                    return
                self.known.append(found)
            yield self.known[at]
            at += 1


@dataclass(frozen=True, slots=True)
class CaseAssessor:
    """Judges reports with one assessor; pictures, and all that were ever evidence, come from outside."""

    assessor: Assessor
    pictures: Pictures
    shown: Shown
    zone: tzinfo
    looks: Looks = no_looks
    redactor: Redactor | None = None  # of what is drawn: faces and plates are nobody's business

    def judge(self, taken: Taken, hints: CaseHints = NO_HINTS) -> Judged:
        """Raises PictureAway where a picture of the report is not here yet."""
        begun = time.perf_counter()
        afters, unreadable = self._afters(taken, hints)
        read = time.perf_counter()
        pairs, faults = self._pairs(taken, afters, unreadable=unreadable)
        looked = time.perf_counter()
        chosen = pairs[deciding([(one.assessment.decision.verdict, _place(one)) for one in pairs])] if pairs else None
        drawn = None if chosen is None else self._draw(chosen)
        spent = {"read": read - begun, "look": looked - read, "draw": time.perf_counter() - looked}
        told = self._content(taken, pairs, chosen, faults, spent)
        hashes = tuple((one.sha256, one.perceptual) for one in afters)
        findings = Findings(faults, None, None) if chosen is None else chosen.assessment.findings
        decision = decide(findings, self.assessor.table)
        words = why(decision, findings.faults)
        return Judged(
            verdict=decision.verdict,
            score=decision.score.total,
            english=words.english,
            chinese=words.chinese,
            content=told | {"overlay": drawn},
            overlay=drawn,
            hashes=hashes,
        )

    def _afters(self, taken: Taken, hints: CaseHints) -> tuple[list[Picture], bool]:
        """The report's pictures, and whether one of them cannot be read."""
        place = None if taken.row.lat is None or taken.row.lon is None else Position(taken.row.lat, taken.row.lon)
        heading = taken.looks[0].position.heading_deg if taken.looks else None
        sigma = self.assessor.table.gate.position_sigma_m
        found, unreadable = [], False
        for name in dict.fromkeys(taken.stand.evidence):
            data = self.pictures.get(name)
            if data is None:
                raise PictureAway(f"picture {name[:12]} of report {taken.job.report_seq} is not kept here (yet)")
            try:
                image = decode(data)
            except UndecodableFrame:
                unreadable = True
                continue
            facts = facts_of(data, name, place, heading, sigma, self.zone, hints)
            problems = judge_quality(image).problems
            facts = replace(facts, problems=problems, is_screen=looks_like_a_screen(image))
            found.append(Picture(image, name, facts).fitted())
        return found, unreadable

    def _pairs(
        self, taken: Taken, afters: Sequence[Picture], *, unreadable: bool
    ) -> tuple[list[_Pair], tuple[Fault, ...]]:
        """What was compared, or why nothing was."""
        stand, distress = taken.stand, _distress(taken)
        if distress is None:
            return [], (Fault.NO_BEFORE,)
        befores = _Befores(self._befores(taken))
        facts = [replace(one.facts, is_copy=self._is_copy(one, taken, befores)) for one in afters]
        wanted = Wanted(stand.cycle_opened_at, stand.received_at, both_shots=stand.by_crew)
        sorted_out = sort_out(facts, self.assessor.table.gate, wanted)
        faults = sorted_out.faults
        if faults and unreadable:
            faults = (Fault.UNREADABLE, *(one for one in faults if one is not Fault.NO_AFTER))
        if faults:
            return [], faults
        usable = sorted(sorted_out.usable, key=lambda row: afters[row].facts.shot is Shot.CLOSE_UP)
        pairs = [pair for row in usable if (pair := self._compared(afters[row], befores, distress)) is not None]
        return pairs, () if pairs else (Fault.NO_BEFORE,)

    def _compared(self, after: Picture, befores: _Befores, distress: DistressType) -> _Pair | None:
        """With the first picture before that it registers with, else with the first of all; None without any."""
        plain, first = Picture(after.image, after.sha256), None
        for before in befores:
            pair = _Pair(before, after, self.assessor.assess(before.picture, plain, before.box, distress))
            if _place(pair) is Place.SAME:
                return pair
            first = first or pair
        return first

    def _befores(self, taken: Taken) -> Iterator[_Before]:
        number, tried = 0, set[str]()
        wanted = [one for one in taken.looks if str(one.type) == taken.row.distress] or list(taken.looks)
        for look in wanted:
            if number == MOST_BEFORE:
                return
            if look.frame in tried:
                continue
            tried.add(look.frame)
            found = self._before(look)
            if found is not None:
                number += 1
                yield found

    def _before(self, look: Sighting) -> _Before | None:
        """From its archive, else from the blob store, where the box has to be found again."""
        kept = self.looks(look)
        data = self.pictures.get(look.frame) if kept is None or sha256_of(kept.data) != look.frame else kept.data
        if data is None:
            return None
        try:
            image = decode(data)
        except UndecodableFrame:
            return None
        box = (kept.box_xyxy if kept is not None else None) or box_of(look, self.assessor.detect(image))
        return None if box is None else _Before(Picture(image, look.frame), box, look)

    def _is_copy(self, after: Picture, taken: Taken, befores: _Befores) -> bool:
        """Of all that was ever evidence, of this case's earlier pictures, or of the pictures before."""
        gate = self.assessor.table.gate
        if after.sha256 in taken.others or any(after.sha256 == look.frame for look in taken.looks):
            return True
        known = [Earlier.of(one.picture) for one in befores]
        own = (taken.job.case, taken.job.report_seq)
        alike = self.shown.near(after.perceptual, gate.copy_hash_bits)
        others = [one for one in alike if (one.case, one.report_seq) != own][:MOST_COMPARED]
        known += [Earlier(one.sha256, one.perceptual, self._image(one.sha256)) for one in others]
        return is_copy(after, known, gate)

    def _image(self, sha256: str) -> Any:
        data = self.pictures.get(sha256)
        try:
            return None if data is None else decode(data)
        except UndecodableFrame:
            return None

    def _draw(self, pair: _Pair) -> str:
        before, after = pair.before.picture, pair.after
        if self.redactor is not None:
            before, after = (replace(one, image=self.redactor.redact(one.image)) for one in (before, after))
        return self.pictures.put(overlay_jpeg(before, after, pair.assessment, OVERLAY_PX, OVERLAY_QUALITY))

    def _content(
        self,
        taken: Taken,
        pairs: Sequence[_Pair],
        chosen: _Pair | None,
        faults: tuple[Fault, ...],
        spent: dict[str, float],
    ) -> dict[str, Any]:
        table = self.assessor.table
        shown = [_pair_json(one) for one in pairs]
        if chosen is None:
            told = self.assessor.not_looked(faults, taken.row.distress)
        else:
            told = chosen.assessment.as_json() | {"before_look": chosen.before.look.id}
            told["before_taken_at"] = format_time(chosen.before.look.seen_at)
        told["versions"] |= {"roadwarden": __version__}
        thresholds = table.thresholds()
        digest = hashlib.sha256(json.dumps(thresholds, sort_keys=True).encode()).hexdigest()
        return told | {
            "evidence": list(taken.stand.evidence),
            "pairs": shown,
            "thresholds": thresholds,
            "thresholds_sha256": digest,
            "seconds": {name: round(value, 3) for name, value in spent.items()},
        }


def _distress(taken: Taken) -> DistressType | None:
    """None for a problem that no camera judges: another domain's."""
    try:
        return DistressType(taken.row.distress)
    except ValueError:
        return None


def _place(pair: _Pair) -> Place | None:
    return pair.assessment.findings.place


def _pair_json(pair: _Pair) -> dict[str, Any]:
    decision = pair.assessment.decision
    return {
        "before": pair.before.picture.sha256,
        "after": pair.after.sha256,
        "verdict": str(decision.verdict),
        "reason": str(decision.reason),
    }
