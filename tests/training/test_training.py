"""From a recipe to weights: strict, split by place, resumable, and the export says what it is."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from roadwarden.data.splits import read_splits
from roadwarden.data.synthetic.as_roads import RiddenStreet, write_synthetic_roads
from roadwarden.errors import ConfigError, DataError
from roadwarden.eval.operating_point import OperatingPoint
from roadwarden.models.card import Head
from roadwarden.models.load import load_detector
from roadwarden.models.score_map import ScoreMap
from roadwarden.taxonomy import TRAINED_TYPES, DistressType
from roadwarden.training.dataset import (
    choose_frames,
    groups_of_fold,
    manifest_sha256,
    with_clean_cracks,
    write_dataset,
    yolo_lines,
)
from roadwarden.training.export import export
from roadwarden.training.folds import run_fold
from roadwarden.training.recipe import FOLDED_SOURCE, Recipe, SourceChoice, read_recipe
from roadwarden.training.train import Tracking, train
from tests.conftest import REPOSITORY

START = REPOSITORY / "models" / "roadwarden-yolo26n-4.pt"


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two synthetic streets in the layout of RDD2022: one to train on, one to choose by."""
    ridden = (RiddenStreet("street", "train", "M005", seed=1), RiddenStreet("street", "val", "M016", seed=2))
    return write_synthetic_roads(tmp_path_factory.mktemp("streets"), ridden)


def recipe(**changes: object) -> Recipe:
    values = {
        "name": "tiny", "seed": 1, "image_size": 96, "batch": 4, "epochs": 2, "close_mosaic": 0, "device": "cpu",
        "sources": [{"source": "street", "part": "train"}], "validation": [{"source": "street", "part": "val"}],
        "classes": list(TRAINED_TYPES),
    }  # fmt: skip
    return Recipe.model_validate(values | changes)


def test_the_shipped_recipe_reads():
    assert read_recipe(REPOSITORY / "training" / "first.yaml").classes[3] is DistressType.POTHOLE


def test_a_typo_in_a_recipe_is_named(tmp_path):
    place = tmp_path / "recipe.yaml"
    place.write_text((REPOSITORY / "training" / "first.yaml").read_text().replace("epochs:", "epoch:"))
    with pytest.raises(ConfigError, match="epoch"):
        read_recipe(place)


def test_the_test_part_cannot_be_trained_on():
    with pytest.raises(ValueError, match="part"):
        SourceChoice.model_validate({"source": "china_motorbike", "part": "test"})


def test_frames_can_be_chosen_by_type(streets):
    holes = SourceChoice(source="street", part="train", only_with=(DistressType.POTHOLE,))
    frames = choose_frames(streets, holes)
    assert 0 < len(frames) < 8 or all(DistressType.POTHOLE in frame.types for frame in frames)
    assert len(choose_frames(streets, SourceChoice(source="street", part="train", every=3))) == 3


def test_boxes_become_shares_of_the_frame(streets):
    frame = next(f for f in choose_frames(streets, SourceChoice(source="street", part="train")) if len(f.types))
    size = (frame.width, frame.height)
    lines = yolo_lines(frame.types, frame.boxes_xyxy.tolist(), size, [frame.types[0]])
    index, *shares = (float(value) for value in lines[0].split())
    x1, y1, x2, y2 = frame.boxes_xyxy[0].tolist()
    assert index == 0
    assert shares == pytest.approx([(x1 + x2) / 2560, (y1 + y2) / 1440, (x2 - x1) / 1280, (y2 - y1) / 720], abs=1e-5)


def test_missing_pictures_say_which_option_names_them(tmp_path):
    with pytest.raises(DataError, match="--roads names the folder"):
        choose_frames(tmp_path, SourceChoice(source="street", part="train"))


def test_missing_start_weights_are_told_before_any_work(streets, tmp_path):
    with pytest.raises(DataError, match="no such start weights"):
        train(recipe(), roads=streets, weights=tmp_path / "none.pt", run_dir=tmp_path / "run")


