"""Truth in four forms and detections from a table or a model meet in the same frames."""

from __future__ import annotations

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roadwarden.data.coco import write_coco
from roadwarden.errors import DataError, ModelError
from roadwarden.eval.predictions import join, look, models_of, read_detections, read_job, read_jobs
from roadwarden.eval.truth import TruthFormat, read_truth
from roadwarden.models.load import load_detector, shipped_model
from roadwarden.taxonomy import to_rdd
from tests.eval.scene import SCENE, A, L, P, seen, write_parquet, write_scene


@pytest.fixture
def scene(tmp_path):
    return write_scene(tmp_path / "scene")


def assert_it_is_the_scene(frames, *, names=("images/1.png", "images/2.png", "images/3.png")):
    assert [one.name for one in frames] == list(names)
    for one, drawn in zip(frames, SCENE, strict=True):
        assert one.annotated.boxes_xyxy.tolist() == drawn.true_boxes.tolist()
        assert one.annotated.types == drawn.true_types
        assert (one.annotated.width, one.annotated.height) == (200, 200)


def test_roads_knows_its_streets(scene):
    truth = read_truth(scene, TruthFormat.ROADS, source="scene", part="val")
    assert_it_is_the_scene(truth.frames)
    assert [(one.group, one.place) for one in truth.frames] == [("north", "n1"), ("north", "n2"), ("south", "s1")]
    assert truth.notes == ()


def test_voc_has_no_streets_and_says_so(scene):
    truth = read_truth(scene, TruthFormat.VOC)
    assert_it_is_the_scene(truth.frames)
    assert len({one.group for one in truth.frames}) == 3
    assert "no groups were given" in truth.notes[0]


def test_groups_may_come_from_a_file_of_their_own(scene):
    truth = read_truth(scene, TruthFormat.VOC, groups=scene / "splits.csv")
    assert [one.group for one in truth.frames] == ["north", "north", "south"]
    (scene / "some.csv").write_text("image,group\nimages/1.png,north\n")
    with pytest.raises(DataError, match="no row for 2 of 3 frames"):
        read_truth(scene, TruthFormat.VOC, groups=scene / "some.csv")


def test_coco_and_yolo_are_the_same_scene(scene, tmp_path):
    frames = [one.annotated for one in read_truth(scene, TruthFormat.VOC).frames]
    write_coco(scene / "truth.json", frames, scene / "images")
    assert_it_is_the_scene(read_truth(scene, TruthFormat.COCO).frames)
    assert_it_is_the_scene(read_truth(scene / "truth.json", TruthFormat.COCO).frames)
    (scene / "labels").mkdir()
    types = sorted({one for frame in frames for one in frame.types})
    (scene / "classes.txt").write_text("".join(f"{to_rdd(one)}\n" for one in types))
    for frame in frames:
        shares = frame.boxes_xyxy.astype(float) / 200
        lines = [
            f"{types.index(one)} {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}\n"
            for one, (x1, y1, x2, y2) in zip(frame.types, shares.tolist(), strict=True)
        ]
        (scene / "labels" / f"{frame.path.stem}.txt").write_text("".join(lines))
    truth = read_truth(scene, TruthFormat.YOLO)
    for one, drawn in zip(truth.frames, SCENE, strict=True):
        assert np.allclose(one.annotated.boxes_xyxy, drawn.true_boxes, atol=1e-3)
        assert one.annotated.types == drawn.true_types


def test_nothing_to_read_is_an_error(tmp_path):
    (tmp_path / "classes.txt").write_text("pothole\n")
    for form in TruthFormat:
        with pytest.raises(DataError):
            read_truth(tmp_path, form, source="a", part="val")
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(DataError, match="not one of 1 pictures has a label file"):
        read_truth(tmp_path, TruthFormat.YOLO)


def test_detections_meet_the_frames_whatever_folder_they_were_run_on(scene, tmp_path):
    truth = read_truth(scene, TruthFormat.ROADS, source="scene", part="val").frames
    for prefix in ("", "scene/", "deep/in/scene/"):
        write_parquet(tmp_path / "detections.parquet", {f"{prefix}{one.name}": one.seen for one in SCENE})
        frames = join(truth, read_job(tmp_path / "detections.parquet").seen)
        for one, drawn in zip(frames, SCENE, strict=True):
            assert one.seen.boxes_xyxy.tolist() == drawn.seen.boxes_xyxy.tolist()
            assert one.seen.types == drawn.seen.types
            assert one.group == drawn.group


