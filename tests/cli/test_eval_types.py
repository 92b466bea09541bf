"""``roadwarden eval types`` on the scene drawn by hand, as people call it."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

from roadwarden.cli import main
from tests.eval.scene import OPERATING_POINT, SCENE, write_parquet, write_scene


@pytest.fixture
def run(scene, monkeypatch, capsys):
    """Calls the console script in the folder of the scene, without the seconds that a process takes to start."""

    def call(*arguments):
        monkeypatch.chdir(scene)
        monkeypatch.setattr(sys, "argv", ["roadwarden", "eval", "types", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return SimpleNamespace(returncode=end.value.code or 0, stdout=said.out, stderr=said.err)

    return call


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    root = tmp_path_factory.mktemp("eval")
    write_scene(root / "scene")
    write_parquet(root / "detections.parquet", {one.name: one.seen for one in SCENE})
    point = {
        "thresholds": {str(one): value for one, value in OPERATING_POINT.items()},
        "score_map": {"slope": 1.0, "offset": 0.0},
        "chosen_on": "by hand",
    }
    (root / "point.json").write_text(json.dumps(point))
    return root


COMMON = ("--truth", "scene", "--source", "scene", "--detections", "detections.parquet", "--point", "point.json")


def test_the_report_is_written_and_the_line_is_said(run, scene):
    done = run(*COMMON, "--out", "report")
    assert done.returncode == 0, done.stderr
    assert "type accuracy 0.571 of 7 (bound 0.289, by group 0.500 to 0.600)" in done.stdout
    report = json.loads((scene / "report" / "types.json").read_text(encoding="utf-8"))
    assert report["coverage"]["type_accuracy"]["part"] == 4
    assert report["subject"]["truth"] == "scene, val"
    assert "<svg" in (scene / "report" / "types.html").read_text(encoding="utf-8")


def test_as_json_it_is_the_report_and_nothing_else(run):
    done = run("--truth", "scene", "--format", "voc", "--detections", "detections.parquet", "--json")
    report = json.loads(done.stdout)
    assert report["coverage"]["found"]["part"] == 8  # without an operating point d14 counts too
    assert report["groups"] == 3
    assert any("no operating point" in note for note in report["subject"]["notes"])


def test_the_test_part_is_sealed(run, scene):
    sealed = (scene / "scene" / "splits.csv").read_text().replace(",val,", ",test,")
    (scene / "scene" / "splits.csv").write_text(sealed)
    try:
        refused = run(*COMMON, "--part", "test")
        assert refused.returncode == 2
        assert "--why" in refused.stderr
        assert not (scene / "eval").exists()
        done = run(*COMMON, "--part", "test", "--why", "release 2", "--out", "final")
        assert done.returncode == 0, done.stderr
        row = (scene / "eval" / "test-part-uses.md").read_text(encoding="utf-8").splitlines()[-1]
        assert row.startswith("| 1 | 20")
        assert row.endswith(
            "| detections | `roadwarden eval types --source scene --part test`: release 2 | see types.json in final |"
        )
    finally:
        (scene / "scene" / "splits.csv").write_text(sealed.replace(",test,", ",val,"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "either --detections TABLE or --model FILE"),
        (("--detections", "detections.parquet", "--model", "a.onnx"), "either --detections TABLE or --model FILE"),
        (("--model", "a.onnx", "--point", "point.json"), "--point goes with --detections"),
    ],
    ids=["nothing", "both", "a point for a model"],
)
def test_what_is_judged_must_be_clear(run, arguments, said):
    done = run("--truth", "scene", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