@pytest.mark.slow
def test_a_killed_training_goes_on_where_it_stopped(streets, tmp_path):
    pytest.importorskip("ultralytics", reason="training needs roadwarden[train]")
    place = tmp_path / "tiny.yaml"
    place.write_text(yaml.safe_dump(recipe(epochs=6).model_dump(mode="json")))
    command = [
        sys.executable,
        "-m",
        "roadwarden",
        "train",
        str(place),
        "--roads",
        str(streets),
        "--weights",
        str(START),
    ]
    command += ["--out", str(tmp_path / "runs")]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "YOLO_CONFIG_DIR": str(tmp_path)}
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    last = tmp_path / "runs/tiny/run/last.pt"
    deadline = time.monotonic() + 120
    while not last.is_file() and first.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    again = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert again.returncode == 0, again.stderr[-2000:]
    epochs = [line.split()[1].rstrip(":") for line in again.stdout.splitlines() if line.startswith("epoch ")]
    assert "1/6" not in epochs
    assert epochs[-1] == "6/6"
    assert (tmp_path / "runs/tiny/run/done").is_file()


def test_an_operating_point_goes_into_the_card(streets, tmp_path):
    pytest.importorskip("ultralytics", reason="exporting needs roadwarden[train]")
    checkpoint = tmp_path / "start.pt"
    checkpoint.write_bytes(START.read_bytes())
    thresholds = dict(zip(TRAINED_TYPES, (0.21, 0.22, 0.23, 0.24, 0.25), strict=True))
    point = OperatingPoint(thresholds=thresholds, score_map=ScoreMap(0.8, 0.1), chosen_on="folds")
    done = export(
        recipe(image_size=256), checkpoint=checkpoint, roads=streets, out=tmp_path / "out", name="tiny-1",
        git_commit="abc", head=Head.ONE_TO_MANY, point=point,
    )  # fmt: skip
    card = load_detector(done.onnx).card
    assert (card.thresholds, card.score_map) == (thresholds, ScoreMap(0.8, 0.1))


def write_untrained(place: Path) -> None:
    """A YOLO26n with both heads that has learnt nothing."""
    import torch
    from ultralytics.nn.tasks import DetectionModel
    from ultralytics.utils import DEFAULT_CFG_DICT

    network = DetectionModel("yolo26n.yaml", nc=5, verbose=False)
    network.names = dict(enumerate(map(str, TRAINED_TYPES)))
    network.args = dict(DEFAULT_CFG_DICT)
    torch.save({"model": network, "train_args": {}}, place)


def test_a_head_that_was_not_trained_is_not_exported(streets, tmp_path):
    pytest.importorskip("ultralytics", reason="exporting needs roadwarden[train]")
    with pytest.raises(DataError, match="trained without its end-to-end head"):
        export(
            recipe(image_size=256), checkpoint=START, roads=streets, out=tmp_path, name="x", git_commit="abc",
            head=Head.END_TO_END,
        )  # fmt: skip


@pytest.mark.parametrize("head", [Head.END_TO_END, pytest.param(Head.ONE_TO_MANY, marks=pytest.mark.slow)])
def test_an_export_knows_what_it_is(streets, tmp_path, head):
    pytest.importorskip("ultralytics", reason="exporting needs roadwarden[train]")
    checkpoint = tmp_path / "start.pt"
    write_untrained(checkpoint)
    done = export(
        recipe(image_size=256),
        checkpoint=checkpoint,
        roads=streets,
        out=tmp_path / "out",
        name="tiny-1",
        git_commit="abc",
        head=head,
    )
    for place in (done.onnx, done.checkpoint):
        card = load_detector(place).card
        assert (card.name, card.head, card.git_commit, card.input_size) == ("tiny-1", head, "abc", 256)
    assert done.val["frames"] == 8
    for place in (done.onnx, done.checkpoint):
        assert not re.search(rb"/(home|root|tmp|work|opt)/", place.read_bytes())
    counted = sum(one["true"] for one in done.val["types"].values())
    assert counted == sum(len(f.types) for f in choose_frames(streets, recipe().validation[0]))
    assert done.card.score_map.slope > 0


