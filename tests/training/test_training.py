"""From a recipe to weights: strict, split by place, resumable, and the export says what it is."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from roadwarden.data.synthetic import write_sample_archive
from roadwarden.errors import ConfigError, DataError
from roadwarden.models.card import Head
from roadwarden.models.load import load_detector
from roadwarden.taxonomy import DistressType
from roadwarden.training.dataset import choose_frames, yolo_lines
from roadwarden.training.export import export
from roadwarden.training.recipe import Recipe, SourceChoice, read_recipe
from roadwarden.training.train import train
from tests.conftest import REPOSITORY

RDD = {
    "longitudinal_crack": "D00",
    "transverse_crack": "D10",
    "alligator_crack": "D20",
    "pothole": "D40",
    "patch": "Repair",
}
START = REPOSITORY / "models" / "roadwarden-yolo26n-1.pt"


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two synthetic streets in the layout of RDD2022: one to train on, one to choose by."""
    root = tmp_path_factory.mktemp("streets")
    rows = []
    for part, seed in (("train", 1), ("val", 2)):
        archive = write_sample_archive(root / "raw" / part, seed=seed, frames=8)
        for folder in ("images", "annotations"):
            (root / part / folder).mkdir(parents=True)
        for row in json.loads((archive / "truth.json").read_text())["frames"]:
            name = f"{part}_{Path(row['frame']).stem}"
            (root / part / "images" / f"{name}.jpg").write_bytes((archive / row["frame"]).read_bytes())
            objects = "".join(
                f"<object><name>{RDD[box['type']]}</name><bndbox>"
                + "".join(
                    f"<{edge}>{value}</{edge}>"
                    for edge, value in zip(("xmin", "ymin", "xmax", "ymax"), box["box_xyxy"], strict=True)
                )
                + "</bndbox></object>"
                for box in row["boxes"]
            )
            text = f"<annotation><size><width>1280</width><height>720</height></size>{objects}</annotation>"
            (root / part / "annotations" / f"{name}.xml").write_text(text)
            rows.append([f"{part}/images/{name}.jpg", "street", part, part, part])
    with (root / "splits.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([["image", "source", "part", "group", "place"], *rows])
    return root


def recipe(**changes: object) -> Recipe:
    values = {
        "name": "tiny", "seed": 1, "image_size": 96, "batch": 4, "epochs": 2, "close_mosaic": 0, "device": "cpu",
        "sources": [{"source": "street", "part": "train"}], "validation": [{"source": "street", "part": "val"}],
        "classes": list(RDD),
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
    index, *shares = (float(value) for value in yolo_lines(frame, [frame.types[0]])[0].split())
    x1, y1, x2, y2 = frame.boxes_xyxy[0].tolist()
    assert index == 0
    assert shares == pytest.approx([(x1 + x2) / 2560, (y1 + y2) / 1440, (x2 - x1) / 1280, (y2 - y1) / 720], abs=1e-5)


def test_missing_pictures_say_which_option_names_them(tmp_path):
    with pytest.raises(DataError, match="--roads names the folder"):
        choose_frames(tmp_path, SourceChoice(source="street", part="train"))


def test_missing_start_weights_are_told_before_any_work(streets, tmp_path):
    with pytest.raises(DataError, match="no such start weights"):
        train(recipe(), roads=streets, weights=tmp_path / "none.pt", run_dir=tmp_path / "run")


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
    last = tmp_path / "runs/tiny/last.pt"
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
    assert (tmp_path / "runs/tiny/done").is_file()


@pytest.mark.parametrize("head", Head)
def test_an_export_knows_what_it_is(streets, tmp_path, head):
    pytest.importorskip("ultralytics", reason="exporting needs roadwarden[train]")
    checkpoint = tmp_path / "start.pt"
    checkpoint.write_bytes(START.read_bytes())
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
    assert not re.search(rb"/(home|root|tmp|work|opt)/", done.checkpoint.read_bytes())
    assert done.val["all"]["true"] == sum(len(f.types) for f in choose_frames(streets, recipe().validation[0]))


def test_a_checkpoint_of_other_classes_is_refused(streets, tmp_path):
    pytest.importorskip("ultralytics", reason="exporting needs roadwarden[train]")
    with pytest.raises(DataError, match="are not those of the recipe"):
        export(
            recipe(classes=["pothole"]), checkpoint=START, roads=streets, out=tmp_path, name="x", git_commit="abc",
            head=Head.ONE_TO_MANY,
        )  # fmt: skip
