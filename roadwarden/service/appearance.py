"""Asks the pictures where positions leave a doubt which sightings are one, and merges by the answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from roadwarden.defects.asking import NEAR_M, Question, questions
from roadwarden.defects.rulings import Answer, Compared, Matcher
from roadwarden.service.merging import Rules, Tell, say
from roadwarden.storage.unit import UnitOfWork, reading

DEFECTS_AT_ONCE = 500
"""Changed defects whose neighbourhoods are read and asked about together: what an interruption may cost."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How many pairs were compared, by answer, and the defects that changed by it."""

    answers: Mapping[Answer, int]
    defects: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()

    def __add__(self, other: Asked) -> Asked:
        return Asked(
            {answer: self.answers[answer] + other.answers[answer] for answer in Answer},
            (self.defects | other.defects) - other.gone,
            (self.gone | other.gone) - other.defects,
        )


NOTHING_ASKED = Asked(dict.fromkeys(Answer, 0))


def ask_pictures(
    engine: Engine,
    changed: Collection[str],
    matcher: Matcher,
    rules: Rules,
    *,
    tell: Tell = lambda _done, _total: None,
) -> Asked:
    """Compares pictures around changed defects. What was told is kept, and such a pair is not asked again.

    What could not be told is asked again: its pictures may be at hand another time. No transaction is open while
    pictures are compared. Broken off and begun again, it goes on.
    """
    names, asked = sorted(changed), NOTHING_ASKED
    for first in range(0, len(names), DEFECTS_AT_ONCE):
        with reading(engine) as unit:
            open_questions = _open(unit, names[first : first + DEFECTS_AT_ONCE])
        compared = [Compared(one.id, other.id, matcher.compare(one, other)) for one, other in open_questions]
        asked += _said(engine, compared, rules)
        tell(min(first + DEFECTS_AT_ONCE, len(names)), len(names))
    return asked


def _said(engine: Engine, compared: list[Compared], rules: Rules) -> Asked:
    answers = {answer: sum(one.answer is answer for one in compared) for answer in Answer}
    told = [one for one in compared if one.answer is not Answer.CANNOT_TELL]
    if not told:
        return Asked(answers)
    absorbed = say(engine, (), told, rules)
    gone = frozenset(absorbed.gone)
    return Asked(answers, frozenset(one.id for one in absorbed.defects) - gone, gone)


def _open(unit: UnitOfWork, changed: list[str]) -> tuple[Question, ...]:
    """What pictures at hand may tell and have not told yet."""
    places = [one.position for one in unit.defects.get(changed)]
    around = {one.id for one in unit.defects.near(places, 2 * NEAR_M)} | set(changed)
    held = unit.sightings.of_defects(around)
    pictured = unit.pictures.of(one.id for ones in held.values() for one in ones).keys()
    asked = questions({name: [one for one in ones if one.id in pictured] for name, ones in held.items()}, changed)
    known = {(told.one, told.other) for told in unit.rulings.answers({one.id for one, _ in asked})}
    return tuple((one, other) for one, other in asked if (one.id, other.id) not in known)
