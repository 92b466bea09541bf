"""The figures of a period as lines that people read, in English and Chinese: the table and the page show the same."""

from __future__ import annotations

from dataclasses import dataclass

from roadwarden.cases.kpi_report import KpiReport
from roadwarden.cases.kpi_values import MEAN_AT_MOST_H, Kpi, OnTime, Response, Share
from roadwarden.cases.stages import ProcessStage
from roadwarden.cases.tables import Words
from roadwarden.cases.time_saved import Claim, Saving

NOTHING = "–"

STAGE_WORDS = {
    ProcessStage.DISCOVER: Words(english="first seen to filed", chinese="发现到立案"),
    ProcessStage.DISPATCH: Words(english="filed to dispatched", chinese="立案到派遣"),
    ProcessStage.ACCEPT: Words(english="dispatched to accepted", chinese="派遣到接单"),
    ProcessStage.REPAIR: Words(english="accepted to repaired", chinese="接单到修复"),
    ProcessStage.ASSESS: Words(english="repaired to assessed", chinese="修复到评价"),
    ProcessStage.CLOSE: Words(english="assessed to closed", chinese="评价到结案"),
    ProcessStage.WHOLE: Words(english="the whole process", chinese="整体流程"),
}
CLAIM_WORDS = {
    Claim.PROVEN: Words(english="more than 50 % saved: proven", chinese="节约 50% 以上: 成立"),
    Claim.DISPROVEN: Words(english="more than 50 % saved: not so", chinese="节约 50% 以上: 不成立"),
    Claim.REFUSED: Words(english="nothing can be said", chinese="不予认定"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure."""

    words: Words
    value: str
    note: Words | None = None  # what it is made of


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together."""

    words: Words
    lines: tuple[Line, ...]


def sections(report: KpiReport) -> tuple[Section, ...]:
    """Every figure of the report but the weeks, which are a table of their own."""
    kpi = report.kpi
    return (
        Section(Words(english="Came in and closed", chinese="受理与结案"), _flow(kpi)),
        Section(Words(english="Repaired on time", chinese="按时修复"), _on_time(kpi)),
        Section(Words(english="From filing to repair", chinese="响应修复时间"), _response(kpi)),
        Section(Words(english="Assessment and rework", chinese="评价与返工"), _rework(kpi)),
        Section(Words(english="Off the straight way", chinese="挂账、作废与推诿"), _branches(kpi)),
        Section(Words(english="Time saved", chinese="用时节约"), tuple(map(_saving, report.savings))),
    )


def percent(share: Share) -> str:
    """94.1 %, or a dash where there is nothing to reckon with."""
    return NOTHING if share.value is None else f"{100 * share.value:.1f} %"


def hours(value: float | None) -> str:
    """31.4 h, or a dash."""
    return NOTHING if value is None else f"{value:.1f} h"


def _line(words: tuple[str, str], value: object, note: tuple[str, str] | None = None) -> Line:
    return Line(_words(*words), str(value), None if note is None else _words(*note))


def _rate(words: tuple[str, str], share: Share, note: tuple[str, str] = ("", "")) -> Line:
    counted = f"{share.part} / {share.whole}"
    return _line(words, percent(share), (f"{counted} {note[0]}".strip(), f"{counted} {note[1]}".strip()))


def _words(english: str, chinese: str) -> Words:
    return Words(english=english, chinese=chinese)


def _flow(kpi: Kpi) -> tuple[Line, ...]:
    flow = kpi.flow
    return (
        _line(("reported", "上报"), flow.reported),
        _line(("filed", "立案"), flow.filed, (f"{flow.merged} merged into another", f"另有 {flow.merged} 件并案")),
        _line(("closed", "结案"), flow.closed),
        _rate(("closure rate", "立案结案率"), flow.closure),
        _rate(("closed of those due to be", "结案率 (应结案)"), flow.due_closure),
    )


def _on_time(kpi: Kpi) -> tuple[Line, ...]:
    both = kpi.on_time
    crew, assessor = hours(both.by_crew_h), hours(both.by_assessor_h)
    return (
        *_rates("all", "全部", both),
        *_rates("normal", "一般", kpi.on_time_normal),
        *_rates("severe", "严重", kpi.on_time_severe),
        _line(
            ("late", "超时"),
            hours(both.breached_h),
            (f"crews {crew}, assessment {assessor}", f"养护 {crew}, 评价 {assessor}"),
        ),
    )


def _rates(english: str, chinese: str, on_time: OnTime) -> tuple[Line, Line]:
    return (
        _rate((f"{english}, as approved", f"{chinese} (按批准时限)"), on_time.approved),
        _rate((f"{english}, original", f"{chinese} (按原时限)"), on_time.original),
    )


def _response(kpi: Kpi) -> tuple[Line, ...]:
    every, severe = kpi.response, kpi.response_severe
    return (
        _line(("mean", "平均"), hours(every.mean_h), _promise(every)),
        _line(("mean without parks", "平均 (扣除挂账)"), hours(every.mean_net_h)),
        _line(("P50 · P90 · longest", "P50 · P90 · 最长"), _spread(every), _repairs(every)),
        _line(("severe: P50 · P90 · longest", "严重: P50 · P90 · 最长"), _spread(severe), _repairs(severe)),
        _line(
            ("mean with open ones", "平均 (含未修复)"),
            hours(every.mean_with_open_h),
            (f"{every.open} open, by age", f"{every.open} 件未修复, 按已用时间"),
        ),
    )


def _promise(response: Response) -> tuple[str, str] | None:
    if response.mean_met is None:
        return None
    kept = ("kept", "达到") if response.mean_met else ("not kept", "未达到")
    return f"at most {MEAN_AT_MOST_H:g} h: {kept[0]}", f"承诺不超过 {MEAN_AT_MOST_H:g} 小时: {kept[1]}"


def _repairs(response: Response) -> tuple[str, str]:
    return f"{response.repairs} repairs", f"{response.repairs} 次修复"


def _spread(response: Response) -> str:
    return " · ".join(hours(value) for value in (response.p50_h, response.p90_h, response.longest_h))


def _rework(kpi: Kpi) -> tuple[Line, ...]:
    rework = kpi.rework
    reports = rework.reports
    return (
        _rate(("assessed on time", "按时评价"), kpi.assessment),
        _rate(
            ("rejected repairs", "返工率"),
            rework.rejected,
            (f"judged of {reports} reports", f"次评价, {reports} 次上报"),
        ),
        _line(("evidence requested", "要求补充证据"), rework.evidence_requested),
        _rate(("opened again", "重新立案"), rework.reopened, ("closed", "次结案")),
    )


def _branches(kpi: Kpi) -> tuple[Line, ...]:
    branches = kpi.branches
    parked, late, times = hours(branches.parked_h), branches.void_breached, branches.bounces
    return (
        _rate(("parked", "挂账率"), branches.parked, (f"cases, {parked}", f"件, {parked}")),
        _rate(("void", "作废率"), branches.void, (f"cases, {late} late already", f"件, 其中 {late} 件作废前已超时")),
        *(
            _rate((f"void by {one.actor}", f"{one.actor} 作废"), one.voids, ("handled", "件经手"))
            for one in branches.voids
        ),
        _rate(("bounced", "推诿率"), branches.bounced, (f"cases, {times} times", f"件, {times} 次")),
        _rate(("missed, a citizen found it first", "漏报率"), branches.missed, ("cases", "件")),
    )


def _saving(saving: Saving) -> Line:
    means = f"{hours(saving.mean_before_h)} → {hours(saving.mean_now_h)}"
    note = _words(f"{means}; {saving.because.english}", f"{means}; {saving.because.chinese}")
    if saving.saved is None or saving.low is None or saving.high is None:
        return Line(STAGE_WORDS[saving.stage], NOTHING, note)
    interval = f"{_percent(saving.saved)} % ({_percent(saving.low)} to {_percent(saving.high)} %)"
    return Line(STAGE_WORDS[saving.stage], interval, note)


def _percent(value: float) -> str:
    return f"{round(100 * value, 1) + 0.0:.1f}"  # no minus before a zero
