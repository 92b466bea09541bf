"""What proves the figures: type accuracy week by week, false passes, models, the log, coverage."""

from __future__ import annotations

from collections.abc import Sequence

from roadwarden.cases.machine_verdicts import MachineVerdicts
from roadwarden.defects.coverage import LaneMetres
from roadwarden.geo.places import RoadGrade
from roadwarden.service.proofs import AuditedWeek, LedgerHealth
from roadwarden.web.blocks.parts import Block, Column, Teller, Tone, chart, fact, facts, percent, table, text
from roadwarden.wilson import wilson_lower

PROMISED = 0.9
FALSE_AT_MOST = 0.04
"""Upper bound that the assessment is to show (docs/repairs.md)."""


def proof_blocks(
    t: Teller,
    weeks: Sequence[AuditedWeek],
    verdicts: MachineVerdicts,
    health: LedgerHealth,
    covered: dict[RoadGrade, LaneMetres] | None,
) -> list[Block]:
    """The page, without the time saved."""
    return [
        _numbers(t, weeks, verdicts, health, covered),
        *_accuracy(t, weeks),
        _moves(t, health),
        *_ledger(t, health),
        *([] if covered is None else [coverage_block(t, covered)]),
    ]


def is_proven(week: AuditedWeek) -> bool:
    """Green only where the bound itself is above what was promised."""
    return week.audited.week.n > 0 and week.audited.week.lower > PROMISED


def _numbers(
    t: Teller,
    weeks: Sequence[AuditedWeek],
    verdicts: MachineVerdicts,
    health: LedgerHealth,
    covered: dict[RoadGrade, LaneMetres] | None,
) -> Block:
    items = [_newest(t, weeks), _false_pass(t, verdicts), _log(t, health)]
    if covered is not None:
        seen = sum(one.in_time_m for one in covered.values())
        every = sum(one.total_m for one in covered.values())
        note = f"{seen / 1000:.1f} / {every / 1000:.1f} km"
        items.append(fact(t, "coverage", percent(seen / every if every else None), note))
    return facts(t("figures.numbers"), items)


def _newest(t: Teller, weeks: Sequence[AuditedWeek]) -> Block:
    audited = [one for one in weeks if one.audited.week.n]
    if not audited:
        return fact(t, "type_accuracy", "–", t("figures.no_audit"), Tone.WATCH)
    last = audited[-1]
    found = last.audited.week
    proven = is_proven(last)
    said = t("figures.proven" if proven else "figures.not_proven")
    note = f"{last.week}: {said}; {t('figures.bound')} {percent(found.lower)}, n {found.n}"
    return fact(t, "type_accuracy", percent(found.correct / found.n), note, Tone.GOOD if proven else Tone.WATCH)


def _false_pass(t: Teller, found: MachineVerdicts) -> Block:
    if not found.checked:
        return fact(t, "false_pass", "–", t("figures.none_checked", passed=found.passed), Tone.WATCH)
    upper = 1 - wilson_lower(found.checked - found.rejected, found.checked)
    note = f"{found.rejected} / {found.checked}; {t('figures.at_most')} {percent(upper)}"
    tone = Tone.GOOD if upper <= FALSE_AT_MOST else Tone.WATCH
    return fact(t, "false_pass", percent(found.rejected / found.checked), note, tone)


def _log(t: Teller, health: LedgerHealth) -> Block:
    ok = health.checkpoint is not None and not health.waiting
    note = t("figures.log_note", leaves=health.leaves, waiting=health.waiting)
    size = "–" if health.checkpoint is None else str(health.checkpoint.size)
    return fact(t, "ledger", size, note, Tone.GOOD if ok else Tone.WATCH)


