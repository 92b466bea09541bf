"""One crack seen in many frames is one defect: joined over the frames, found once, typed by vote."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from roadwarden.cli import app
from roadwarden.errors import ConfigError
from roadwarden.eval.counts import ABSTAINED, MISSED, classes_of
from roadwarden.eval.judged import JudgedFrame, Seen
from roadwarden.eval.physical import (
    PhysicalDefect,
    Sighting,
    overlap,
    physical_defects,
    said_by_coverage,
    vote,
)
from roadwarden.eval.physical_report import physical_report
from roadwarden.eval.registrations import CachedRegistrar
from roadwarden.taxonomy import DistressType
from tests.eval.scene import SCENE, write_parquet, write_scene

LONG, ALLIGATOR = DistressType.LONGITUDINAL_CRACK, DistressType.ALLIGATOR_CRACK
POTHOLE, PATCH = DistressType.POTHOLE, DistressType.PATCH
SIDE = 100
GOLDEN = Path(__file__).parent / "golden" / "physical.json"

Drawn = list[tuple[DistressType | None, tuple[float, float, float, float]]]


def frame(name: str, true: Drawn, seen: Drawn = (), *, place: str = "p1", group: str = "G1") -> JudgedFrame:
    def boxes(drawn: Drawn) -> np.ndarray:
        return np.array([box for _, box in drawn], np.float32).reshape(-1, 4)

    scores = np.linspace(0.9, 0.5, len(seen)).astype(np.float32)
    said = Seen(boxes(seen), tuple(one for one, _ in seen), scores)
    return JudgedFrame(name, group, place, SIDE, SIDE, boxes(true), tuple(one for one, _ in true), said)


@dataclass
class Shifts:
    """A registrar that knows where each frame lies along the street; frames too far apart do not register."""

    at: dict[str, float]
    farthest: float = math.inf
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, a: str, b: str) -> np.ndarray | None:
        self.asked.append((a, b))
        shift = self.at[b] - self.at[a]
        return np.array([[1, 0, shift], [0, 1, 0], [0, 0, 1]], np.float64) if abs(shift) <= self.farthest else None


STREET = [
    frame("a", [(LONG, (10, 10, 30, 90)), (POTHOLE, (50, 50, 70, 70))], [(LONG, (10, 10, 30, 90))]),
    frame(
        "b",  # the same crack drawn in two pieces, 10 pixels further right; only the upper one is seen, as alligator
        [(LONG, (20, 10, 40, 50)), (LONG, (20, 55, 40, 90)), (POTHOLE, (62, 50, 82, 70))],
        [(ALLIGATOR, (20, 10, 40, 50)), (POTHOLE, (62, 50, 82, 70))],
    ),
    frame(
        "c",  # the hole is filled
        [(LONG, (30, 10, 50, 90)), (PATCH, (72, 50, 92, 70))],
        [(LONG, (30, 10, 50, 90)), (POTHOLE, (72, 50, 92, 70))],
    ),
    frame("d", [(LONG, (10, 10, 30, 90))], place="p2", group="G2"),
    frame("e", [(LONG, (10, 10, 30, 90))], [(None, (10, 10, 30, 90))], place="", group="G3"),
]
ALONG = {"a": 0.0, "b": 10.0, "c": 20.0, "d": 0.0, "e": 0.0}


def neighbours() -> Shifts:
    return Shifts(ALONG, farthest=10)


def test_a_crack_in_three_frames_is_one_defect_and_a_filled_hole_another():
    crack, hole, patch, elsewhere, nowhere = physical_defects(STREET, neighbours())
    assert crack == PhysicalDefect(
        LONG, "G1", "p1", (Sighting("a", 0), Sighting("b", 0), Sighting("b", 1), Sighting("c", 0))
    )
    assert (crack.frames, hole.sightings) == (3, (Sighting("a", 1), Sighting("b", 2)))
    assert (patch.type, patch.sightings) == (PATCH, (Sighting("c", 1),))
    assert (elsewhere.place, nowhere.place) == ("p2", "")


def test_frames_of_other_places_are_never_compared_nor_are_joined_ones_again():
    registrar = Shifts(ALONG)
    physical_defects(STREET, registrar)
    assert registrar.asked == [("a", "b"), ("a", "c")]  # b and c were joined by way of a


def test_boxes_of_one_frame_stay_apart_unless_another_frame_joins_them():
    pieces = STREET[1]
    assert len(physical_defects([pieces], neighbours())) == 3
    assert len(physical_defects(STREET[:2], neighbours())) == 2


def test_the_report_is_the_one_counted_by_hand():
    """Wilson's bounds: 1 of 1 0.2699, 1 of 2 0.1209, 2 of 4 0.1824, 2 of 5 0.1427, 4 of 5 0.4353."""
    report = physical_report(STREET, physical_defects(STREET, neighbours())).as_json()
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    for part, expected in zip(report["parts"], golden, strict=True):
        for key, value in expected.items():
            told = part[key]
            if key in {"found", "type_accuracy", "end_to_end"}:
                assert [told["part"], told["whole"]] == value["of"], key
                assert told["bound"] == pytest.approx(value["bound"], abs=5e-5), key
            elif key == "types":
                rows = {one["type"]: [one["defects"], one["found"]["part"], one["typed"]["part"]] for one in told}
                assert rows == value
            else:
                assert told == value, key


