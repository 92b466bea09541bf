"""What a warning says, in English and in Chinese: which clock of which case, how it stands, until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from roadwarden.cases.answer import ASSESS, REPAIR, ClockAnswer
from roadwarden.cases.escalation import Threshold
from roadwarden.cases.events import Severity
from roadwarden.cases.policy import Stage
from roadwarden.cases.tables import Words

_CLOCKS = {
    REPAIR: Words(english="repair", chinese="修复"),
    ASSESS: Words(english="assessment", chinese="修复效果评价"),
    Stage.DISPATCH: Words(english="dispatch", chinese="派遣"),
    Stage.ACCEPT: Words(english="acceptance", chinese="接单"),
    Stage.CLOSE: Words(english="closing", chinese="结案"),
}
_SEVERITIES = {
    Severity.NORMAL: Words(english="normal", chinese="一般"),
    Severity.SEVERE: Words(english="severe", chinese="严重"),
}


def warning_text(
    case: str, clock: ClockAnswer, severity: Severity, threshold: Threshold, zone: str, now: datetime
) -> Words:
    """For example ``HZ-1 (severe): repair, 4 h or less to go: due 2026-11-02 14:00 +0800, 3 h 59 min left``."""
    due = clock.due_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M %z")
    which, what, how = _CLOCKS[clock.clock], threshold.words, _SEVERITIES[severity]
    report = "" if clock.report_seq is None else f" {clock.report_seq}"
    left = clock.due_at - now
    state = (
        Words(english=f"{_english(left)} left", chinese=f"剩余 {_chinese(left)}")
        if left >= timedelta(0)
        else Words(english=f"late by {_english(-left)}", chinese=f"已超时 {_chinese(-left)}")
    )
    return Words(
        english=f"{case} ({how.english}): {which.english}{report}, {what.english}: due {due}, {state.english}",
        chinese=f"{case} ({how.chinese}): {which.chinese}{report}, {what.chinese}: 时限 {due}, {state.chinese}",
    )


def _english(length: timedelta) -> str:
    """Rounded down: nobody is shown time that he does not have."""
    minutes = length // timedelta(minutes=1)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _chinese(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    return f"{minutes // 60} 小时 {minutes % 60} 分" if minutes >= 60 else f"{minutes} 分"
