"""A live table of a worker's cameras, from what it keeps in its state folder once a second."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.table import Table

from roadwarden.inference.stream.books import Account
from roadwarden.inference.stream.values import Door

_COLUMNS = {
    Door.INFERRED: "looked at",
    Door.SAMPLED_OUT: "sampled out",
    Door.POOR_QUALITY: "poor",
    Door.DROPPED_STALE: "stale",
    Door.DROPPED_QUEUE_FULL: "full",
    Door.DECODE_ERROR: "broken",
    Door.SHUTDOWN: "shutdown",
}


def table(report: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Table:
    """One row a camera, and the sum; frames a second since the report ``before``. Shared cameras with their worker."""
    shown = Table(title=f"{report['model']}  {report['at'][:19]}Z", caption=_caption(report))
    shown.add_column("camera")
    sharing = report.get("sharing") or {}
    if sharing:
        shown.add_column("read by")
    for name in ("state", "fps", "entered", "in flight", *_COLUMNS.values()):
        shown.add_column(name, justify="right")
    seconds = _seconds(report, before)
    states = report.get("states", {})
    elsewhere = {name: _NOTHING for name in sharing.get("cameras", {}) if name not in report["cameras"]}
    rows = {**report["cameras"], **elsewhere, "total": report["total"]}
    for name, account in rows.items():
        old = None if before is None else {**before["cameras"], "total": before["total"]}.get(name)
        inferred = account["doors"][Door.INFERRED]
        fps = f"{(inferred - old['doors'][Door.INFERRED]) / seconds:.1f}" if old and seconds > 0 else ""
        doors = [str(account["doors"][door]) for door in _COLUMNS]
        style = "bold" if name == "total" else "red" if states.get(name) in {"away", "failed"} else ""
        readers = [_reader(sharing, name)] if sharing else []
        counts = (str(account["entered"]), str(account["in_flight"]), *doors)
        shown.add_row(name, *readers, states.get(name, ""), fps, *counts, style=style)
    return shown


_NOTHING = Account().as_json()


def _reader(sharing: Mapping[str, Any], camera: str) -> str:
    """The worker that reads a shared camera, and its token; "nobody" while it changes hands."""
    lease = sharing["cameras"].get(camera)
    if lease is None:
        return ""
    if lease["worker"] is None:
        return "nobody"
    return f"{'this one' if lease['worker'] == sharing['worker'] else lease['worker']} ({lease['token']})"


def _seconds(report: Mapping[str, Any], before: Mapping[str, Any] | None) -> float:
    if before is None:
        return 0.0
    return (datetime.fromisoformat(report["at"]) - datetime.fromisoformat(before["at"])).total_seconds()


def _caption(report: Mapping[str, Any]) -> str:
    told = [f"{report['sightings']} sightings", f"{report['cases_filed']} cases", f"{report['duplicates']} kept before"]
    if report["spooled"]:
        told.append(f"{report['spooled']} on disk: the database is away")
    if report.get("fenced"):
        told.append(f"{report['fenced']} refused: others read the camera by then")
    if sharing := report.get("sharing"):
        told.append(f"{len(sharing['living'])} workers share the cameras")
    if report["metres_not_inspected"]:
        told.append(f"{report['metres_not_inspected']} m missed")
    if not report["balanced"]:
        told.append("THE BOOKS DO NOT BALANCE")
    return ", ".join(told)