def test_the_line_and_the_page_tell_the_same():
    report = physical_report(STREET, physical_defects(STREET, neighbours()))
    assert report.line() == (
        "physical defects: found 0.800 (4/5), type accuracy 0.500 (2/4), bound 0.182; "
        "physical defects in 3 frames or more: found 1.000 (1/1), type accuracy 1.000 (1/1), bound 0.270"
    )
    assert ("· Pothole", "· 坑槽", "found 1.000 (1/1), type accuracy 1.000 (1/1)") in report.rows()
    assert all(chinese for _, chinese, _ in report.rows())


def test_without_any_defect_there_is_a_report_without_values():
    report = physical_report([frame("a", [])], physical_defects([frame("a", [])], neighbours()))
    assert report.as_json()["parts"][0]["found"]["value"] is None
    assert "– (0/0)" in report.line()


SIX = tuple(Sighting(name, 0) for name in "abcdef")


@pytest.mark.parametrize(
    ("said", "found_in", "expected"),
    [
        ([0, 1, 0, MISSED, MISSED, MISSED], 1, 0),
        ([0, 1, MISSED, MISSED, MISSED, MISSED], 1, ABSTAINED),
        ([ABSTAINED, ABSTAINED, 1, MISSED, MISSED, MISSED], 1, 1),
        ([ABSTAINED, ABSTAINED, MISSED, MISSED, MISSED, MISSED], 1, ABSTAINED),
        ([MISSED] * 6, 1, MISSED),
        ([2, MISSED, MISSED, MISSED, MISSED, MISSED], 2, MISSED),
        ([2, ABSTAINED, MISSED, MISSED, MISSED, MISSED], 2, 2),
        ([0, 0, 1, 1, 2, 2], 1, ABSTAINED),
    ],
    ids=["majority", "tie", "abstentions do not vote", "all abstain", "missed", "once is not twice", "twice", "three"],
)
def test_the_vote(said, found_in, expected):
    outcome = dict(zip("abcdef", ([one] for one in said), strict=True))
    assert vote(PhysicalDefect(LONG, "G1", "p1", SIX), outcome, found_in=found_in) == expected


def test_two_pieces_found_in_one_frame_are_not_found_twice():
    crack = physical_defects(STREET[:2], neighbours())[0]
    assert crack.sightings == (Sighting("a", 0), Sighting("b", 0), Sighting("b", 1))
    assert vote(crack, {"a": [MISSED, MISSED], "b": [0, 0, MISSED]}, found_in=2) == MISSED


def test_what_is_said_of_a_box_is_what_coverage_says():
    classes = classes_of(STREET)
    said = said_by_coverage(STREET, classes)
    assert said["a"] == [classes.index(LONG), MISSED]
    assert said["b"] == [classes.index(ALLIGATOR), MISSED, classes.index(POTHOLE)]
    assert said["e"] == [ABSTAINED]


@pytest.mark.parametrize(
    ("box", "joined"),
    [
        ((0, 0, 10, 10), True),
        ((5, 0, 15, 10), True),  # IoU 1/3
        ((6, 0, 16, 10), False),  # IoU 1/4, 0.4 of either
        ((0, 8, 10, 12), True),  # half of the smaller, IoU 1/6
        ((0, 8.1, 10, 12.1), False),
        ((0, 0, 0, 0), False),
        ((10, 0, 20, 10), False),
    ],
    ids=["same", "iou", "too little", "share of smaller", "less than half", "lost by warping", "touching"],
)
def test_what_counts_as_the_same_place(box, joined):
    (((answer,),)) = overlap(np.array([[0, 0, 10, 10]], np.float32), np.array([box], np.float32))
    assert bool(answer) is joined


edges = st.tuples(st.integers(0, 80), st.integers(0, 80), st.integers(5, 40), st.integers(5, 40))
drawings = st.lists(st.tuples(st.sampled_from([LONG, POTHOLE]), edges), max_size=3)


