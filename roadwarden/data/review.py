"""Which frames are worth a person's look: an audit drawn blindly first, then what the detections make doubtful."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from roadwarden.data.review_settings import ReviewSettings
from roadwarden.data.sightings_near import Spacing, disagreements
from roadwarden.detections import Detections, Frame
from roadwarden.taxonomy import DistressType
from roadwarden.vision.boxes import ious


class Why(StrEnum):
    """What a frame was chosen for, in the order in which the budget is given out."""

    AUDIT = "audit"
    LOW_MARGIN = "low_margin"
    DISAGREEMENT = "disagreement"
    RARE_TYPE = "rare_type"


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A frame of a batch job that could be decoded; ``judged`` where the detector saw it."""

    frame: Frame
    judged: bool
    detections: Detections
    width: int
    height: int
    model: str

    @property
    def types(self) -> frozenset[DistressType]:
        """What it was seen to show."""
        return frozenset(self.detections.types)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, in a sentence with the numbers; the smaller the rank, the sooner."""

    why: Why
    rank: float
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Pick:
    """A chosen frame. ``why`` is the share of the budget it was paid from; an audited frame has no other reason."""

    candidate: Candidate
    why: Why
    reasons: tuple[Reason, ...]

    @property
    def audit(self) -> bool:
        """Whether it belongs to the unbiased sample."""
        return self.why is Why.AUDIT


def pick(
    candidates: Sequence[Candidate],
    thresholds: Mapping[DistressType, float],
    settings: ReviewSettings,
    places: Mapping[str, str] | None = None,
) -> list[Pick]:
    """At most ``budget`` frames, audited ones first; ``places`` names the piece of road that a frame shows."""
    audited = draw_audit(candidates, settings)
    chosen = {id(one) for one in audited}
    audit_text = "drawn at random before any detection was looked at"
    picks = [Pick(one, Why.AUDIT, (Reason(Why.AUDIT, 0.0, audit_text),)) for one in audited]
    rest = [one for one in candidates if id(one) not in chosen and one.judged]
    return picks + _triage(rest, reasons_for(candidates, thresholds, settings, places or {}), settings)


def draw_audit(candidates: Iterable[Candidate], settings: ReviewSettings) -> list[Candidate]:
    """The audit: a lottery over names and bytes of frames, so nothing that was detected can move it.

    Judged frames and those the quality gate kept back are drawn apart. A larger share only adds frames.
    """
    pool = sorted(candidates, key=lambda one: lot(one.frame, settings.seed))
    wanted = round(settings.budget * settings.audit_share)
    unjudged = [one for one in pool if not one.judged][: round(wanted * settings.audit_unjudged_share)]
    return [one for one in pool if one.judged][: wanted - len(unjudged)] + unjudged


def lot(frame: Frame, seed: int) -> str:
    """A frame's place in the lottery."""
    return hashlib.sha256(f"{seed}\n{frame.path}\n{frame.sha256}".encode()).hexdigest()


def reasons_for(
    candidates: Sequence[Candidate],
    thresholds: Mapping[DistressType, float],
    settings: ReviewSettings,
    places: Mapping[str, str],
) -> dict[str, list[Reason]]:
    """Every reason of every judged frame by its path; all frames are looked at, for counts and neighbours."""
    judged = [one for one in candidates if one.judged]
    counts = Counter(distress for one in judged for distress in one.detections.types)
    doubted = disagreements([(one.frame, one.types) for one in judged], settings, places)
    found: dict[str, list[Reason]] = {}
    for one in judged:
        reasons = [_low_margin(one, thresholds, settings), _rare(one, counts, settings)]
        if one.frame.path in doubted:
            distance, text = doubted[one.frame.path]
            reasons.append(Reason(Why.DISAGREEMENT, -distance, text))
        found[one.frame.path] = [reason for reason in reasons if reason is not None]
    return found


def _triage(rest: Sequence[Candidate], reasons: Mapping[str, list[Reason]], settings: ReviewSettings) -> list[Pick]:
    shares = {
        Why.LOW_MARGIN: settings.low_margin_share,
        Why.DISAGREEMENT: settings.disagreement_share,
        Why.RARE_TYPE: settings.rare_share,
    }
    queues = {why: _queue(rest, reasons, why, settings.seed) for why in shares}
    quotas = {why: round(settings.budget * share) for why, share in shares.items()}
    left = settings.budget - round(settings.budget * settings.audit_share)
    spacing = Spacing(settings.spacing_m, settings.spacing_s)
    picks: list[Pick] = []
    paths: set[str] = set()
    # Second round: what one reason could not fill goes to the others, never to the audit.
    for quota in (quotas, dict.fromkeys(shares, left)):
        for why, queue in queues.items():
            taken = 0
            while queue and taken < quota[why] and len(picks) < left:
                one = queue.pop(0)
                if one.frame.path not in paths and spacing.takes(one.frame):
                    paths.add(one.frame.path)
                    picks.append(Pick(one, why, tuple(sorted(reasons[one.frame.path], key=lambda r: r.why is not why))))
                    taken += 1
    return picks


def _queue(rest: Sequence[Candidate], reasons: Mapping[str, list[Reason]], why: Why, seed: int) -> list[Candidate]:
    ranked = [
        (reason.rank, lot(one.frame, seed), number)
        for number, one in enumerate(rest)
        for reason in reasons[one.frame.path]
        if reason.why is why
    ]
    return [rest[number] for _, _, number in sorted(ranked)]


def _low_margin(one: Candidate, thresholds: Mapping[DistressType, float], settings: ReviewSettings) -> Reason | None:
    seen = one.detections
    near = [
        (score - thresholds[distress], f"{distress} {score:.2f} at a threshold of {thresholds[distress]:.2f}")
        for distress, score in zip(seen.types, seen.scores.tolist(), strict=True)
        if distress in thresholds
    ]
    close = [(gap, text) for gap, text in near if gap <= settings.margin]
    best = min(close + _rivals(seen, settings), default=None)
    return None if best is None else Reason(Why.LOW_MARGIN, best[0], best[1])


def _rivals(seen: Detections, settings: ReviewSettings) -> list[tuple[float, str]]:
    overlap = ious(seen.boxes_xyxy, seen.boxes_xyxy)
    pairs = np.argwhere(np.triu(overlap >= settings.rival_iou, k=1))
    found = []
    for first, second in pairs.tolist():
        gap = abs(float(seen.scores[first] - seen.scores[second]))
        if seen.types[first] is not seen.types[second] and gap < settings.rival_gap:
            ours, theirs = (f"{seen.types[row]} {seen.scores[row]:.2f}" for row in (first, second))
            found.append((gap, f"{ours} and {theirs} on one spot"))
    return found


def _rare(one: Candidate, counts: Counter[DistressType], settings: ReviewSettings) -> Reason | None:
    total = counts.total()
    rare = [(counts[distress], distress) for distress in one.types if counts[distress] < settings.rare_below * total]
    if not rare:
        return None
    number, distress = min(rare)
    return Reason(Why.RARE_TYPE, float(number), f"{distress}: {number} of {total} detections")
