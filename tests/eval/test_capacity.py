"""docs/capacity.md is what the committed figures say, and those stand in the pages that they are taken from."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from roadwarden.eval.city.eyes import EVERY_M
from tests.conftest import REPOSITORY

PROGRAM = REPOSITORY / "scripts" / "capacity"
KNOWN = json.loads((REPOSITORY / "eval" / "benchmarks" / "capacity.json").read_text(encoding="utf-8"))


def test_the_page_is_current():
    done = subprocess.run([sys.executable, PROGRAM, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", [name for name, one in KNOWN.items() if "says" in one])
def test_a_figure_stands_where_it_is_said_to_stand(name):
    text = (REPOSITORY / KNOWN[name]["source"]).read_text(encoding="utf-8")
    assert KNOWN[name]["says"] in text


def test_the_city_takes_frames_as_often_as_the_page_says():
    assert f"A frame every {EVERY_M:g} m" in (REPOSITORY / "docs" / "capacity.md").read_text(encoding="utf-8")