@given(st.lists(drawings, min_size=1, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_frames_changes_nothing_and_every_box_is_in_one_defect(pictures, random):
    frames = [
        frame(f"f{number}", [(one, (x, y, x + w, y + h)) for one, (x, y, w, h) in drawn], place=f"p{number % 2}")
        for number, drawn in enumerate(pictures)
    ]
    at = {one.name: 7.0 * number for number, one in enumerate(frames)}
    defects = physical_defects(frames, Shifts(at, farthest=20))
    assert physical_defects(random.sample(frames, len(frames)), Shifts(at, farthest=20)) == defects
    sightings = [one for defect in defects for one in defect.sightings]
    assert len(sightings) == len(set(sightings)) == sum(len(one.true_types) for one in frames)
    assert all(not ours.isdisjoint(theirs) for ours, theirs in _parted(frames, defects, Shifts(at, farthest=20)))


def _parted(frames, defects, registrar):
    """Nothing that overlaps directly was left apart: pairs of defects as sets that must share a member."""
    where = {one: set(defect.sightings) for defect in defects for one in defect.sightings}
    for ours, theirs in itertools.combinations(frames, 2):
        homography = registrar(ours.name, theirs.name)
        if ours.place != theirs.place or homography is None:
            continue
        moved = ours.true_boxes + np.array([homography[0, 2], 0] * 2, np.float32)
        meets = overlap(np.clip(moved, 0, SIDE), theirs.true_boxes)
        for row, column in np.argwhere(meets):
            if ours.true_types[row] is theirs.true_types[column]:
                yield where[Sighting(ours.name, int(row))], where[Sighting(theirs.name, int(column))]


def test_a_frame_that_stands_there_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        physical_defects([STREET[0], replace(STREET[0], place="p9")], neighbours())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> dict[str, Path]:
    """Two pictures of one road, 12 pixels apart, and one of another."""
    folder = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(3).normal(0, 1, (2, 200, 260))
    road, other = (
        (cv2.GaussianBlur(one, (0, 0), 1.5) * 100 + 120).clip(0, 255).astype(np.uint8)[..., None].repeat(3, 2)
        for one in noise
    )
    shown = {"a": road[:, :240], "b": road[:, 12:252], "elsewhere": other[:, :240]}
    for name, picture in shown.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture)
    return {name: folder / f"{name}.png" for name in shown}


def test_pictures_are_registered_once_and_remembered(pictures, tmp_path, monkeypatch):
    cache = tmp_path / "var" / "registrations.parquet"
    with CachedRegistrar(pictures, cache) as registrar:
        first = registrar("a", "b")
        assert registrar("a", "elsewhere") is None
    assert first is not None
    assert first @ [50, 50, 1] == pytest.approx([38, 50, 1], abs=0.5)

    def never(*_: object) -> None:
        raise AssertionError("registered again")

    monkeypatch.setattr("roadwarden.eval.registrations.attempt", never)
    again = CachedRegistrar({**pictures, "copy of a": pictures["a"]}, cache)
    assert np.array_equal(again("copy of a", "b"), first)
    assert again("a", "elsewhere") is None
    monkeypatch.setattr("roadwarden.eval.registrations.ALGORITHM_VERSION", "another")
    with pytest.raises(AssertionError, match="registered again"):
        CachedRegistrar(pictures, cache)("a", "b")


def test_what_was_computed_before_an_interruption_is_kept(pictures, tmp_path):
    cache = tmp_path / "registrations.parquet"

    def interrupted() -> None:
        with CachedRegistrar(pictures, cache) as registrar:
            registrar("a", "b")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert cache.is_file()


def test_a_damaged_table_is_computed_anew(pictures, tmp_path, caplog):
    cache = tmp_path / "registrations.parquet"
    cache.write_bytes(b"not a table")
    assert CachedRegistrar(pictures, cache)("a", "b") is not None
    assert "computed anew" in caplog.text


def test_the_command_registers_the_pictures_of_a_place_and_counts_its_one_crack_once(pictures, tmp_path):
    """Two sightings of one crack, 12 pixels apart; only the first is detected: per box 1 of 2, per defect 1 of 1."""
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    lines = ["image,source,part,group,place"]
    for name, left in (("a", 60), ("b", 48)):
        (tmp_path / "images" / f"{name}.png").write_bytes(pictures[name].read_bytes())
        box = f"<xmin>{left}</xmin><ymin>20</ymin><xmax>{left + 30}</xmax><ymax>180</ymax>"
        (tmp_path / "annotations" / f"{name}.xml").write_text(
            "<annotation><size><width>240</width><height>200</height></size>"
            f"<object><name>D00</name><bndbox>{box}</bndbox></object></annotation>"
        )
        lines.append(f"images/{name}.png,street,val,G1,p1")
    (tmp_path / "splits.csv").write_text("\n".join(lines) + "\n")
    seen = Seen(np.array([[60, 20, 90, 180]], np.float32), (LONG,), np.array([0.9], np.float32))
    table = write_parquet(tmp_path / "detections.parquet", {"images/a.png": seen})
    options = ["--truth", tmp_path, "--source", "street", "--detections", table, "--physical", "--json"]
    kept = tmp_path / "registrations.parquet"
    done = CliRunner().invoke(app, ["eval", "types", *map(str, options), "--registrations", str(kept)])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["coverage"]["found"]["part"], report["coverage"]["found"]["whole"]) == (1, 2)
    every, twice = report["physical"]["parts"][:2]
    assert (every["defects"], every["sightings"], every["found"]["part"]) == (1, 2, 1)
    assert (twice["found"]["part"], twice["found"]["whole"]) == (0, 1)
    assert kept.is_file()


def test_the_command_needs_places(tmp_path):
    write_scene(tmp_path / "scene")
    table = write_parquet(tmp_path / "detections.parquet", {one.name: one.seen for one in SCENE})
    options = ["--truth", tmp_path / "scene", "--format", "voc", "--detections", table, "--physical"]
    done = CliRunner().invoke(app, ["eval", "types", *map(str, options)])
    assert isinstance(done.exception, ConfigError)
    assert "--groups" in str(done.exception)
