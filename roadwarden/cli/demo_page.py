"""The demonstration as one page with its pictures, Chinese and English."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from roadwarden.cli.demo_story import Step, Story
from roadwarden.settings import time_zone

PAGE, PICTURES = "demo.html", "pictures"


def write_page(story: Story) -> Path:
    """``demo.html`` with the pictures beside it."""
    for step in story.steps:
        for _, sha256 in step.pictures:
            _write_picture(story, sha256)
    environment = Environment(
        loader=PackageLoader("roadwarden.cli"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = story.out / PAGE
    steps = [_shown(step) for step in story.steps]
    records = [{"id": row.id, "case": row.case} | json.loads(row.content) for row in story.records]
    text = environment.get_template("demo.html.j2").render(steps=steps, records=records, bundle=story.bundle)
    page.write_text(text, encoding="utf-8")
    return page


def _write_picture(story: Story, sha256: str) -> None:
    data = story.blobs.get(sha256)
    if data is not None:
        folder = story.out / PICTURES
        folder.mkdir(exist_ok=True)
        (folder / f"{sha256}.jpg").write_bytes(data)


def _shown(step: Step) -> dict[str, Any]:
    return {
        "at": local(step.at),
        "case": step.case,
        "english": step.english,
        "chinese": step.chinese,
        "clock": step.clock.english,
        "clock_chinese": step.clock.chinese,
        "pictures": [{"shows": shows, "file": f"{PICTURES}/{sha256}.jpg"} for shows, sha256 in step.pictures],
    }


def local(time: datetime) -> str:
    """In the zone of the people here."""
    return time.astimezone(time_zone()).strftime("%m-%d %H:%M")
