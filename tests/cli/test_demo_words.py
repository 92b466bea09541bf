"""What ``roadwarden demo`` says: whole sentences, one stop each, in both languages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from roadwarden.cases.answer import ClockAnswer, ClockState
from roadwarden.cases.event_types import Verdict
from roadwarden.cli.demo_words import clock_words, verdict_words
from roadwarden.repairs.evidence import Fault
from roadwarden.repairs.verdict import Decision, Reason, Score
from roadwarden.repairs.words import why

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUNNING = ClockAnswer("repair", 1, ClockState.RUNNING, NOON, NOON, NOON, timedelta(minutes=110), timedelta())
_TWO_STOPS = re.compile(r"[.,;:。，；：]\s*[.,;:。，；：]")


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("reason", list(Reason))
def test_a_verdict_and_what_becomes_of_the_case_are_two_sentences(verdict: Verdict, reason: Reason) -> None:
    faults = (Fault.COPY, Fault.NO_CLOSE_UP) if reason is Reason.NO_EVIDENCE else ()
    told = why(Decision(verdict, reason, Score(0, 0, 0, 0), 0.4), faults)
    said = verdict_words(verdict, {"zh": told.chinese, "en": told.english})
    assert said.english.endswith(".")
    assert said.chinese.endswith("。")
    assert not _TWO_STOPS.search(said.english)
    assert not _TWO_STOPS.search(said.chinese)


def test_only_repaired_closes_and_only_the_sent_back_are_told_that_their_clock_ran() -> None:
    reasons = {"zh": "同一地点。", "en": "The same place."}
    closing = {one for one in Verdict if "The case closes." in verdict_words(one, reasons).english}
    running = {one for one in Verdict if "时限一直在计时" in verdict_words(one, reasons).chinese}
    assert closing == {Verdict.REPAIRED}
    assert running == {Verdict.PARTIAL, Verdict.NOT_REPAIRED, Verdict.WRONG_OBJECT}


def test_a_clock_is_told_in_both_languages() -> None:
    assert clock_words(RUNNING).english == "repair clock running, 1 h 50 min left"
    assert clock_words(RUNNING).chinese == "处置时限计时中，剩余1小时50分"
    late = replace(RUNNING, state=ClockState.STOPPED, remaining=-timedelta(hours=2, minutes=1))
    assert clock_words(late).english == "repair clock stopped, 2 h 1 min late"
    assert clock_words(late).chinese == "处置时限已停止，超时2小时1分"


@pytest.mark.parametrize("state", list(ClockState))
def test_every_state_of_a_clock_has_words(state: ClockState) -> None:
    assert clock_words(replace(RUNNING, state=state)).chinese.startswith("处置时限")
