"""Frames of one evening in whatever order and handfuls: the cases of the calm evening are there at its end."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from roadwarden.cases.permissions import shipped_permissions
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.eval.chaos.audit import Truth, calm_evening, compare, read_tables
from roadwarden.eval.chaos.director import MODELS
from roadwarden.eval.chaos.plan import compose
from roadwarden.eval.chaos.stage import build_stage
from roadwarden.geo.camera_file import read_camera
from roadwarden.geo.read_network import read_network
from roadwarden.inference.stream.model_slot import load_model
from roadwarden.inference.stream.sink import LiveFixes
from roadwarden.models.load import model_path
from roadwarden.service.cases import CaseDesk
from roadwarden.service.filing import FilingRules, file_defects
from roadwarden.service.intake import Intake, Viewer
from roadwarden.service.roads import import_roads
from roadwarden.service.survey_frames import SurveySettings
from roadwarden.storage.schema import open_storage

CAMERA, SECONDS, RATE, PICTURES = "depot-1", 600.0, 0.4, 24
NOON = datetime(2026, 12, 1, 5, tzinfo=UTC)
LATE_SHARE, LATE_S = 0.3, 20.0
HANDFULS = (1, 2, 3, 5, 9)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def evening(tmp_path_factory):
    """Stage, truth, and when each frame arrives."""
    score = compose(1, SECONDS, {CAMERA: RATE}, 1, broker=False)
    folder = tmp_path_factory.mktemp("evening") / "street"
    passes = int(SECONDS * RATE) // PICTURES + 1
    stage = build_stage(folder, (CAMERA,), frozenset(), passes, NOON, frames=PICTURES, seed=1)
    truth = Truth(stage, score.shots, frozenset(), [load_model(model_path(name), 1, 1) for name in MODELS])
    arrives = {}
    for play in sorted(score.plays, key=lambda one: one.at_s):
        arrives.setdefault(play.shot, play.at_s)
    return stage, truth, arrives


def database(place, stage):
    engine = open_storage(f"sqlite:///{place}")
    import_roads(engine, read_network(stage.roads).network.segments, "evening", NOON)
    return engine


def stormy(engine, stage, deliveries, rng):
    """A handful after the other, and the cases of what changed after each."""
    model = read_camera(stage.camera_file)
    viewer = Viewer(model, SurveySettings(model.name), LiveFixes(stage.track, None))
    intake = Intake(engine, lambda _camera: viewer, lambda: NOON)
    desk = CaseDesk(engine, shipped_clock_policies(), shipped_permissions())
    left = list(deliveries)
    while left:
        handful = rng.choice(HANDFULS)
        kept = intake.keep(left[:handful])
        del left[:handful]
        file_defects(desk, FilingRules(), sorted(kept.defects))


@pytest.mark.parametrize("seed", range(4))
def test_no_frame_sighting_or_case_is_lost_or_doubled(evening, seed, tmp_path):
    stage, truth, arrives = evening
    rng = random.Random(seed)
    keys = {shot: rng.choice(sorted(truth.keys(shot))) for shot in truth.shots}  # by either of the models
    calm_order = truth.deliveries(frozenset(keys.values()))
    by_key = {one.key: one for one in calm_order}
    late = {shot: rng.random() * LATE_S if rng.random() < LATE_SHARE else 0.0 for shot in truth.shots}
    order = sorted(truth.shots, key=lambda shot: arrives.get(shot, 0.0) + late[shot])
    found, calm = database(tmp_path / "found.db", stage), database(tmp_path / "calm.db", stage)
    stormy(found, stage, [by_key[keys[shot]] for shot in order], rng)
    calm_evening(calm, stage, calm_order, NOON)
    findings = compare(read_tables(found, stage.cameras), read_tables(calm, stage.cameras), truth)
    assert [str(one) for one in findings if not one.holds] == []
    found.dispose()
    calm.dispose()
