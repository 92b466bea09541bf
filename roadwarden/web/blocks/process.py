"""How cases flow: as designed, as lived, where they stay, who passes them on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from roadwarden.cases.answer import CaseState
from roadwarden.cases.policy import ClockPolicy
from roadwarden.cases.process import STATES, Arrow, Process, designed
from roadwarden.cases.process_words import flow_row, passed_row, stay_row
from roadwarden.taxonomy import Severity
from roadwarden.web.blocks.parts import Block, Column, Teller, chart, fact, facts, hours, percent, share, table

_COLOURS: Mapping[CaseState, str] = {
    CaseState.FILED: "accent",
    CaseState.DISPATCHED: "accent",
    CaseState.ACCEPTED: "accent",
    CaseState.UNDER_REPAIR: "accent",
    CaseState.REPAIR_REPORTED: "lamp-yellow",
    CaseState.ASSESSED: "lamp-green",
    CaseState.CLOSED: "lamp-green",
    CaseState.VOIDED: "lamp-grey",
}


def process_blocks(t: Teller, found: Process, policy: ClockPolicy) -> list[Block]:
    """The page."""
    return [
        _numbers(t, found),
        _designed_chart(t, policy),
        _lived_chart(t, found),
        _sankey(t, found),
        _stay_chart(t, found),
        _stays(t, found),
        _passed(t, found),
        _flows(t, found),
        _refused(t, found),
    ]


def _numbers(t: Teller, found: Process) -> Block:
    return facts(
        t("figures.numbers"),
        [
            fact(t, "filed", str(found.filed)),
            fact(t, "closure_rate", percent(found.closed.value), share(found.closed)),
            fact(t, "straight", percent(found.straight.value), share(found.straight)),
            fact(t, "reworked", percent(found.reworked.value), share(found.reworked)),
            fact(t, "rejected", str(found.rejected)),
            fact(t, "reopened", str(found.reopened)),
            fact(t, "bounces", str(found.bounces), t("figures.in_cases", count=found.bounced.part)),
            fact(t, "parked", percent(found.parked.value), share(found.parked)),
            fact(t, "void", percent(found.void.value), share(found.void)),
        ],
    )


def _designed_chart(t: Teller, policy: ClockPolicy) -> Block:
    limits = {
        (CaseState.FILED, CaseState.REPAIR_REPORTED): t(
            "figures.limit_repair",
            normal=f"{policy.repair_limit(Severity.NORMAL).total_seconds() / 3600:g}",
            severe=f"{policy.repair_limit(Severity.SEVERE).total_seconds() / 3600:g}",
        ),
        (CaseState.REPAIR_REPORTED, CaseState.ASSESSED): t(
            "figures.limit_assess", hours=f"{policy.assess_hours.total_seconds() / 3600:g}"
        ),
    }
    arcs = [{"from": a.value, "to": b.value, "width": 1.5, "tell": said} for (a, b), said in limits.items()]
    pairs = {(one.start, one.end): one for one in sorted(designed())}
    arcs += [
        {"from": a.value, "to": b.value, "width": 1.5, "tell": _told(t, arrow)}
        for (a, b), arrow in pairs.items()
        if (a, b) not in limits
    ]
    says = f"{t('figures.designed_says', count=len(pairs))} {'; '.join(limits.values())}."
    return _arcs(t, "designed", t("figures.designed"), says, arcs, "")


def _lived_chart(t: Teller, found: Process) -> Block:
    counts: dict[tuple[CaseState, CaseState], int] = defaultdict(int)
    for one in found.flows:
        counts[one.arrow.start, one.arrow.end] += one.times.count
    most = max(counts.values(), default=1)
    arcs = [
        {"from": a.value, "to": b.value, "width": 1 + 13 * n / most, "tell": f"{_way(t, a, b)}: {n}"}
        for (a, b), n in sorted(counts.items(), key=lambda pair: -pair[1])
    ]
    back = sum(n for (a, b), n in counts.items() if STATES.index(b) < STATES.index(a))
    says = t("figures.lived_says", steps=sum(counts.values()), back=back)
    return _arcs(t, "lived", t("figures.lived"), says, arcs, "flows")


def _arcs(t: Teller, name: str, title: str, says: str, arcs: list[dict[str, Any]], csv: str) -> Block:
    nodes = [{"id": one.value, "label": t.word("state", one.value), "colour": _COLOURS[one]} for one in STATES]
    return {"kind": "arcs", "name": name, "title": title, "says": says, "nodes": nodes, "arcs": arcs, "csv": csv}


def _sankey(t: Teller, found: Process) -> Block:
    """Forward steps only: what goes back stands in the chart above, and would make the bands run in circles."""
    place = {state: number for number, state in enumerate(STATES)}
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for one in found.flows:
        if place[one.arrow.start] < place[one.arrow.end]:
            counts[place[one.arrow.start], place[one.arrow.end]] += one.times.count
    trace = {
        "type": "sankey",
        "arrangement": "snap",
        "node": {
            "label": [t.word("state", one.value) for one in STATES],
            "colours": [_COLOURS[one] for one in STATES],
            "pad": 18,
            "thickness": 16,
        },
        "link": {
            "source": [a for a, _ in counts],
            "target": [b for _, b in counts],
            "value": list(counts.values()),
        },
    }
    return chart("sankey", t("figures.sankey"), t("figures.sankey_says"), [trace], {"height": 420}, "flows")


def _stay_chart(t: Teller, found: Process) -> Block:
    stays = [one for one in found.stays if one.left.p50_h is not None]
    names = [t.word("state", one.state.value) for one in stays]
    traces = [
        {"type": "bar", "orientation": "h", "y": names, "x": [one.left.p50_h for one in stays],
         "name": t("figures.half"), "colour": "accent"},
        {"type": "bar", "orientation": "h", "y": names, "x": [one.left.p90_h for one in stays],
         "name": t("figures.nine_of_ten"), "colour": "lamp-grey"},
    ]  # fmt: skip
    layout = {"xaxis": {"title": {"text": t("figures.hours")}, "rangemode": "tozero"},
              "yaxis": {"autorange": "reversed", "automargin": True}, "barmode": "group"}  # fmt: skip
    return chart("stay", t("figures.stays_chart"), t("figures.stays_says"), traces, layout, "stays")


def _stays(t: Teller, found: Process) -> Block:
    columns = [
        Column("state", t("figures.state"), lambda value: t.word("state", value)),
        Column("entered", t("figures.entered"), number=True),
        Column("count", t("figures.left"), number=True),
        Column("mean_h", t("figures.mean"), hours, number=True),
        Column("p50_h", t("figures.half"), hours, number=True),
        Column("p90_h", t("figures.nine_of_ten"), hours, number=True),
        Column("there", t("figures.there"), number=True),
        Column("oldest_h", t("figures.oldest"), hours, number=True),
    ]
    return table("stays", t.name("stay"), columns, map(stay_row, found.stays))


def _passed(t: Teller, found: Process) -> Block:
    def who(value: str) -> str:
        return t.office(value) or t("figures.nobody")

    columns = [
        Column("from", t("figures.from"), who),
        Column("to", t("figures.to"), who),
        Column("count", t("figures.times"), number=True),
        Column("mean_h", t("figures.mean"), hours, number=True),
        Column("p90_h", t("figures.nine_of_ten"), hours, number=True),
    ]
    return table("passed", t.name("passed"), columns, map(passed_row, found.passed))


def _flows(t: Teller, found: Process) -> Block:
    columns = [
        Column("from", t("figures.from"), lambda value: t.word("state", value)),
        Column("event", t("figures.event"), lambda value: t.word("event", value)),
        Column("to", t("figures.to"), lambda value: t.word("state", value)),
        Column("count", t("figures.times"), number=True),
        Column("mean_h", t("figures.mean"), hours, number=True),
        Column("p50_h", t("figures.half"), hours, number=True),
        Column("p90_h", t("figures.nine_of_ten"), hours, number=True),
    ]
    return table("flows", t("figures.flows"), columns, map(flow_row, found.flows))


def _refused(t: Teller, found: Process) -> Block:
    columns = [
        Column("event", t("figures.event"), lambda value: t.word("event", value)),
        Column("why", t("figures.why"), t.refusal),
        Column("count", t("figures.times"), number=True),
    ]
    rows = [{"event": kind.value, "why": why, "count": count} for kind, why, count in found.refused]
    return table("refused", t.name("refused"), columns, rows)


def _told(t: Teller, arrow: Arrow) -> str:
    return f"{_way(t, arrow.start, arrow.end)}: {t.word('event', arrow.by.value)}"


def _way(t: Teller, start: CaseState, end: CaseState) -> str:
    return f"{t.word('state', start.value)} → {t.word('state', end.value)}"