def test_a_type_that_was_not_said_is_an_abstention_and_a_strange_one_an_error(tmp_path):
    place = tmp_path / "detections.parquet"
    rows = {"frame": ["a"] * 3, "type": ["pothole", "unknown", None], "score": [0.2, 0.9, 0.5]}
    edges = {"x1": [0.0] * 3, "y1": [0.0] * 3, "x2": [4.0] * 3, "y2": [4.0] * 3}
    pq.write_table(pa.table(rows | edges), place)
    assert read_detections(place)["a"].types == (None, None, P)
    pq.write_table(pa.table(rows | edges | {"type": ["pothole", "pot", "x"]}), place)
    with pytest.raises(DataError, match="unknown distress type"):
        read_detections(place)
    pq.write_table(pa.table({"frame": ["a"]}), place)
    with pytest.raises(DataError, match=r"not a detections\.parquet"):
        read_detections(place)


def test_frames_that_nobody_looked_at_are_not_called_clean(scene, tmp_path):
    truth = read_truth(scene, TruthFormat.ROADS, source="scene", part="val").frames
    write_parquet(tmp_path / "detections.parquet", {SCENE[0].name: SCENE[0].seen})
    job = read_job(tmp_path / "detections.parquet")
    assert "pass for looked at and clean" in job.notes[0]
    assert [len(one.seen) for one in join(truth, job.seen)] == [5, 0, 0]
    outcomes = pa.table({"frame": [one.name for one in SCENE[:2]], "outcome": ["detected", "unreadable:truncated"]})
    pq.write_table(outcomes, tmp_path / "frames.parquet")
    job = read_job(tmp_path / "detections.parquet")
    assert job.notes == ("1 frames of the job were unreadable or of poor quality: nothing was seen in them",)
    with pytest.raises(DataError, match=r"1 of 3 true frames were never looked at, such as 'images/3.png'"):
        join(truth, job.seen, complete=job.complete)


def test_several_tables_are_one_job_when_no_frame_stands_twice(tmp_path):
    first = write_parquet(tmp_path / "a.parquet", {SCENE[0].name: SCENE[0].seen})
    second = write_parquet(tmp_path / "b.parquet", {SCENE[1].name: SCENE[1].seen})
    job = read_jobs([first, second])
    assert list(job.seen) == [SCENE[0].name, SCENE[1].name]
    assert len(job.notes) == 1
    with pytest.raises(DataError, match=r"'images/1.png' stands in another table too"):
        read_jobs([first, second, first])
    assert models_of(first) == ()


def test_names_that_fit_nothing_or_two_frames_are_refused(scene):
    truth = read_truth(scene, TruthFormat.VOC).frames
    some = seen((0, 0, 4, 4, A, 0.5))
    with pytest.raises(DataError, match="no detection lies in a frame of the truth"):
        join(truth, {"elsewhere/9.png": some})
    with pytest.raises(DataError, match="fits more than one frame"):
        join(truth, {"x/images/1.png": some, "y/images/1.png": some})


def test_a_model_is_heard_below_its_thresholds_and_judged_at_them(tmp_path, street):
    pictures = sorted((street / "frames").iterdir())[10:22]
    folder = tmp_path / "some"
    for one in pictures:
        (folder / "images").mkdir(parents=True, exist_ok=True)
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "images" / one.name).write_bytes(one.read_bytes())
        (folder / "labels" / f"{one.stem}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (folder / "classes.txt").write_text(f"{L}\n")
    frames, thresholds = look(shipped_model(), read_truth(folder, TruthFormat.YOLO).frames, threads=1)
    shipped = load_detector(shipped_model(), threads=1)
    assert thresholds == shipped.card.thresholds
    assert sum(len(one.seen) for one in frames) > sum(len(one.at(thresholds).seen) for one in frames) > 0
    for one, picture in zip(frames, pictures, strict=True):
        alone = shipped.detect([cv2.imread(str(picture))])[0]
        assert one.at(thresholds).seen.types == alone.types
        assert np.allclose(one.at(thresholds).seen.scores, alone.scores, atol=1e-5)
    with pytest.raises(ModelError, match="only ONNX"):
        look(tmp_path / "a.pt", ())
