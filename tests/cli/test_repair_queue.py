"""``roadwarden repair``: the queue, what waits for people, reviews and records, from the command line."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from roadwarden.cases.events import Accepted, Dispatched
from roadwarden.cli import app
from roadwarden.storage.blobs import open_blobs
from roadwarden.storage.schema import open_storage

sys.path.insert(0, str(Path(__file__).parent.parent / "service"))

from assessing_world import World
from desks import CREW, DISPATCHER, INTAKE, Clock, pothole

from tests.repairs.repair_scenes import looked_at_again, road, with_patch
from tests.repairs.test_case_assess import encoded

BY = ["--by", "u3", "--role", "duty_officer"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A case that a citizen filed an hour ago, whose crew has sent two pictures."""
    database = f"sqlite:///{tmp_path}/roadwarden.db"
    monkeypatch.setenv("ROADWARDEN_DATABASE", database)
    monkeypatch.setenv("ROADWARDEN_BLOBS", str(tmp_path / "blobs"))
    now = datetime.now(UTC)
    world = World(open_storage(database), Clock(now - timedelta(hours=1)))
    blobs, taken = open_blobs(str(tmp_path / "blobs")), now - timedelta(minutes=30)
    mended = with_patch(road())
    names = [blobs.put(encoded(looked_at_again(mended, seed), taken)) for seed in (1, 2)]
    world.case = world.desk.file(INTAKE, pothole()).row.case_id
    world.clock.time = now - timedelta(minutes=10)
    world.seq = _report(world, names)
    yield world
    world.engine.dispose()


def _report(world: World, names: list[str]) -> int:
    world.desk.record(DISPATCHER, world.case, Dispatched("roads", "crew-7"))
    world.desk.record(CREW, world.case, Accepted())
    return world.report(world.case, tuple(names))


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["repair", *words])
    assert done.exit_code == 0, done.output + str(done.exception)
    return done.stdout


def test_the_queue_judges_what_is_due_and_a_person_rules_on_the_rest(here: World, tmp_path: Path) -> None:
    metrics = tmp_path / "node" / "roadwarden.prom"
    told = json.loads(run("queue", "--once", "--json", "--metrics", str(metrics)))
    assert told["verdicts"] == {"INSUFFICIENT_EVIDENCE": 1}  # a citizen's case has no picture before
    assert told["to_people"] == {"uncertain": 1}
    text = metrics.read_text()
    assert 'roadwarden_assessments_total{verdict="INSUFFICIENT_EVIDENCE"} 1.0' in text
    assert 'roadwarden_assessment_jobs{state="person"} 1.0' in text
    (due,) = [float(line.split()[1]) for line in text.splitlines() if line.startswith("roadwarden_assessment_nearest")]
    assert 23 * 3600 < due < 24 * 3600
    assert "uncertain" in run("jobs", "--people")
    record = json.loads(run("show", here.case))
    assert json.loads(run("show", record["id"][:12])) == record  # as the list shows it
    assert record["reasons"]["faults"] == ["no_before"]
    assert run("list", "--case", here.case).startswith(record["id"][:12])
    said = run("review", here.case, "--report", str(here.seq), "--verdict", "REPAIRED", *BY)
    assert "closed" in said
    assert json.loads(run("jobs", "--json"))["jobs"] == []
    kinds = [one["kind"] for one in json.loads(run("list", "--json"))]
    assert kinds == ["review", "machine"]


def test_one_case_by_name_first_without_keeping_anything(here: World) -> None:
    dry = json.loads(run("assess", here.case, "--dry-run", "--json"))
    assert dry["verdict"] == "INSUFFICIENT_EVIDENCE"
    assert "no record yet" in run("list")
    assert "waits for a person" in run("assess", here.case)
    again = CliRunner().invoke(app, ["repair", "assess", here.case])
    assert "judged already" in str(again.exception)


def test_without_a_model_the_report_waits_and_the_next_worker_has_it(here: World, tmp_path: Path) -> None:
    told = json.loads(run("queue", "--once", "--json", "--model", str(tmp_path / "none.onnx")))
    assert (told["judged"], told["failed"]) == (0, {"no_model": 1})
    (job,) = json.loads(run("jobs", "--json"))["jobs"]
    assert (job["state"], job["tries"]) == ("waiting", 0)
    assert "none.onnx" in job["error"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["assess", "2026-000099"], "there is no case 2026-000099"),
        (["assess", "a.jpg", "b.jpg"], "two pictures want --box"),
        (["show", "nothing"], "there is no record nothing"),
        (["again", "2026-000001", "--report", "4"], "not one that a machine may try again"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(here: World, words: list[str], error: str) -> None:
    done = CliRunner().invoke(app, ["repair", *words])
    assert error in str(done.exception)


def test_nothing_closed_nothing_to_look_at_again(here: World) -> None:
    assert run("recheck").startswith("0 closed repairs looked at")
    assert "no answer yet" in run("crews")
