"""The report: JSON for machines, one page for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

import roadwarden
from roadwarden.eval.chaos.director import Outcome
from roadwarden.inference.workspace import write_json, writing


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The content of the JSON file."""
    evening = outcome.evening
    return {
        "holds": outcome.holds,
        "version": roadwarden.__version__,
        "at": outcome.at.isoformat(timespec="seconds"),
        "database": make_url(evening.database).get_backend_name(),
        "workers": evening.workers,
        "broker": evening.broker,
        "seconds": evening.seconds,
        "seed": evening.seed,
        "frames_a_second_a_camera": evening.rate,
        "took_s": outcome.took_s,
        "all_in_after_s": outcome.settled_s,
        "played": outcome.played,
        "struck": outcome.struck,
        "live_camera": outcome.film,
        "frames_by_model": outcome.models,
        "findings": [{"name": one.name, "holds": one.holds, "told": one.told} for one in outcome.findings],
        "lives": outcome.lives,
    }


def page(outcome: Outcome, command: str) -> str:
    """Markdown."""
    evening, about = outcome.evening, as_json(outcome)
    host = f"{evening.workers} workers, NATS JetStream" if evening.broker else f"{evening.workers} worker, no broker"
    lines = [
        f"# Chaos on {about['database']}: {'everything holds' if outcome.holds else 'IT DOES NOT HOLD'}",
        "",
        f"`{command}` on {outcome.at:%Y-%m-%d}, Roadwarden {about['version']}; {host}; {evening.seconds:.0f} s of "
        f"play, seed {evening.seed}; all was in {outcome.settled_s:.0f} s after the last frame.",
        "",
        "| what has to hold | | |",
        "| --- | --- | --- |",
        *(f"| {one.name} | {'yes' if one.holds else '**NO**'} | {one.told} |" for one in outcome.findings),
        "",
        "| what went wrong | times |",
        "| --- | --- |",
        *(f"| {name.replace('_', ' ')} | {count} |" for name, count in sorted(outcome.struck.items())),
        *(f"| live camera: {name.replace('_', ' ')} | {count} |" for name, count in sorted(outcome.film.items())),
        *(f"| frames: {name.replace('_', ' ')} | {count} |" for name, count in sorted(outcome.played.items())),
        "",
        "| model | frames |",
        "| --- | --- |",
        *(f"| {name} | {count} |" for name, count in sorted(outcome.models.items())),
        "",
        "A killed worker's book is its last page, at most a second old; frames that it had and nobody acknowledged are",
        "in the books of its next life. Sightings and cases are compared with those of the same frames in order, once,",
        "in an empty database.",
        "",
    ]
    return "\n".join(lines)


def write_reports(outcome: Outcome, out: Path, command: str) -> None:
    """``NAME.json`` and ``NAME.md``; raises OutputError."""
    name = f"{make_url(outcome.evening.database).get_backend_name()}"
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / f"{name}.json", as_json(outcome))
        (out / f"{name}.md").write_text(page(outcome, command), encoding="utf-8")