def test_a_checkpoint_of_other_classes_is_refused(streets, tmp_path):
    pytest.importorskip("ultralytics", reason="exporting needs roadwarden[train]")
    with pytest.raises(DataError, match="are not those of the recipe"):
        export(
            recipe(classes=["pothole"]), checkpoint=START, roads=streets, out=tmp_path, name="x", git_commit="abc",
            head=Head.ONE_TO_MANY,
        )  # fmt: skip


@pytest.fixture(scope="module")
def ridden_streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same streets under the name of the source that is folded: M005 lies in fold 1, M016 in fold 0."""
    ridden = (RiddenStreet(FOLDED_SOURCE, "train", "M005", seed=1), RiddenStreet(FOLDED_SOURCE, "val", "M016", seed=2))
    root = write_synthetic_roads(tmp_path_factory.mktemp("ridden"), ridden)
    for place in (root / FOLDED_SOURCE / "annotations").iterdir():
        if int(place.stem[-6:]) < 4:  # half of the frames show nothing rare, so that there is something to paste into
            bare = re.sub(r"<object><name>(D40|Repair)</name>.*?</object>", "", place.read_text())
            place.write_text(bare)
    return root


RIDDEN = {
    "sources": [{"source": "china_motorbike", "part": "train"}],
    "validation": [{"source": "china_motorbike", "part": "val"}],
    "keep": "last", "heads": "one_to_many", "precision": "bfloat16", "warmup_epochs": 1,
}  # fmt: skip


def test_every_group_lies_in_one_fold_and_those_of_val_make_fold_0():
    folds = [groups_of_fold(fold) for fold in range(5)]
    assert sum(map(len, folds)) == len(frozenset().union(*folds))
    folds = [frozenset(group for group in fold if group.startswith("M")) for fold in folds]
    assert sum(map(len, folds)) == 24
    assert folds[0] == {"M016", "M020", "M027", "M033", "M035", "M039"}
    holes, patches = ({"M005", "M013", "M020"}, {"M001", "M013", "M033"})
    assert all(len(fold & holes) <= 1 and len(fold & patches) <= 1 for fold in folds)
    with pytest.raises(ConfigError, match="no fold 7"):
        groups_of_fold(7)


def test_the_folds_divide_train_and_val_and_never_touch_test(roads):
    by_part: dict[str, set[str]] = {}
    for row in read_splits(roads):
        by_part.setdefault(f"{row.source} {row.part}", set()).add(row.group)
    folds = frozenset().union(*(groups_of_fold(fold) for fold in range(5)))
    streets = by_part["china_motorbike train"] | by_part["china_motorbike val"]
    assert folds == streets | by_part["china_drone train"]
    assert groups_of_fold(0) & streets == by_part["china_motorbike val"]


def test_a_fold_never_trains_on_what_it_holds_out(ridden_streets, tmp_path):
    write_dataset(recipe(**RIDDEN), ridden_streets, tmp_path / "fold", groups_of_fold(1))
    names = {part: {p.stem for p in (tmp_path / "fold/images" / part).iterdir()} for part in ("train", "val")}
    assert all(name.startswith("M016_") for name in names["train"])
    assert all(name.startswith("M005_") for name in names["val"])


def test_pasted_frames_carry_the_old_boxes_and_the_new(ridden_streets, tmp_path):
    values = RIDDEN | {"pasted_frames": 6, "sources": [{"source": "china_motorbike", "part": "train", "repeat": 2}]}
    write_dataset(recipe(**values), ridden_streets, tmp_path / "set")
    images = sorted(path.name for path in (tmp_path / "set/images/train").iterdir())
    assert len([name for name in images if name.startswith("pasted_")]) == 6
    assert len([name for name in images if "__2" in name]) == 8
    pasted = [p.read_text().split("\n") for p in (tmp_path / "set/labels/train").glob("pasted_*.txt")]
    assert any(line.startswith(("3 ", "4 ")) for lines in pasted for line in lines)


def test_pasting_needs_streets_to_paste_into():
    with pytest.raises(ValueError, match="pasted_frames needs china_motorbike"):
        recipe(pasted_frames=3)


def test_a_wide_longitudinal_crack_is_trained_as_a_transverse_one(streets):
    frame = next(f for f in choose_frames(streets, SourceChoice(source="street", part="train")) if len(f.types))
    boxes = np.array([[0, 0, 300, 100], [0, 0, 100, 300], [0, 0, 300, 100]], np.float32)
    types = (DistressType.LONGITUDINAL_CRACK, DistressType.LONGITUDINAL_CRACK, DistressType.ALLIGATOR_CRACK)
    frame = replace(frame, boxes_xyxy=boxes, types=types)
    cleaned = (DistressType.TRANSVERSE_CRACK, *types[1:])
    assert with_clean_cracks(frame, 2.5).types == cleaned
    assert with_clean_cracks(frame, 0).types == types


def test_a_fold_that_would_choose_by_what_it_holds_out_is_refused(ridden_streets, tmp_path):
    with pytest.raises(ConfigError, match="folds need 'keep: last'"):
        train(
            recipe(**RIDDEN | {"keep": "best"}), roads=ridden_streets, weights=START, run_dir=tmp_path, fold=1
        )  # fmt: skip


def test_a_training_smoke_run_gives_out_of_fold_predictions(ridden_streets, tmp_path):
    """Two epochs of bfloat16 on a slice, resumed for nothing: the table names just the frames held out."""
    pytest.importorskip("ultralytics", reason="training needs roadwarden[train]")
    told = []
    for _ in range(2):
        table = run_fold(
            recipe(**RIDDEN | {"pasted_frames": 4}), 1, roads=ridden_streets, weights=START, on_epoch=told.append,
            run_dir=tmp_path / "fold-1", tracking=Tracking(f"sqlite:///{tmp_path}/mlflow.db", "abc"),
        )  # fmt: skip
    assert [one.epoch for one in told] == [1, 2]
    assert all(math.isfinite(one.loss) and one.metrics == {} for one in told)
    rows = pq.read_table(table).to_pydict()
    assert set(rows["frame"]) <= {row.image for row in read_splits(ridden_streets) if row.group == "M005"}
    assert len(rows["frame"]) > 0
    assert set(rows["type"]) <= set(TRAINED_TYPES)
    assert min(rows["score"]) >= 0.02
    assert {model.split()[0] for model in rows["model"]} == {"tiny-fold-1"}
    assert_the_run_can_be_read_in_mlflow(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "fold-1/dataset")


def assert_the_run_can_be_read_in_mlflow(uri: str, dataset: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="runs are logged with roadwarden[train]")
    client = tracking.MlflowClient(uri)
    (run,) = client.search_runs([one.experiment_id for one in client.search_experiments()])
    assert run.info.status == "FINISHED"
    assert run.data.params["pasted_frames"] == "4"
    assert run.data.tags["mlflow.source.git.commit"] == "abc"
    assert run.data.tags["data_manifest_sha256"] == manifest_sha256(dataset)
    assert "environment.torch" in run.data.tags
    assert [point.step for point in client.get_metric_history(run.info.run_id, "loss")] == [1, 2]
    names = {one.path for folder in ("", "pictures") for one in client.list_artifacts(run.info.run_id, folder)}
    assert {"last.pt", "pictures/sheet.jpg"} <= names