def _accuracy(t: Teller, weeks: Sequence[AuditedWeek]) -> list[Block]:
    if not weeks:
        return [text(t("figures.no_drift"), Tone.WATCH)]
    rows = [accuracy_row(one) for one in weeks]
    names = [one.week for one in weeks]
    shares = [row["share"] for row in rows]
    bounds = [one.audited.week.lower if one.audited.week.n else None for one in weeks]
    tones = ["lamp-green" if is_proven(one) else "lamp-grey" for one in weeks]
    traces = [
        {"type": "scatter", "mode": "markers", "x": names, "y": shares, "colours": tones, "symbol": "circle",
         "size": 11, "name": t.name("type_accuracy")},
        {"type": "scatter", "mode": "markers", "x": names, "y": bounds, "colour": "ink-soft",
         "symbol": "line-ew-open", "size": 14, "name": t("figures.bound")},
    ]  # fmt: skip
    layout = {"yaxis": {"range": [0, 1.02], "tickformat": ".0%"}, "xaxis": {"type": "category"},
              "levels": [{"y": PROMISED, "text": "90 %"}]}  # fmt: skip
    proven = sum(map(is_proven, weeks))
    says = t("figures.accuracy_says", weeks=len(weeks), proven=proven)
    columns = [
        Column("week", t("figures.week")),
        Column("share", t.name("type_accuracy"), percent, number=True),
        Column("lower", t("figures.bound"), percent, number=True),
        Column("correct", t("figures.right"), number=True),
        Column("n", "n", number=True),
        Column("proven", t("figures.claim"), lambda ok: t("figures.proven" if ok else "figures.not_proven")),
        Column("models", t("figures.model")),
    ]
    return [
        chart("accuracy", t.name("type_accuracy"), says, traces, layout, "accuracy"),
        table("accuracy", t.name("type_accuracy"), columns, rows),
    ]


def accuracy_row(one: AuditedWeek) -> dict[str, object]:
    """Of the table and of the CSV file."""
    found = one.audited.week
    return {
        "week": one.week,
        "correct": found.correct,
        "n": found.n,
        "share": found.correct / found.n if found.n else None,
        "lower": found.lower if found.n else None,
        "proven": is_proven(one),
        "models": ", ".join(one.models),
    }


def _moves(t: Teller, health: LedgerHealth) -> Block:
    columns = [
        Column("when", t("figures.when"), lambda value: str(value)[:16].replace("T", " ")),
        Column("move", t("figures.move")),
        Column("step", t("figures.step")),
        Column("alias", t("figures.alias")),
        Column("from_version", t("figures.from"), number=True),
        Column("to_version", t("figures.to"), number=True),
        Column("sha256", "sha256", lambda value: str(value or "")[:12]),
    ]
    note = "" if health.moves else t("figures.no_moves")
    return table("models", t("figures.models"), columns, move_rows(health), note)


def move_rows(health: LedgerHealth) -> list[dict[str, object]]:
    """Of the table and of the CSV file; who moved stays in the log."""
    keys = ("when", "move", "step", "alias", "from_version", "to_version", "sha256")
    return [{key: _entry(one).get(key) for key in keys} for one in health.moves]


def _entry(body: dict[str, object]) -> dict[str, object]:
    inner = body.get("entry", body)
    return inner if isinstance(inner, dict) else body


def _ledger(t: Teller, health: LedgerHealth) -> list[Block]:
    row = health.checkpoint
    if row is None:
        return [text(t("figures.no_checkpoint"), Tone.WATCH)]
    made = row.made_at.strftime("%Y-%m-%d %H:%M UTC")
    return [
        text(t("figures.checkpoint_says", number=row.number, size=row.size, at=made)),
        {"kind": "code", "title": t("figures.checkpoint"), "text": row.note},
    ]


def coverage_block(t: Teller, covered: dict[RoadGrade, LaneMetres]) -> Block:
    """Metres of lane by grade and state, as of now."""

    def km(value: float) -> str:
        return f"{value / 1000:.1f} km"

    columns = [
        Column("grade", t("figures.grade")),
        Column("share", t.name("coverage"), percent, number=True),
        *(
            Column(f"{key}_m", t(f"figures.{key}"), km, number=True)
            for key in ("in_time", "in_vain", "overdue", "never")
        ),
        Column("total_m", t("figures.all"), km, number=True),
    ]
    return table("coverage", t.name("coverage"), columns, coverage_rows(covered))


def coverage_rows(covered: dict[RoadGrade, LaneMetres]) -> list[dict[str, object]]:
    """Of the table and of the CSV file."""
    return [
        {"grade": grade.value, "share": one.share_in_time, "in_time_m": one.in_time_m, "in_vain_m": one.in_vain_m,
         "overdue_m": one.overdue_m, "never_m": one.never_m, "total_m": one.total_m}
        for grade, one in covered.items()
        if one.total_m
    ]  # fmt: skip
