"""What the demonstration says of a clock and of a verdict, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from roadwarden.cases.answer import ClockAnswer, ClockState
from roadwarden.cases.event_types import Verdict
from roadwarden.repairs.words import Words

NO_WORDS = Words("", "")
_STATES = {
    ClockState.RUNNING: "计时中",
    ClockState.PAUSED: "暂停",
    ClockState.PROVISIONAL: "已上报，待确认",
    ClockState.STOPPED: "已停止",
    ClockState.CANCELLED: "已取消",
}
_SENT_BACK = Words("退回，时限一直在计时。", "It is sent back; its clock has never stopped.")
_TO_PERSON = Words("转人工，评价时限在计时。", "A person has to look; the clock of the assessment runs.")
_AFTER = {
    Verdict.REPAIRED: Words("结案。", "The case closes."),
    Verdict.PARTIAL: _SENT_BACK,
    Verdict.NOT_REPAIRED: _SENT_BACK,
    Verdict.WRONG_OBJECT: _SENT_BACK,
}


def clock_words(clock: ClockAnswer) -> Words:
    """For example ``repair clock running, 2 h 0 min left``."""
    minutes = int(clock.remaining.total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    late = minutes < 0
    return Words(
        f"处置时限{_STATES[clock.state]}，{'超时' if late else '剩余'}{hours}小时{rest}分",
        f"repair clock {clock.state}, {hours} h {rest} min {'late' if late else 'left'}",
    )


def verdict_words(verdict: Verdict, reasons: Mapping[str, str]) -> Words:
    """The record's sentence, which ends as a sentence does, and what becomes of the case as another one."""
    after = _AFTER.get(verdict, _TO_PERSON)
    return Words(
        f"评价：{reasons['zh']}{after.chinese}",
        f"verdict {verdict}: {reasons['en']} {after.english}",
    )
