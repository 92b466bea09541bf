"""docs/events.md and docs/clocks.md cannot be stale: their lines are read, their commands run, their pictures drawn."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from roadwarden.cases.event_lines import format_event_line, parse_event_line, read_event_lines
from roadwarden.cases.events import EventType
from roadwarden.cli import app
from tests.conftest import REPOSITORY

PROMPT = "$ roadwarden "
HERE = "run-by=tests/cases/test_clock_pages.py"


def blocks(page: str, mark: str) -> list[str]:
    """What stands in the fenced blocks of a page that begin so."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    return [part.partition("\n```")[0] for part in text.split(f"```{mark}")[1:]]


def replays() -> list[tuple[str, str]]:
    found = blocks("clocks.md", f"console {HERE}\n{PROMPT}")
    return [(block.partition("\n")[0], block.partition("\n")[2]) for block in found]


def test_every_type_of_event_has_its_line_and_its_row():
    (lines,) = blocks("events.md", f"jsonl {HERE}\n")
    events = [parse_event_line(line) for line in lines.splitlines()]
    assert sorted(event.type for event in events) == sorted(EventType)
    assert [format_event_line(event) for event in events] == lines.splitlines()
    page = (REPOSITORY / "docs" / "events.md").read_text(encoding="utf-8")
    assert all(f"| `{kind}` |" in page for kind in EventType)


@pytest.mark.parametrize(("command", "told"), replays(), ids=[command.split()[2] for command, _ in replays()])
def test_the_page_says_what_the_replay_says(command, told, monkeypatch):
    """The numbers were reckoned by hand, in the words beside each block."""
    monkeypatch.chdir(REPOSITORY)
    done = CliRunner().invoke(app, shlex.split(command))
    assert done.exit_code == 0
    assert done.stdout.rstrip("\n") == told


def test_every_history_is_on_the_page():
    shown = {command.split()[2] for command, _ in replays()}
    kept = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "tests/cases/histories").glob("*.jsonl")}
    assert shown == kept


def test_the_histories_are_canonical():
    for path in (REPOSITORY / "tests/cases/histories").glob("*.jsonl"):
        lines = [format_event_line(event) for _, event in read_event_lines(path)]
        assert path.read_text(encoding="utf-8").splitlines() == lines


def test_the_timelines_are_current():
    done = subprocess.run(
        [sys.executable, REPOSITORY / "scripts" / "docs-clocks", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
