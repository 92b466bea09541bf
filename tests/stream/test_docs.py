"""The example, the dashboard and the page say what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

from test_watching import NAMES

from roadwarden.inference.stream import meters
from roadwarden.inference.stream.config import read_config
from roadwarden.inference.stream.values import Door

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "streaming.md").read_text(encoding="utf-8")


def test_the_example_is_one_that_a_worker_takes_also_with_all_that_stands_in_comments(tmp_path):
    text = (ROOT / "inference" / "stream.example.yaml").read_text(encoding="utf-8")
    assert list(read_config(ROOT / "inference" / "stream.example.yaml").cameras) == ["bus-7-front"]
    bare = re.sub(r"(?m)^(\s*)# (?=[ ]*[\w-]+:)", r"\1", text.partition("\n\n")[2])
    (tmp_path / "all.yaml").write_text(bare, encoding="utf-8")
    whole = read_config(tmp_path / "all.yaml")
    assert list(whole.cameras) == ["bus-7-front", "gate-1", "bus-12"]
    assert whole.server is not None
    assert whole.model == "registry:roadwarden@champion"


def test_the_dashboard_asks_for_metrics_that_there_are():
    board = json.loads((ROOT / "inference" / "grafana-stream.json").read_text(encoding="utf-8"))
    asked = {
        re.sub(r"_(total|bucket|sum|count)$", "", name)
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"roadwarden_\w+", target["expr"])
    }
    source = Path(meters.__file__).read_text(encoding="utf-8")
    missing = {name for name in asked if name not in NAMES and name.removeprefix("roadwarden_") not in source}
    missing = {name for name in missing if name.removeprefix("roadwarden_frames_") not in source}
    assert missing == set()
    assert len(asked) > 15


def test_every_door_is_explained():
    for door in Door:
        assert f"| `{door}` |" in PAGE
