"""``roadwarden demo``: the whole loop in one command, on a street that is drawn for it."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from roadwarden.cases.events import Verdict
from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.errors import OutputError

if TYPE_CHECKING:
    from roadwarden.cli.demo_story import Story

MARK = "roadwarden-demo"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(demo)


def demo(
    out: Annotated[Path, typer.Argument(help="folder for the demonstration; an earlier one there is replaced")] = Path(
        "var/demo"
    ),
    seed: Annotated[int, typer.Option(min=0, help="another seed is another street; not on each a hole is found")] = 11,
    frames: Annotated[int, typer.Option(min=16, max=200, help="pictures of the drive, one a metre")] = 20,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads of the model; 0 for all")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print the story as one JSON object")] = False,
) -> None:
    """Show the loop: survey, case, crew, pictures, verdict, closing; with a false "done" whose clock kept running.

    Ends with a signed log and a bundle of the case that is verified offline, and writes a page with the pictures. The
    exit code is 3 where a verdict is not what the drawn street says.

    Example: roadwarden demo var/demo
    """
    from roadwarden.cli.demo_page import write_page
    from roadwarden.cli.demo_pictures import demo_street
    from roadwarden.cli.demo_story import open_story, play

    _clear(out)
    begun, said = time.monotonic(), Console(stderr=True, quiet=as_json)

    def tell(line: str) -> None:
        said.print(f"{time.monotonic() - begun:5.1f} s  {line}", highlight=False, soft_wrap=True)

    story = open_story(out, demo_street(seed, frames), tell)
    try:
        play(story, frames, seed, threads)
        page = write_page(story)
    finally:
        story.engine.dispose()
    if as_json:
        print(json.dumps(_as_json(story, page, time.monotonic() - begun), ensure_ascii=False))
    else:
        _show(story, page)
    if not is_as_drawn(story):
        raise typer.Exit(EXIT_NOT_PASSED)


def is_as_drawn(story: Story) -> bool:
    """Whether the false one was sent back, the later honest one was accepted, and the bundle verifies."""
    verdicts = [row.verdict for row in story.records]
    right = verdicts == [Verdict.NOT_REPAIRED, Verdict.REPAIRED]
    return right and story.bundle is not None and story.bundle.verified


def _clear(out: Path) -> None:
    """Only what a demonstration has made is removed."""
    if out.exists() and any(out.iterdir()):
        if not (out / MARK).is_file():
            raise OutputError(f"{out} is not empty and no demonstration: name another folder")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).touch()


def _as_json(story: Story, page: Path, seconds: float) -> dict[str, Any]:
    return {
        "as_drawn": is_as_drawn(story),
        "seconds": round(seconds, 1),
        "steps": [step.as_json() for step in story.steps],
        "records": [{"id": row.id} | json.loads(row.content) for row in story.records],
        "bundle": None if story.bundle is None else story.bundle.as_json() | {"file": str(story.bundle_file)},
        "page": str(page),
    }


def _show(story: Story, page: Path) -> None:
    from roadwarden.cli.demo_page import local

    heads = ("when\n时间", "case\n案件", "what happened\n经过", "repair clock\n处置时限")
    table = Table(*heads, title="智慧路长演示 · demonstration")
    for step in story.steps:
        style = "red" if "late" in step.clock.english else ""
        clock = f"{step.clock.english}\n{step.clock.chinese}".strip()
        table.add_row(local(step.at), step.case or "", f"{step.english}\n{step.chinese}", clock, style=style)
    console = Console()
    console = console if console.is_terminal else Console(width=160)
    console.print(table)
    console.print(f"page with the pictures: {page}\ndatabase: {story.out / 'demo.db'}", highlight=False)
    if story.bundle_file is not None:
        public = story.out / "log.key.pub"
        console.print(
            f"check it yourself: roadwarden ledger verify {story.bundle_file} --key {public}", highlight=False
        )
