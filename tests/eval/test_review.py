"""Frames go out to people and their corrections come back, over the tables and pictures of a real batch job."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from roadwarden.cli import app
from roadwarden.data.coco import read_coco
from roadwarden.data.corrections import TYPED, Verdict, read_corrections
from roadwarden.data.review import Why
from roadwarden.data.review_manifest import Manifest, Predicted, read_manifest
from roadwarden.data.splits import annotated, read_splits
from roadwarden.errors import ConfigError, DataError
from roadwarden.eval.review_check import Looked
from roadwarden.eval.review_corrections import agreements, corrections_of
from roadwarden.eval.review_store import chosen, merge
from roadwarden.eval.truth import TruthFormat, read_truth
from roadwarden.taxonomy import TRAINED_TYPES, DistressType
from tests.conftest import jpeg, textured

HOLE, PATCH, ALLIGATOR = DistressType.POTHOLE, DistressType.PATCH, DistressType.ALLIGATOR_CRACK
NOT_BLIND = "budget: 16\nspacing_m: 0\naudit_blind: false\n"


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def survey(street: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The street with two frames that the quality gate keeps back and one that nobody can read."""
    root = tmp_path_factory.mktemp("survey")
    shutil.copytree(street / "frames", root / "frames")
    shutil.copy(street / "track.csv", root)
    for number in range(2):
        (root / "frames" / f"dark{number}.jpg").write_bytes(jpeg((textured(number) * 0.1).astype(np.uint8)))
    (root / "frames" / "gone.jpg").write_bytes(b"")
    return root


