"""What stands of assessments beside the events: kinds of records, jobs, and who has to look. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from roadwarden.cases.event_types import Verdict


class AssessmentKind(StrEnum):
    """Whose verdict a record holds."""

    MACHINE = "machine"
    REVIEW = "review"  # a person's, beside the machine's


class JobState(StrEnum):
    """Of the work on one repair report."""

    WAITING = "waiting"  # for a machine
    PERSON = "person"  # for a person
    QUARANTINED = "quarantined"  # it killed or failed the machine again and again; for a person too
    DONE = "done"


class Wait(StrEnum):
    """Why a person is to look."""

    UNCERTAIN = "uncertain"  # the machine could not tell
    WITH_DEFECT = "with_defect"  # mended, but not well
    AUDIT = "audit"  # REPAIRED, drawn at random
    NO_MODEL = "no_model"
    NO_PICTURES = "no_pictures"  # the store of pictures has them not, or is away
    FAILED = "failed"  # an error that we did not foresee
    KILLS = "kills"  # it was taken several times, and nobody came back


_WAITS = {
    Verdict.REPAIRED_WITH_DEFECT: Wait.WITH_DEFECT,
    Verdict.LOCATION_UNCERTAIN: Wait.UNCERTAIN,
    Verdict.INSUFFICIENT_EVIDENCE: Wait.UNCERTAIN,
}


@dataclass(frozen=True, slots=True)
class JobRule:
    """How often and how long the machine tries."""

    most_tries: int = 3  # that end in an error, or in nothing
    first_wait: timedelta = timedelta(minutes=1)  # after an error; doubled with every try
    missing_wait: timedelta = timedelta(minutes=5)  # for a model or a picture that is not here
    longest_wait: timedelta = timedelta(minutes=30)
    hand_over_before: timedelta = timedelta(hours=6)  # what a person needs of the assess clock
    lease: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class NextStep:
    """What becomes of a job that was tried in vain."""

    state: JobState
    try_at: datetime


def after_failure(why: Wait, tries: int, due_at: datetime, now: datetime, rule: JobRule) -> NextStep:
    """Again, later each time; near the deadline a person's, with the clock running.

    What is missing can come, so that is waited for however often; what fails is quarantined after ``most_tries``.
    """
    if why in (Wait.FAILED, Wait.KILLS) and tries >= rule.most_tries:
        return NextStep(JobState.QUARANTINED, now)
    last = due_at - rule.hand_over_before
    if now >= last:
        return NextStep(JobState.PERSON, now)
    doubled = min(rule.longest_wait, rule.first_wait * 2 ** min(max(tries, 1) - 1, 20))
    wait = doubled if why in (Wait.FAILED, Wait.KILLS) else rule.missing_wait
    return NextStep(JobState.WAITING, min(now + wait, last))


def drawn_for_audit(assessment: str, share: float) -> bool:
    """Whether a REPAIRED is looked at by a person before its case closes: read off the record's sha256.

    Nobody chooses, and whoever has the record can check.
    """
    return int(assessment[:13], 16) < share * 16**13


def after_verdict(verdict: Verdict, *, audited: bool) -> Wait | None:
    """Why a person is to look at a report that the machine has judged; None where nobody has to."""
    if verdict is Verdict.REPAIRED:
        return Wait.AUDIT if audited else None
    return _WAITS.get(verdict)
