"""Archives whose frames carry metres in their names: the runs, what is wrong with them, the map."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from roadwarden.cli import app
from roadwarden.data.chainage import NamedPlace, place_in_name, places_in_names
from roadwarden.data.synthetic import Camera, Visit, scene_of, street_for
from roadwarden.defects.strip import Direction, Fault, Run, Sight, StripFrame, run_of
from roadwarden.defects.strip_defects import Across, StripDefect, StripDefects, on_road
from roadwarden.defects.strip_layout import METRES, lay_out, stake
from roadwarden.errors import ConfigError, DataError
from roadwarden.geo.camera import CameraModel, Lens, Measured, Mounting
from roadwarden.geo.camera_file import camera_yaml
from roadwarden.inference.strip_read import read_strip_job
from roadwarden.inference.tables import DETECTION_COLUMNS, FRAME_COLUMNS, schema_of
from roadwarden.taxonomy import DistressType

RUN = "RS_386_386RS124739"
CAMERA = CameraModel(
    "front",
    Lens(1024, 640, Measured(900.0, 5.0), Measured(512.0), Measured(320.0)),
    Mounting(Measured(2.0, 0.02), Measured(18.0, 0.2), Measured(0.0, 0.2), Measured(0.0, 0.2)),
)
Thing = tuple[DistressType, float, float, float, float]
"""Type, chainage of its middle, metres left of the chainage, length, width."""


def name_of(serial: int, metres: int) -> str:
    return f"{serial}_{RUN}_{metres:05d}.jpg"


def frames_at(*metres: float) -> list[StripFrame]:
    return [StripFrame(f"{order}.jpg", at, order, Sight.CLEAN) for order, at in enumerate(metres)]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("1014583_RS_386_386RS124739_29840.jpg", NamedPlace(RUN, 29840)),
        ("brazil/images/941801_RS_290_290RS070691_01911.jpg", NamedPlace("brazil/images/RS_290_290RS070691", 1911)),
        ("G2_K29+840.jpg", NamedPlace("G2", 29840)),
        ("day 1/G104 k7+005.5_left.png", NamedPlace("day 1/G104", 7005.5)),
        ("000123.jpg", None),
        ("IMG_0001.jpg", NamedPlace("IMG", 1)),
        ("29840.jpg", None),
    ],
)
def test_metres_in_a_name(name, place):
    assert place_in_name(name) == place


def test_counted_frames_are_not_taken_for_metres():
    with pytest.raises(DataError, match="counted frames"):
        places_in_names([f"IMG_{number:04d}.jpg" for number in range(20)])


def test_an_archive_without_metres_is_refused_with_what_to_do():
    with pytest.raises(DataError, match="--pattern"):
        places_in_names(["a.jpg", "b.jpg"])


def test_other_forms_are_told_as_a_pattern():
    found = places_in_names(["cam2-00120m-A.jpg", "cam2-00130m-A.jpg", "odd.jpg"], r"(?P<run>\w+)-(?P<m>\d+)m-\w")
    assert found.places["cam2-00130m-A.jpg"] == NamedPlace("cam2", 130)
    assert found.without == ("odd.jpg",)
    with pytest.raises(ConfigError, match="no group"):
        places_in_names(["a_1.jpg"], r"\w+_\d+")
    with pytest.raises(ConfigError, match="no regular expression"):
        places_in_names(["a_1.jpg"], "(")


def test_a_run_with_gaps_doubles_and_a_frame_out_of_order():
    run = run_of(RUN, frames_at(100, 105, 110, 110, 130, 135, 125, 140, 145))
    assert run.direction is Direction.UP
    assert run.step_m == 5
    assert [frame.chainage_m for frame in run.frames] == [100, 105, 110, 110, 125, 130, 135, 140, 145]
    assert [(one.fault, one.from_m, one.to_m) for one in run.findings] == [
        (Fault.GAP, 110, 125),
        (Fault.SAME_METRE, 110, 110),
        (Fault.AGAINST, 125, 135),
    ]
    assert run.gap_m == 10


def test_a_drive_down_the_chainage_is_no_fault():
    run = run_of(RUN, frames_at(*range(200, 99, -5)))
    assert run.direction is Direction.DOWN
    assert run.findings == ()
    assert (run.from_m, run.to_m) == (100, 200)


def test_one_frame_is_a_run():
    run = run_of(RUN, frames_at(100))
    assert (run.step_m, run.findings, run.gap_m) == (0, (), 0)
    assert len(lay_out(run, StripDefects(Across.METRES, (), {}), 3.5).rows) == 1


@given(st.lists(st.integers(0, 300), min_size=1, max_size=40))
def test_no_frame_is_lost_and_gaps_hold_none(metres):
    run = run_of(RUN, frames_at(*metres))
    assert sorted(frame.name for frame in run.frames) == sorted(f"{order}.jpg" for order in range(len(metres)))
    for gap in run.gaps:
        assert not [at for at in metres if gap.from_m < at < gap.to_m]
    assert run_of(RUN, reversed(run.frames)) == run


def seen_from(chainage: float, thing: Thing, direction: Direction) -> tuple[float, float, float, float] | None:
    """The box of a thing on the road in a frame taken there; None where it is not wholly shown."""
    _, middle, left, length, width = thing
    ahead, aside = (middle - chainage) * direction.sign, left * direction.sign
    corners = np.array([[ahead + a * length / 2, aside + b * width / 2] for a in (-1, 1) for b in (-1, 1)])
    pixels = CAMERA.pixels(corners)
    if ahead - length / 2 < 3 or not np.isfinite(pixels).all():
        return None
    x1, y1, x2, y2 = *pixels.min(axis=0), *pixels.max(axis=0)
    inside = x1 > 2 and y1 > 2 and x2 < 1022 and y2 < 638 and ahead < 25
    return (x1, y1, x2, y2) if inside else None


def write_job(folder: Path, metres: list[int], things: list[Thing], direction: Direction = Direction.UP) -> Path:
    """The tables of a batch job over frames at those metres, and one frame whose name says nothing."""
    frames, boxes = [], []
    for serial, at in enumerate(metres, 1000):
        seen = [(thing[0], box) for thing in things if (box := seen_from(at, thing, direction)) is not None]
        outcome = "poor_quality:dark" if at == 130 else "detected" if seen else "clean"
        frames.append({"frame": name_of(serial, at), "outcome": outcome, "width": 1024, "height": 640})
        for distress, box in seen if at != 130 else []:
            row = dict(zip(("x1", "y1", "x2", "y2"), box, strict=True))
            boxes.append({"frame": name_of(serial, at), "type": str(distress), "score": 0.7, **row})
    frames.append({"frame": "readme.jpg", "outcome": "unreadable:not_an_image"})
    folder.mkdir(parents=True)
    for table, rows, columns in (("frames", frames, FRAME_COLUMNS), ("detections", boxes, DETECTION_COLUMNS)):
        full = [{column.name: row.get(column.name) for column in columns} for row in rows]
        pq.write_table(pa.Table.from_pylist(full, schema=schema_of(columns)), folder / f"{table}.parquet")
    return folder


THINGS: list[Thing] = [
    (DistressType.POTHOLE, 120.0, 1.0, 0.6, 0.5),
    (DistressType.POTHOLE, 120.0, -1.2, 0.6, 0.5),
    (DistressType.PATCH, 172.0, -0.5, 2.0, 1.5),
]


@pytest.mark.parametrize("direction", list(Direction))
def test_one_thing_in_several_frames_is_one_mark_at_its_chainage_and_side(tmp_path, direction):
    metres = [*range(100, 150, 5), *range(165, 200, 5)]
    if direction is Direction.DOWN:
        metres.reverse()
    job = read_strip_job(write_job(tmp_path / "job", metres, THINGS, direction))
    (run,) = job.runs
    assert run.direction is direction
    assert job.without == ("readme.jpg",)
    found = on_road(run, job.seen, CAMERA).defects
    holes = [one for one in found if one.type is DistressType.POTHOLE]
    assert sorted((one.left_at + one.right_at) / 2 for one in holes) == pytest.approx([-1.2, 1.0], abs=0.15)
    assert [(one.from_m + one.to_m) / 2 for one in holes] == pytest.approx([120, 120], abs=0.4)
    assert all(one.looks >= 2 for one in holes)
    (patch,) = (one for one in found if one.type is DistressType.PATCH)
    assert (patch.from_m + patch.to_m) / 2 == pytest.approx(172, abs=0.5)
    assert patch.left_at - patch.right_at == pytest.approx(1.5, abs=0.3)


def test_frames_of_another_shape_are_counted_and_not_guessed(tmp_path):
    job = read_strip_job(write_job(tmp_path / "job", list(range(100, 130, 5)), THINGS))
    cropped = CameraModel("cropped", Lens.of_focal(1024, 500, Measured(900.0)), CAMERA.mounting)
    found = on_road(job.runs[0], job.seen, cropped)
    assert found.defects == ()
    assert found.refused == {"other_shape": sum(len(seen.detections) for seen in job.seen.values())}


def defect(from_m: float, to_m: float, left: float = 0.5) -> StripDefect:
    return StripDefect(DistressType.POTHOLE, from_m, to_m, left - 0.2, left + 0.2, 0.8, ("a.jpg", "b.jpg"))


def laid(metres: list[float], defects: list[StripDefect]) -> tuple[Run, list[object]]:
    run = run_of(RUN, frames_at(*metres))
    return run, list(lay_out(run, StripDefects(Across.METRES, tuple(defects), {}), 3.5).rows)


def test_a_row_by_hand():
    """200 m are 1000 units, 10.5 m across are 96: a metre is 5 along and 9.14 across."""
    _, rows = laid([400.0, 405, 410, 450, 455], [defect(420, 424)])
    (row,) = rows
    assert (row.from_m, row.to_m) == (400, 600)
    assert row.road == (0, 287.5)  # half a step beyond the last frame
    assert [tick.x for tick in row.ticks] == [0, 25, 50, 250, 275]
    assert [(gap.x1, gap.x2, gap.metres) for gap in row.gaps] == [(62.5, 237.5, 40)]
    (mark,) = row.marks
    assert (mark.x, mark.width) == (100, 20)
    assert (mark.y, mark.height) == pytest.approx((48 - 0.7 * 96 / 10.5, 0.4 * 96 / 10.5), abs=0.02)
    assert row.labels[1] == (100, "K0+420")


def test_a_crack_over_the_end_of_a_row_goes_on_in_the_next():
    _, rows = laid([float(at) for at in range(380, 431, 5)], [defect(395, 405)])
    pieces = [(row.from_m, mark.x, mark.width) for row in rows for mark in row.marks]
    assert pieces == [(200, 975, 25), (400, 0, 25)]
    assert {mark.number for row in rows for mark in row.marks} == {1}


@given(
    st.lists(st.integers(0, 900), min_size=1, max_size=12),
    st.lists(st.tuples(st.floats(0, 900), st.floats(0, 60), st.floats(-9, 9)), max_size=6),
)
def test_everything_is_drawn_inside_its_row(metres, things):
    run, rows = laid([float(at) for at in metres], [defect(at, at + length, left) for at, length, left in things])
    assert sum(len(row.ticks) for row in rows) == len(run.frames)
    assert {mark.number for row in rows for mark in row.marks} == set(range(1, len(things) + 1))
    for row in rows:
        for mark in row.marks:
            assert -3 <= mark.x <= mark.x + mark.width <= METRES.width + 3
            assert -3 <= mark.y <= mark.y + mark.height <= METRES.height + 3
            assert min(mark.width, mark.height) >= 3 - 0.02
    assert all(one.to_m == two.from_m for one, two in itertools.pairwise(rows))


def test_stakes_are_written_as_along_the_road():
    assert [stake(metres) for metres in (0, 29840, 999.96, 1234.5)] == ["K0+000", "K29+840", "K1+000", "K1+234.5"]


def run_cli(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mapped")
    (root / "front.yaml").write_text(camera_yaml(CAMERA, "by hand"), encoding="utf-8")
    write_job(root / "job", [*range(100, 150, 5), *range(165, 200, 5)], THINGS)
    run_cli("strip", root / "job", "--out", root / "strip", "--camera", root / "front.yaml")
    return root


def test_the_command_writes_the_map_the_table_and_the_findings(mapped):
    told = json.loads((mapped / "strip" / "strip.json").read_text())
    (run,) = told["runs"]
    assert told["without_metres"] == ["readme.jpg"]
    assert [one["fault"] for one in run["findings"]] == ["gap"]
    assert run["without_frame_m"] == 15
    assert run["frames_by_sight"]["poor_quality"] == 1
    rows = list(csv.DictReader((mapped / "strip" / "strip.csv").open(encoding="utf-8")))
    assert len(rows) == sum(run["defects_by_type"].values())
    assert {row["run"] for row in rows} == {RUN}
    assert all(set(row["frames"].split()) <= {name_of(at, m) for at, m in enumerate(
        [*range(100, 150, 5), *range(165, 200, 5)], 1000)} for row in rows)  # fmt: skip


def test_without_a_camera_every_box_stands_by_itself(mapped, tmp_path):
    said = run_cli("strip", mapped / "job", "--out", tmp_path, "--json")
    (run,) = json.loads(said)["runs"]
    boxes = pq.read_table(mapped / "job" / "detections.parquet").num_rows
    assert run["across"] == "picture"
    assert len(run["defects"]) == boxes
    assert "5 米" not in (tmp_path / "strip.html").read_text()
    assert "未提供相机参数" in (tmp_path / "strip.html").read_text()


def test_a_folder_that_is_no_job_is_refused(tmp_path):
    result = CliRunner().invoke(app, ["strip", str(tmp_path), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, DataError)
    assert "roadwarden detect" in str(result.exception)


def test_a_name_cannot_smuggle_script_into_the_map(tmp_path):
    job = write_job(tmp_path / "job", [100, 105, 110], [])
    frames = pq.read_table(job / "frames.parquet").to_pylist()
    frames.append({**frames[0], "frame": "<script>alert(1)</script>_x.jpg"})
    pq.write_table(pa.Table.from_pylist(frames, schema=schema_of(FRAME_COLUMNS)), job / "frames.parquet")
    run_cli("strip", job, "--out", tmp_path / "out")
    assert "<script>alert(1)" not in (tmp_path / "out" / "strip.html").read_text()


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_the_map_in_a_browser(mapped):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as runtime:
        browser = runtime.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(offline=True)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto((mapped / "strip" / "strip.html").as_uri())
        marks = page.locator("rect.mark")
        assert marks.count() == 3
        road = page.locator("rect.road").first.bounding_box()
        shown = marks.first.bounding_box()
        assert road is not None
        assert shown is not None
        assert road["x"] <= shown["x"] <= road["x"] + road["width"]
        assert road["y"] <= shown["y"] <= road["y"] + road["height"]
        assert "driven with the chainage" in page.inner_text("body")
        page.get_by_text("中文 / English").click()
        assert "沿桩号增大方向行驶" in page.inner_text("body")
        assert "driven with" not in page.inner_text("body")
        assert faults == []
        browser.close()


@pytest.mark.slow
def test_from_frames_to_the_map(tmp_path):
    """Synthetic frames named as the Brazilian ones are, one broken, one without metres, through the detector."""
    camera, archive = Camera(960, 540, 733), tmp_path / "RS"
    scene = scene_of(street_for(7, 8), Visit())
    archive.mkdir()
    for number, at in enumerate((2.0, 7.0, 12.0, 17.0)):
        cv2.imwrite(str(archive / name_of(1000 + number, 29840 + int(at))), scene.frame(camera, at, seed=number))
    (archive / name_of(1004, 29862)).write_bytes(b"no picture")
    cv2.imwrite(str(archive / "cover.jpg"), scene.frame(camera, 2.0, seed=9))
    run_cli("detect", archive, "--out", tmp_path / "job", "-q", "--workers", 1)
    told = json.loads(run_cli("strip", tmp_path / "job", "--out", tmp_path / "strip", "--json"))
    (run,) = told["runs"]
    assert told["without_metres"] == ["cover.jpg"]
    assert (run["from_m"], run["to_m"], run["frames"]) == (29842, 29862, 5)
    assert run["frames_by_sight"]["unreadable"] == 1
    assert run["defects"]
