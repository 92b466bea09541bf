"""A model file has to say what it is before it may look at a road."""

from __future__ import annotations

import json

import pytest

from roadwarden.errors import ModelError
from roadwarden.models.card import ModelCard, read_card
from roadwarden.models.load import load_detector, shipped_model
from roadwarden.models.onnx import sha256_of
from tests.conftest import REPOSITORY

CARD = {
    "name": "toy-1",
    "classes": ["pothole", "patch"],
    "input_size": 320,
    "head": "end_to_end",
    "taxonomy_version": "1",
    "thresholds": {"pothole": 0.5, "patch": 0.3},
    "training_data": "none",
    "git_commit": "0000000",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"classes": None}, "classes"),
        ({"classes": ["pothole", "crater"]}, "classes"),
        ({"thresholds": {"pothole": 0.5}}, "none for patch"),
        ({"taxonomy_version": "0"}, "this Roadwarden speaks"),
        ({"input_size": 100}, "input_size"),
        ({"colour": "red"}, "colour"),
    ],
    ids=["no classes", "unknown type", "threshold missing", "other taxonomy", "odd size", "unknown key"],
)
def test_a_wrong_card_is_refused_with_what_is_wrong(tmp_path, change, said):
    with pytest.raises(ModelError, match=said):
        read_card(json.dumps(CARD | change), tmp_path / "model.onnx")


def test_no_card_is_refused_with_what_is_missing(tmp_path):
    with pytest.raises(ModelError, match=r"carries no 'roadwarden' metadata .*classes.*thresholds"):
        read_card(None, tmp_path / "model.onnx")


def test_a_card_that_is_not_json_is_refused(tmp_path):
    with pytest.raises(ModelError, match="not JSON"):
        read_card("{", tmp_path / "model.onnx")


@pytest.mark.parametrize("name", ["model.onnx", "model.txt", "missing.onnx"])
def test_a_file_that_is_no_model_is_refused(tmp_path, name):
    (tmp_path / "model.onnx").write_text("not a model")
    (tmp_path / "model.txt").write_text("not a model")
    with pytest.raises(ModelError, match=name):
        load_detector(tmp_path / name)


def test_the_shipped_model_is_the_one_that_its_card_describes():
    described = json.loads((REPOSITORY / "models" / f"{shipped_model().stem}.json").read_text())
    assert sha256_of(shipped_model()) == described["sha256"]
    assert load_detector(shipped_model()).card == ModelCard.model_validate(described["card"])


def test_evaluation_never_sees_less_than_what_runs_reports():
    lowered = ModelCard.model_validate(CARD | {"thresholds": {"pothole": 0.04, "patch": 0.3}}).lowered_to(0.05)
    assert {str(one): at for one, at in lowered.thresholds.items()} == {"pothole": 0.04, "patch": 0.05}


def test_the_figures_beside_the_shipped_model_are_those_of_its_report():
    name = shipped_model().stem
    told = json.loads((REPOSITORY / "models" / f"{name}.json").read_text())["val"]
    report = json.loads((REPOSITORY / "eval/reports" / name / "val" / "types.json").read_text())
    coverage = report["coverage"]
    assert told["frames"] == report["frames"]
    for figure in ("found", "precision", "type_accuracy"):
        assert told[figure] == pytest.approx(coverage[figure]["value"], abs=1e-4)
    for one in coverage["types"]:
        own = told["types"][one["type"]]
        assert (own["true"], own["found"]) == (one["true"], one["found"]["part"])
        assert (own["seen"], own["right"]) == (one["precision"]["whole"], one["precision"]["part"])