@pytest.fixture(scope="module")
def job(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("job")
    run("detect", survey, "--out", out, "--workers", "1", "-q")
    return out


@pytest.fixture(scope="module")
def given_out(survey: Path, job: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A review that shows the model's boxes in every frame, so that each of them can come back."""
    root = tmp_path_factory.mktemp("review")
    (root / "settings.yaml").write_text(NOT_BLIND)
    run("review", "export", job, "--archive", survey, "--out", root / "review", "--settings", root / "settings.yaml")
    return root / "review"


@pytest.fixture
def review(given_out: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(given_out, tmp_path / "review"))


def accepted(review: Path, *, who: object = 3, edit: Callable[[dict], None] | None = None) -> list[dict]:
    """What Label Studio exports when someone accepts every proposal, after ``edit`` of each task."""
    tasks = json.loads((review / "tasks.json").read_text())
    for number, task in enumerate(tasks, 1):
        results = copy.deepcopy(task["predictions"][0]["result"]) if "predictions" in task else []
        for result in results:
            result["origin"] = "prediction"
        task |= {"id": number, "annotations": [{"id": 1000 + number, "completed_by": who, "was_cancelled": False,
                 "ground_truth": False, "updated_at": "2026-03-05T10:00:00.123456Z", "result": results}]}  # fmt: skip
        if edit:
            edit(task)
    return tasks


def bring_back(review: Path, export: object, *options: object) -> dict:
    place = review.parent / "export.json"
    place.write_text(json.dumps(export))
    return json.loads(run("review", "import", place, "--review", review, "--json", *options))


def rows(review: Path):
    return read_corrections(review / "imported" / "corrections.jsonl")


def with_boxes(manifest: Manifest, why: Why | None = None):
    return next(one for one in manifest.frames if one.predicted and why in {None, one.why})


# out


def test_a_review_says_why_each_frame_was_chosen(given_out, job):
    manifest = read_manifest(given_out)
    frames = {row["frame"]: row for row in pq.read_table(job / "frames.parquet").to_pylist()}
    assert len({one.why for one in manifest.frames}) >= 2
    assert sum(one.audit for one in manifest.frames) == 6
    assert sum(not one.judged for one in manifest.frames) == 1
    assert manifest.pool == {"judged": 24, "unjudged": 2, "unreadable": 1}
    for one in manifest.frames:
        assert one.reasons
        assert one.sha256 == frames[one.frame]["sha256"]
        assert one.captured_at == frames[one.frame]["captured_at"]
        assert one.model == frames[one.frame]["model"]


def test_pictures_are_blurred_copies_of_the_same_size(given_out, survey):
    for one in read_manifest(given_out).frames:
        picture = cv2.imread(str(given_out / "pictures" / one.picture))
        assert picture.shape[:2] == (one.height, one.width)
        assert (given_out / "pictures" / one.picture).read_bytes() != (survey / one.frame).read_bytes()


def test_an_audit_is_blind_unless_told(survey, job, tmp_path):
    run("review", "export", job, "--archive", survey, "--out", tmp_path / "review", "--budget", 12)
    manifest = read_manifest(tmp_path / "review")
    audited = {one.frame for one in manifest.frames if one.audit}
    tasks = json.loads((tmp_path / "review" / "tasks.json").read_text())
    assert any(one.audit and one.predicted for one in manifest.frames)
    assert not any("predictions" in task for task in tasks if task["data"]["frame"] in audited)
    assert all("predictions" in task for task in tasks if task["data"]["frame"] not in audited)
    coco = read_coco(tmp_path / "review" / "annotations.json", tmp_path / "review" / "pictures")
    boxes = {one.path.name: len(one.types) for one in coco}
    assert all((boxes[one.picture] == 0) == (one.audit or not one.predicted) for one in manifest.frames)


def test_the_same_command_gives_the_same_review_and_another_is_refused(given_out, survey, job):
    before = {place.name: place.read_bytes() for place in given_out.rglob("*") if place.is_file()}
    arguments = ("review", "export", job, "--archive", survey, "--out", given_out)
    run(*arguments, "--settings", given_out.parent / "settings.yaml")
    assert {place.name: place.read_bytes() for place in given_out.rglob("*") if place.is_file()} == before
    with pytest.raises(ConfigError, match="holds another review"):
        run(*arguments, "--seed", 5)


def test_tables_of_another_model_are_refused(survey, job, tmp_path):
    table = pq.read_table(job / "frames.parquet")
    other = tmp_path / "job"
    shutil.copytree(job, other)
    column = table.schema.get_field_index("model")
    pq.write_table(table.set_column(column, "model", [["other@000000000000"] * len(table)]), other / "frames.parquet")
    with pytest.raises(ConfigError, match="made by other@000000000000; give that very file with --model"):
        run("review", "export", other, "--archive", survey, "--out", tmp_path / "review")


def test_a_picture_that_changed_since_is_left_out_and_told(survey, job, tmp_path):
    changed = Path(shutil.copytree(survey, tmp_path / "survey"))
    (tmp_path / "s.yaml").write_text(NOT_BLIND)
    victims = sorted((changed / "frames").glob("0000*.jpg"))
    for place in victims[::2]:
        place.write_bytes(place.read_bytes() + b"\0")
    run("review", "export", job, "--archive", changed, "--out", tmp_path / "review", "--settings", tmp_path / "s.yaml")
    manifest = read_manifest(tmp_path / "review")
    assert {one.fault for one in manifest.left_out} == {"the picture has changed since the tables were made"}
    assert {one.frame for one in manifest.left_out} <= {f"frames/{place.name}" for place in victims[::2]}
    for place in (changed / "frames").iterdir():
        place.write_bytes(place.read_bytes() + b"\0")
    with pytest.raises(DataError, match="is --archive the one of the tables"):
        run("review", "export", job, "--archive", changed, "--out", tmp_path / "second")


# back


def test_boxes_come_back_where_they_were(review):
    done = bring_back(review, accepted(review))
    manifest = read_manifest(review)
    assert done["frames"] == len(manifest.frames)
    truth = {one.path.name: one for one in (one.annotated for one in read_truth(review / "imported" / "truth",
             TruthFormat.VOC).frames)}  # fmt: skip
    yolo = {one.annotated.path.name: one.annotated for one in read_truth(review / "imported" / "truth",
            TruthFormat.YOLO).frames}  # fmt: skip
    boxes = 0
    for one in manifest.frames:
        said = np.array([box.box_xyxy for box in one.predicted], np.float32).reshape(-1, 4)
        for found in (truth[one.picture], yolo[one.picture]):
            assert found.types == tuple(box.type for box in one.predicted)
            assert np.abs(found.boxes_xyxy - said).max(initial=0) < 0.5
        boxes += len(said)
    assert boxes >= 3
    assert {row.verdict for row in rows(review)} == {Verdict.CONFIRMED}
    assert len(rows(review)) == boxes


def test_what_people_change_is_told_apart(review):
    """One box is retyped, one removed, one drawn where nothing was seen."""
    manifest = read_manifest(review)
    one = with_boxes(manifest)
    wrong = next(distress for distress in TRAINED_TYPES if distress is not one.predicted[0].type)

    def edit(task: dict) -> None:
        if task["data"]["frame"] == one.frame:
            results = task["annotations"][0]["result"]
            results[0]["value"]["rectanglelabels"] = [str(wrong)]
            del results[1:]
            new = copy.deepcopy(results[0])
            new["value"] |= {"x": 0.5, "y": 0.5, "width": 3.0, "height": 4.0, "rectanglelabels": ["patch"]}
            results.append(new)

    bring_back(review, accepted(review, edit=edit))
    found = [row for row in rows(review) if row.frame == one.frame]
    assert [(row.verdict, row.corrected) for row in found[:2]] == [(Verdict.RETYPED, wrong), (Verdict.MISSED, PATCH)]
    assert found[0].predicted is one.predicted[0].type
    assert found[0].audit is one.audit
    assert found[0].model == one.model
    assert found[0].captured_at == one.captured_at
    assert found[0].corrected_at == datetime(2026, 3, 5, 10, 0, 0, 123456, UTC)
    assert found[1].box_xyxy == pytest.approx((0.005 * 1280, 0.005 * 720, 0.035 * 1280, 0.045 * 720), abs=0.01)
    assert all(row.verdict is Verdict.REJECTED for row in found[2:])


def test_a_frame_without_a_box_says_that_nothing_is_there(review):
    one = with_boxes(read_manifest(review))

    def clear(task: dict) -> None:
        if task["data"]["frame"] == one.frame:
            task["annotations"][0]["result"] = []

    bring_back(review, accepted(review, edit=clear))
    found = [row for row in rows(review) if row.frame == one.frame]
    assert [row.verdict for row in found] == [Verdict.REJECTED] * len(one.predicted)
    assert [row.predicted for row in found] == [box.type for box in one.predicted]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(place.relative_to(folder)): place.read_bytes() for place in folder.rglob("*") if place.is_file()}


def test_importing_again_changes_no_byte(review):
    bring_back(review, accepted(review))
    before = snapshot(review / "imported")
    bring_back(review, accepted(review))
    assert snapshot(review / "imported") == before


def test_a_later_export_adds_to_an_earlier_one(review):
    half = accepted(review)
    for task in half[::2]:
        task["annotations"] = []
    first = bring_back(review, half)
    assert first["untouched"] == len(half[::2])
    other = accepted(review)
    for task in other[1::2]:
        task["annotations"] = []
    second = bring_back(review, other)
    assert second["taken"] == len(half[::2])
    assert second["frames"] == len(half)


def test_an_older_export_does_not_undo_a_newer_one(review):
    one = with_boxes(read_manifest(review))

    def retype(task: dict) -> None:
        task["annotations"][0]["updated_at"] = "2026-03-06T10:00:00Z"
        for result in task["annotations"][0]["result"]:
            result["value"]["rectanglelabels"] = ["patch"]

    bring_back(review, accepted(review, edit=retype))
    bring_back(review, accepted(review))
    assert {row.corrected for row in rows(review) if row.frame == one.frame} == {PATCH}


def test_labels_in_any_language_are_understood(review):
    words = {"pothole": "坑槽", "patch": "Patch", "longitudinal_crack": "纵向裂缝"}

    def translate(task: dict) -> None:
        for result in task["annotations"][0]["result"]:
            label = result["value"]["rectanglelabels"][0]
            result["value"]["rectanglelabels"] = [words.get(label, label)]

    bring_back(review, accepted(review, edit=translate))
    assert {row.verdict for row in rows(review)} == {Verdict.CONFIRMED}


def test_an_unknown_label_stops_the_import_and_names_the_nearest(review):
    def misspell(task: dict) -> None:
        for result in task["annotations"][0]["result"]:
            result["value"]["rectanglelabels"] = ["pot hole"]

    with pytest.raises(DataError, match=r"'pot hole' \(did you mean 'pothole'\?\).*Nothing was imported"):
        bring_back(review, accepted(review, edit=misspell))
    assert not (review / "imported").exists()


def refused(review: Path) -> list[dict]:
    return [json.loads(line) for line in (review / "imported" / "refused.jsonl").read_text().splitlines()]


def test_a_box_that_leaves_the_picture_is_clipped_and_counted(review):
    one = with_boxes(read_manifest(review))

    def push(task: dict) -> None:
        if task["data"]["frame"] == one.frame:
            results = task["annotations"][0]["result"]
            del results[1:]
            results[0]["value"] |= {"x": 90.0, "y": -5.0, "width": 20.0, "height": 15.0}
            away = copy.deepcopy(results[0])
            away["value"] |= {"x": 101.0}
            results.append(away)

    done = bring_back(review, accepted(review, edit=push))
    assert (done["clipped"], done["refused"]) == (1, 1)
    box = next(row.box_xyxy for row in rows(review) if row.frame == one.frame and row.verdict is not Verdict.REJECTED)
    assert box == pytest.approx((1152, 0, 1280, 72), abs=0.01)
    assert "less than 1 pixel" in refused(review)[0]["why"]
    assert json.loads(refused(review)[0]["row"])[0] == str(one.predicted[0].type)


STRANGE = {
    "no labelled box": lambda result: result.update(type="polygonlabels"),
    "needs one label": lambda result: result["value"].update(rectanglelabels=["patch", "pothole"]),
    "was turned while": lambda result: result.update(image_rotation=90),
    "no number for 'width'": lambda result: result["value"].pop("width"),
    "not a finite number": lambda result: result["value"].update(x=float("nan")),
}


@pytest.mark.parametrize("words", STRANGE)
def test_a_result_that_is_no_box_is_refused_and_kept_on_file(review, words):
    spoilt = accepted(review)
    task = next(task for task in spoilt if task["annotations"][0]["result"])
    before = len(task["annotations"][0]["result"])
    STRANGE[words](task["annotations"][0]["result"][0])
    done = bring_back(review, spoilt)
    assert done["refused"] == 1
    assert words in refused(review)[0]["why"]
    assert json.loads(refused(review)[0]["row"])["id"] == task["annotations"][0]["result"][0]["id"]
    frame = task["data"]["frame"]
    drawn = [row for row in rows(review) if row.frame == frame and row.verdict is not Verdict.REJECTED]
    assert len(drawn) == before - 1


def test_boxes_drawn_backwards_or_turned_are_upright_boxes(review):
    one = with_boxes(read_manifest(review))

    def draw(task: dict) -> None:
        if task["data"]["frame"] == one.frame:
            results = task["annotations"][0]["result"]
            del results[1:]
            turned = copy.deepcopy(results[0])
            results[0]["value"] |= {"x": 30.0, "y": 40.0, "width": -10.0, "height": -20.0}
            turned["value"] |= {"x": 50.0, "y": 50.0, "width": 10.0, "height": 10.0, "rotation": 90}
            results.append(turned)

    assert bring_back(review, accepted(review, edit=draw))["turned"] == 1
    backwards, turned = (row.box_xyxy for row in rows(review)
                         if row.frame == one.frame and row.verdict is not Verdict.REJECTED)  # fmt: skip
    assert backwards == pytest.approx((256, 144, 384, 288), abs=0.01)
    # 10 % is 128 px across and 72 px down; a quarter turn clockwise about (640, 360) lays it to the left
    assert turned == pytest.approx((568, 360, 640, 488), abs=0.01)


def test_tasks_of_another_review_or_of_nobody_are_refused(review):
    spoilt = accepted(review)
    spoilt[0]["data"]["review"] = "000000000000"
    spoilt[1]["data"] |= {"frame": "frames/elsewhere.jpg", "image": "/data/elsewhere.jpg"}
    spoilt[2]["data"]["picture_sha256"] = "0" * 64
    shown = next(task for task in spoilt[3:] if task["annotations"][0]["result"])
    shown["annotations"][0]["result"][0]["original_width"] = 640
    done = bring_back(review, spoilt)
    why = " | ".join(row["why"] for row in refused(review))
    assert done["refused"] == 4
    for words in ("belongs to review 000000000000", "not in the manifest", "another version of the picture",
                  "the tool saw 640 x 720"):  # fmt: skip
        assert words in why


def test_a_picture_that_changed_after_it_was_given_out_is_refused(review):
    manifest = read_manifest(review)
    first, second = manifest.frames[:2]
    (review / "pictures" / first.picture).write_bytes(jpeg(textured(1)))
    (review / "pictures" / second.picture).unlink()
    assert bring_back(review, accepted(review))["refused"] == 2
    assert "no longer the picture" in refused(review)[0]["why"]
    assert "is gone" in refused(review)[1]["why"]


def test_skipped_tasks_are_counted_and_withdrawn(review):
    bring_back(review, accepted(review))
    skipped = accepted(review)
    for task in skipped[:3]:
        task["annotations"][0]["was_cancelled"] = True
    done = bring_back(review, skipped)
    assert done["cancelled"] == 3
    assert done["frames"] == len(skipped) - 3


def test_pictures_uploaded_by_hand_are_known_by_their_names(review):
    """Without tasks.json Label Studio keeps only the picture's name, behind a prefix of its own."""

    def upload(task: dict) -> None:
        task["data"] = {"image": f"/data/upload/1/0f6142fb-{task['data']['image'].rpartition('/')[2]}"}

    assert bring_back(review, accepted(review, edit=upload))["frames"] == len(read_manifest(review).frames)


def test_other_exports_of_label_studio_are_refused_with_advice(review):
    with pytest.raises(DataError, match="choose 'JSON' and not 'JSON-MIN'"):
        bring_back(review, [{"id": 1, "image": "x.jpg", "distress": [{"x": 1}]}])
    with pytest.raises(DataError, match="not a COCO annotation file"):
        bring_back(review, {"info": {}})


def test_coco_comes_back_too(review):
    manifest = read_manifest(review)
    content = json.loads((review / "annotations.json").read_text())
    done = bring_back(review, content, "--annotator", "cvat")
    shown = [one for one in manifest.frames if one.predicted]
    assert done["frames"] == len(shown)
    assert done["untouched"] == len(manifest.frames) - len(shown)
    assert {row.verdict for row in rows(review)} == {Verdict.CONFIRMED}
    assert bring_back(review, content, "--empty-is-reviewed")["frames"] == len(manifest.frames)


# people


def test_a_person_is_a_keyed_hash_and_never_an_address(review):
    who = {"id": 17, "email": "someone@example.org", "first_name": "Meiling-Ann", "last_name": "Liangshan"}
    bring_back(review, accepted(review, who=who))
    names = {row.annotator for row in rows(review)}
    assert len(names) == 1
    assert len(names.pop()) == 12
    written = b"".join(snapshot(review / "imported").values())
    assert b"someone@example.org" not in written
    assert b"Meiling-Ann" not in written  # long enough that no picture holds its bytes by chance
    assert b"Liangshan" not in written
    (review / "annotator.salt").write_text("another key\n")
    bring_back(review, accepted(review, who=who), "--out", review / "second")
    other = {row.annotator for row in read_corrections(review / "second" / "corrections.jsonl")}
    assert other != {row.annotator for row in rows(review)}
    bring_back(review, accepted(review, who=who), "--out", review / "third", "--annotators", "as-given")
    assert {row.annotator for row in read_corrections(review / "third" / "corrections.jsonl")} == {"17"}


def test_two_people_are_both_kept_and_one_counts(review):
    both = accepted(review, who=3)
    one = with_boxes(read_manifest(review))
    for task in both:
        second = copy.deepcopy(task["annotations"][0]) | {"id": task["id"] + 5000, "completed_by": 4}
        for result in second["result"]:
            result["value"]["rectanglelabels"] = ["patch"]
        task["annotations"].append(second)
        task["annotations"][0]["ground_truth"] = task["data"]["frame"] == one.frame
    done = bring_back(review, both)
    assert done["passes"] == 2 * done["frames"]
    by_person = {row.annotator: row.chosen for row in rows(review) if row.frame == one.frame}
    assert sorted(by_person.values()) == [False, True]
    counted = [row for row in rows(review) if row.frame == one.frame and row.chosen]
    assert {row.verdict for row in counted} == {Verdict.CONFIRMED}  # the one marked as ground truth
    assert {row["type"] for row in done["agreements"]} >= {"patch"}


def look(annotation: str, *types: DistressType, frame: str = "a", shift: float = 0.0, **more: object) -> Looked:
    boxes = tuple((100.0 * n + shift, 0.0, 100.0 * n + 80 + shift, 80.0) for n in range(len(types)))
    values = {"annotator": f"person {annotation}", "updated_at": None, "ground_truth": False, **more}
    return Looked(frame=frame, annotation=annotation, boxes=boxes, types=types, **values)


def test_an_accepted_box_inside_a_larger_one_of_another_type_was_not_retyped(given_out):
    """Both cover it whole; drawn anew, well inside both, it is anyone's, as in the evaluator."""
    manifest = read_manifest(given_out)
    proposed = ((100.0, 100.0, 500.0, 400.0), ALLIGATOR), ((200.0, 200.0, 260.0, 250.0), HOLE)
    boxes = tuple(Predicted(box_xyxy=box, type=one, score=0.6) for box, one in proposed)
    first = manifest.frames[0].model_copy(update={"predicted": boxes})
    changed = manifest.model_copy(update={"frames": (first, *manifest.frames[1:])})
    values = {"frame": first.frame, "annotator": "a", "updated_at": None, "ground_truth": False}
    left = Looked(annotation="1", boxes=tuple(box for box, _ in proposed), types=(ALLIGATOR, HOLE), **values)
    anew = Looked(annotation="2", boxes=((205.0, 205.0, 240.0, 240.0),), types=(HOLE,), **values)
    assert [row.verdict for row in corrections_of([left], changed)] == [Verdict.CONFIRMED] * 2
    row = corrections_of([anew], changed)[0]
    assert (row.verdict, row.predicted) == (Verdict.RETYPED, None)


def test_kappa_by_hand():
    """Ten boxes: both holes 4, both patches 3, hole/patch 2, patch/hole 1: (0.7 - 0.5) / (1 - 0.5)."""
    first = look("1", *[HOLE] * 6, *[PATCH] * 4)
    second = look("2", *[HOLE] * 4, *[PATCH] * 2, *[PATCH] * 3, HOLE, shift=5.0)
    found = {one.type: one for one in agreements([first, second])}
    hole = found[HOLE]
    assert (hole.both, hole.one_only, hole.neither) == (4, 3, 3)
    assert hole.kappa == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert found[PATCH].kappa == pytest.approx(hole.kappa)


def test_a_box_only_one_person_drew_counts_against_agreement():
    found = agreements([look("1", HOLE, PATCH), look("2", HOLE)])
    assert {one.type: (one.both, one.one_only) for one in found} == {HOLE: (1, 0), PATCH: (0, 1)}
    assert agreements([look("1", HOLE), look("1", PATCH, frame="b")]) == []
    assert agreements([look("1", HOLE), look("2", HOLE, annotator="person 1")]) == []


def test_the_latest_pass_counts_unless_one_is_marked():
    old, new = (look(str(n), HOLE, updated_at=datetime(2026, 3, n, tzinfo=UTC)) for n in (1, 2))
    marked = look("0", HOLE, ground_truth=True)
    assert chosen([old, new]) == {("a", "2")}
    assert chosen([old, new, marked]) == {("a", "0")}
    assert merge([new], [old], [("a", "2")], ["a"]) == [old]


# what becomes of it


def test_audited_frames_are_never_in_train(review):
    bring_back(review, accepted(review))
    manifest = {one.picture: one for one in read_manifest(review).frames}
    truth = review / "imported" / "truth"
    splits = read_splits(truth)
    assert len(splits) == len(manifest)
    for row in splits:
        one = manifest[Path(row.image).name]
        assert row.part == ("train" if not one.audit else "audit" if one.judged else "audit_unjudged")
        assert row.group
        assert annotated(truth, row).width == one.width
    audited = read_truth(truth, TruthFormat.ROADS, source="review", part="audit")
    assert len(audited.frames) == sum(one.audit and one.judged for one in manifest.values())


def test_an_audited_frame_the_detector_never_saw_is_no_typed_box(review):
    one = next(one for one in read_manifest(review).frames if not one.judged)

    def draw(task: dict) -> None:
        if task["data"]["frame"] == one.frame:
            task["annotations"][0]["result"] = [
                {"id": "x", "type": "rectanglelabels", "from_name": "distress", "to_name": "picture",
                 "original_width": one.width, "original_height": one.height, "image_rotation": 0,
                 "value": {"x": 10, "y": 10, "width": 30, "height": 30, "rotation": 0, "rectanglelabels": ["pothole"]}}
            ]  # fmt: skip

    bring_back(review, accepted(review, edit=draw))
    (row,) = (row for row in rows(review) if row.frame == one.frame)
    assert (row.verdict, row.audit) == (Verdict.MISSED, True)
    assert row.verdict not in TYPED


def test_the_evaluator_counts_what_the_corrections_say(review):
    """Two ways to one figure over boxes drawn anew: eval types, and confirmed over confirmed and retyped."""
    calls = iter(range(100))

    def retype_every_third(task: dict) -> None:
        for result in task["annotations"][0]["result"]:
            result["value"] |= {side: 0.8 * result["value"][side] for side in ("width", "height")}
            if next(calls) % 3 == 0:
                label = result["value"]["rectanglelabels"][0]
                result["value"]["rectanglelabels"] = ["patch" if label != "patch" else "pothole"]

    bring_back(review, accepted(review, edit=retype_every_third))
    truth = review / "imported" / "truth"
    command = ("--truth", truth, "--source", "review", "--detections", truth / "seen" / "detections.parquet")
    report = json.loads(run("eval", "types", *command, "--part", "audit", "--part", "train", "--json"))
    said = [row.verdict for row in rows(review) if row.verdict in TYPED]
    assert report["coverage"]["type_accuracy"]["value"] == pytest.approx(said.count(Verdict.CONFIRMED) / len(said))
    assert 0 < said.count(Verdict.CONFIRMED) < len(said)


def test_drift_reads_what_the_import_writes(review, job, tmp_path):
    """The sample drive lies in one week, which is reference and nothing else: the audit must show there."""
    bring_back(review, accepted(review))
    said = read_corrections(review / "imported" / "corrections.jsonl")
    audited = [row for row in said if row.audit and row.chosen and row.verdict in TYPED]
    later = Path(shutil.copytree(job, tmp_path / "later"))
    table = pq.read_table(later / "frames.parquet")
    moved = [time and time.replace(year=time.year + 1) for time in table["captured_at"].to_pylist()]
    column = table.schema.get_field_index("captured_at")
    pq.write_table(table.set_column(column, table.schema.field(column), [moved]), later / "frames.parquet")
    said_file = review / "imported" / "corrections.jsonl"
    command = [
        "eval",
        "drift",
        later,
        "--reference-job",
        moved_names(job, tmp_path),
        "--json",
        "--corrections",
        said_file,
    ]
    result = CliRunner().invoke(app, list(map(str, command)))
    assert result.exit_code == 5, result.output
    report = json.loads(result.stdout)
    assert report["weeks"][0]["trust"] == "TOO_LITTLE_DATA"
    assert report["reference_accuracy"]["n"] == len(audited) > 0
    assert report["reference_accuracy"]["share"] == 1.0


def moved_names(job: Path, tmp_path: Path) -> Path:
    """The job as the reference: frames of one name and content may not stand in two folders."""
    copy_ = Path(shutil.copytree(job, tmp_path / "reference"))
    for name in ("frames", "detections"):
        table = pq.read_table(copy_ / f"{name}.parquet")
        renamed = [f"last year/{frame}" for frame in table["frame"].to_pylist()]
        column = table.schema.get_field_index("frame")
        pq.write_table(table.set_column(column, "frame", [renamed]), copy_ / f"{name}.parquet")
    return copy_
