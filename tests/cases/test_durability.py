"""Whether a repair held: by passes that looked, never by silence of those that did not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.cases.durability import PassBy, RecheckRule, broken_by, rechecks
from roadwarden.cases.durability_words import Durability

DONE = datetime(2026, 3, 2, 8, tzinfo=UTC)
RULE = RecheckRule()


def day(number):
    return DONE + timedelta(days=number)


def by(at_day, sightings=0, name=None):
    return PassBy(name or f"pass {at_day}", day(at_day), sightings)


def outcomes(passes, now):
    return {one.day: str(one.outcome) for one in rechecks(DONE, passes, day(now), RULE)}


@pytest.mark.parametrize(
    ("passes", "now", "expected"),
    [
        ([], 6, {}),
        ([], 29, {}),
        ([], 31, {7: "not_looked"}),
        ([by(3)], 20, {}),  # before the seventh day it says nothing about that
        ([by(8)], 8, {7: "held"}),
        ([by(8), by(35), by(100)], 101, {7: "held", 30: "held", 90: "held"}),
        ([by(8), by(35)], 200, {7: "held", 30: "held", 90: "not_looked"}),
        ([by(8), by(40, 2)], 40, {7: "held", 30: "broken", 90: "broken"}),
        ([by(2, 3)], 2, {7: "broken", 30: "broken", 90: "broken"}),
        ([by(8, 1)], 8, {7: "held"}),  # one detection may be a shadow
        ([by(0.1, 5)], 1, {}),  # the crew's own cones, hours after
    ],
    ids=[
        "too early", "nobody yet", "nobody came", "too early a pass", "held", "held throughout", "then nobody",
        "broke later", "broke at once", "one detection", "hours after",
    ],
)  # fmt: skip
def test_what_passes_say(passes, now, expected):
    assert outcomes(passes, now) == expected


visits = st.lists(st.builds(by, st.floats(0, 200), st.integers(0, 4), st.text("abc", min_size=3)), max_size=8)


@given(visits, st.floats(0, 200), st.floats(0, 200))
def test_an_answer_that_was_given_is_not_taken_back_by_time(passes, now, later):
    """Breaking aside, which comes with its own pass: what is known stays known."""
    early, late = sorted((now, later))
    first = outcomes(passes, early)
    second = outcomes(passes, late)
    assert first.keys() <= second.keys()
    for one, outcome in first.items():
        assert second[one] in {outcome, str(Durability.BROKEN)}


@given(visits)
def test_only_a_pass_that_saw_it_breaks_a_repair(passes):
    broke = broken_by(DONE, passes, RULE)
    if broke is None:
        assert "broken" not in outcomes(passes, 400).values()
    else:
        assert broke.sightings >= RULE.least_sightings
        assert outcomes(passes, 400)[90] == ("broken" if broke.at < day(180) else outcomes(passes, 400)[90])
