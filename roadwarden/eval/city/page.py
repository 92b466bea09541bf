"""The report of a run: a page for people, a plot of its days, and JSON for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roadwarden.inference.workspace import write_json, writing

_SHOWN_KPI = (
    "reported", "filed", "closed", "closure_rate", "due_closure_rate", "on_time_approved", "on_time_original",
    "mean_h", "p50_h", "p90_h", "mean_met", "assess_on_time", "reports", "rework_rate", "reopened", "parked", "void",
    "bounces",
)  # fmt: skip
PAGE_TARGET_MS = 300.0
_WIDE, _HIGH, _LEFT, _BELOW = 760, 240, 60, 34


def write_report(told: Mapping[str, Any], out: Path) -> None:
    """``city.json``, ``city.md`` and ``days.svg``; raises OutputError."""
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "city.json", dict(told))
        (out / "city.md").write_text(page(told), encoding="utf-8")
        (out / "days.svg").write_text(plot(told["days"]), encoding="utf-8")


def page(told: Mapping[str, Any]) -> str:
    """Markdown."""
    plan, totals = told["plan"], told["totals"]
    return "\n".join(
        [
            f"# A city in small, {_days(told)} days: {'everything holds' if told['holds'] else 'IT DOES NOT HOLD'}",
            "",
            f"`{told['command']}` at {told['at'][:16]} UTC, commit {told['commit']}, on {told['machine']}, "
            f"{told['database']}; {told['seconds']['wall_s']:,.0f} s by the clock, {told['seconds']['cpu_s']:,.0f} s "
            "of CPU.",
            "",
            f"{plan['roads']} roads, {plan['vehicles']} vehicles, {plan['poles']} poles: {totals['frames']:,} frames, "
            f"{totals['sightings']:,} sightings, {totals['defects']:,} defects, {totals['cases']:,} cases, "
            f"{totals['events']:,} events, {totals['warnings']:,} warnings, {totals['leaves']:,} leaves.",
            "",
            *_what_is_real(told),
            *_findings(told["findings"]),
            *_faults(told),
            *_calls(told["calls"]),
            *_pages(told["pages"]),
            *_kpi(told["kpi"]),
            *_bytes(told["bytes"]),
            "![CPU seconds of each day](days.svg)",
            "",
        ]
    )


def _days(told: Mapping[str, Any]) -> str:
    done, planned = told["days_done"], told["plan"]["days"]
    return str(done) if done == planned else f"{done} of {planned}"


def _what_is_real(told: Mapping[str, Any]) -> list[str]:
    detector, *repairs = (f"`{one}`" for one in told["drawn_from"])
    about = ", ".join(f"{number:,} about {what}" for what, number in told["about_what"].items())
    return [
        "**What is real here**: messages of boxes are read, checked, placed, merged, judged, filed, dispatched, worked "
        "on, assessed, warned of, delivered and logged by the services and tables that a city runs. **What is drawn**: "
        "no picture is rendered and no model looks. What a look says of a thing is drawn from the confusion and "
        f"precision in {detector} (things that only look like damage stand for its false boxes), verdicts from "
        f"{', '.join(repairs)}, people's waits from distributions that nobody measured. Time is compressed: the "
        "services' clock jumps from one thing to the next.",
        "",
        f"Cases: {about}; {told['mended']:,} repairs were really done. "
        f"In the end: {', '.join(f'{number:,} {state}' for state, number in told['states'].items())}.",
        "",
    ]


def _findings(found: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = (f"| {one['name']} | {'yes' if one['holds'] else '**NO**'} | {one['told']} |" for one in found)
    return ["| what has to hold | | |", "| --- | --- | --- |", *rows, ""]


def _faults(told: Mapping[str, Any]) -> list[str]:
    rows = (f"| {name} | {number:,} |" for name, number in told["counts"].items())
    return ["| what happened on the way | times |", "| --- | --- |", *rows, ""]


def _calls(calls: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [
        f"| {kind} | {one['calls']:,} | {one['items']:,} | {one['cpu_s']:,.1f} | {_number(one['cpu_ms_an_item'])} | "
        f"{_number(one['p50_ms'])} | {_number(one['p95_ms'])} | {_number(one['worst_ms'])} |"
        for kind, one in calls.items()
    ]
    return [
        "Seconds are of this process; a call holds all it does in the database.",
        "",
        "| call | calls | items | CPU s | CPU ms an item | P50 ms | P95 ms | worst ms |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
    ]


def _pages(pages: Mapping[str, Any] | None) -> list[str]:
    if pages is None:
        return ["Pages were not asked for (`--pages`).", ""]
    rows = [
        f"| {one['kind']} | {one['number']:,} | {one['p50_ms']:.0f} | {one['p95_ms']:.0f} | {one['worst_ms']:.0f} | "
        f"{'yes' if one['p95_ms'] < PAGE_TARGET_MS else '**no**'} |"
        for one in pages["kinds"]
    ]
    return [
        f"`roadwarden serve` on the same database while the city wrote, {pages['seconds']:.0f} s, "
        f"{pages['requests']:,} requests, {pages['errors']} errors ({pages['statuses']}):",
        "",
        f"| page | asked | P50 ms | P95 ms | worst ms | P95 < {PAGE_TARGET_MS:.0f} |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
    ]


def _kpi(kpi: Mapping[str, Any]) -> list[str]:
    figures, again = kpi["figures"], kpi["recomputed"]
    rows = [f"| `{name}` | {_number(figures[name])} |" for name in _SHOWN_KPI]
    said = (
        "The independent program is not there (not a checkout)."
        if again is None
        else f"`scripts/kpi-recompute`, which imports nothing of roadwarden, from the exported events: {again['told']}"
    )
    return ["| figure ([definitions](../../../docs/kpi.md)) | |", "| --- | --- |", *rows, "", said, ""]


def _bytes(tables: Mapping[str, int]) -> list[str]:
    largest = sorted(tables.items(), key=lambda pair: -pair[1])[:8]
    rows = [f"| {name} | {size / 1e6:,.1f} |" for name, size in largest]
    return [
        "| table with its indexes | MB |",
        "| --- | --- |",
        *rows,
        f"| all | {sum(tables.values()) / 1e6:,.1f} |",
        "",
    ]


def _number(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def plot(days: Sequence[Mapping[str, Any]]) -> str:
    """CPU seconds of each simulated day, as SVG."""
    most = max((day["cpu_s"] for day in days), default=1.0) or 1.0
    wide = (_WIDE - _LEFT - 10) / max(len(days), 1)
    bars = []
    for day in days:
        high = (_HIGH - _BELOW - 20) * day["cpu_s"] / most
        bars.append(
            f'<rect x="{_LEFT + wide * day["day"]:.1f}" y="{_HIGH - _BELOW - high:.1f}" '
            f'width="{max(wide - 1, 0.5):.1f}" height="{high:.1f}"/>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" font-family="sans-serif" '
        'font-size="12">'
        f'<rect width="100%" height="100%" fill="#ffffff"/><g fill="#2a78d6">{"".join(bars)}</g>'
        f'<g fill="#0b0b0b"><text x="4" y="16">CPU seconds of a day, most {most:.1f}</text>'
        f'<text x="{_WIDE - 10}" y="{_HIGH - 10}" text-anchor="end">day, of {len(days)}</text></g></svg>\n'
    )
