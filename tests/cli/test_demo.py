"""``roadwarden demo``: the loop in one command, with the real model on a drawn street."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from roadwarden.cli import app


def test_a_folder_that_is_somebodys_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    done = CliRunner().invoke(app, ["demo", str(tmp_path)])
    assert "not empty" in str(done.exception)
    assert (tmp_path / "letter.txt").read_text() == "mine"


@pytest.mark.slow
def test_the_false_done_is_sent_back_and_its_clock_has_kept_running(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    done = CliRunner().invoke(app, ["demo", str(out), "--json"])
    assert done.exit_code == 0, done.output
    story = json.loads(done.stdout)
    assert story["as_drawn"]
    false, true = story["records"]
    assert (false["verdict"], true["verdict"]) == ("NOT_REPAIRED", "REPAIRED")
    clocks = [step["clock"] for step in story["steps"]]
    assert "repair clock running, 1 h 50 min left" in clocks  # after the false report, as if it had never been
    assert clocks[-1] == "repair clock stopped, 2 h 1 min late"
    assert story["bundle"]["verified"]
    assert len(story["bundle"]["images"]) == 4
    page = (out / "demo.html").read_text(encoding="utf-8")
    for picture in (out / "pictures").iterdir():
        assert picture.name in page
