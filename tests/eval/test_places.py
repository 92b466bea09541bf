"""How well pictures alone tell places: figures by hand, pairs by seed, the table of judged pairs, the command."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from roadwarden.cli import app
from roadwarden.data.place_pairs import FramePair, among, pairs_of_groups, read_place_pairs
from roadwarden.data.splits import SplitRow, read_splits, select
from roadwarden.defects.rulings import Answer
from roadwarden.defects.same_place import PlaceEvidence, judge_place, shipped_same_place_table
from roadwarden.errors import DataError
from roadwarden.eval.intervals import wilson
from roadwarden.eval.places import Truth, judge_pairs, score, worst
from roadwarden.eval.places_by_eye import Compared, Verdict, draw, read_eye, score_eye
from roadwarden.vision.registration import ALGORITHM_VERSION
from tests.conftest import REPOSITORY

ROADS = REPOSITORY.parent / "shared" / "roads"
EYE = REPOSITORY / "eval" / "reports" / "places" / "eye.csv"
TABLE = shipped_same_place_table()
needs_roads = pytest.mark.skipif(not ROADS.is_dir(), reason="../shared/roads is not here")


def frames(*groups: int) -> list[SplitRow]:
    """That many frames of each group."""
    return [
        SplitRow(f"images/{group}-{number}.png", "street", "val", f"G{group}", f"P{group}")
        for group, count in enumerate(groups)
        for number in range(count)
    ]


def test_the_table_belongs_to_this_registration():
    assert TABLE.algorithm == ALGORITHM_VERSION


def test_wilsons_interval_as_in_the_textbook():
    """Newcombe (1998), table I: 81 of 263 and 0 of 20, 15 of 148."""
    for part, whole, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        found = wilson(part, whole)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert math.isnan(wilson(0, 0).low)


def found(inliers: int, matches: int = 100) -> PlaceEvidence:
    return PlaceEvidence(2000, max(matches, inliers), inliers, fits=inliers >= 15)


def test_figures_by_hand():
    """Four certain pairs in two places, one missed; one weak pair; five others, one called same, two called other."""
    names = [f"{letter}.png" for letter in "abcdefghij"]
    pair = {
        f"{one}{other}": FramePair(f"{one}.png", f"{other}.png")
        for one, other in zip("abcdefghi", "bcdefghij", strict=True)
    }
    known = {pair["ab"]: 200, pair["bc"]: 90, pair["cd"]: 31, pair["de"]: 30, pair["ef"]: 29}
    others = [pair["fg"], pair["gh"], pair["hi"], pair["ij"], FramePair("a.png", "j.png")]
    seen = {
        pair["ab"]: found(300),
        pair["bc"]: found(60),
        pair["cd"]: found(16),
        pair["de"]: found(9),
        pair["ef"]: found(45),
        pair["fg"]: found(16),
        pair["gh"]: found(8),
        pair["hi"]: found(4, matches=14),
        pair["ij"]: found(0, matches=3),
        FramePair("a.png", "j.png"): found(10),
    }
    places = dict.fromkeys(names[:3], "P1") | dict.fromkeys(names[3:], "P2")
    judged = judge_pairs(known, others, places, seen.__getitem__, TABLE)
    scored = score(judged, TABLE)
    assert (scored.at.recall.part, scored.at.recall.whole) == (3, 4)
    assert (scored.at.precision.part, scored.at.precision.whole) == (3, 4)
    assert (scored.at.false_same.part, scored.at.false_same.whole) == (1, 5)
    assert (scored.weak_said_same.part, scored.weak_said_same.whole) == (1, 1)
    assert (scored.others_said_other.part, scored.others_said_other.whole) == (2, 5)
    assert scored.negatives_a_positive == 1.25
    assert scored.recall_mean_of_places == pytest.approx((1 + 0) / 2)  # P1 has ab, bc, cd; P2 has de
    at_20 = next(point for point in scored.curve if point.least_inliers == 20)
    assert (at_20.recall.part, at_20.precision.part, at_20.precision.whole) == (2, 2, 2)
    assert worst(judged, Truth.SAME, 1)[0].pair == pair["de"]
    assert worst(judged, Truth.OTHER, 1)[0].pair == pair["fg"]


def test_nothing_to_judge_has_no_value():
    assert math.isnan(score((), TABLE).at.precision.value)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.integers(0, 40), st.integers(0, 3), st.randoms())
def test_pairs_of_different_groups(groups, number, seed, order):
    rows = frames(*groups)
    drawn = pairs_of_groups(rows, number, seed)
    possible = (sum(groups) ** 2 - sum(count**2 for count in groups)) // 2
    assert len(drawn) == len(set(drawn)) == min(number, possible)
    group_of = {row.image: row.group for row in rows}
    assert all(group_of[pair.a] != group_of[pair.b] for pair in drawn)
    order.shuffle(rows)
    assert pairs_of_groups(rows, number, seed) == drawn


def test_a_table_of_pairs_with_words_for_numbers_is_refused(tmp_path):
    (tmp_path / "same_place_pairs.csv").write_text("image_a,image_b,inliers\na.jpg,b.jpg,many\n")
    with pytest.raises(DataError, match="image_a, image_b and inliers"):
        read_place_pairs(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        read_place_pairs(tmp_path / "nowhere")


def test_precision_and_recall_by_eye_leave_out_what_nobody_could_tell(tmp_path):
    table = tmp_path / "eye.csv"
    lines = ["no,part,drawn_from,image_a,image_b,inliers,verdict,why"]
    lines += [
        f"{no},val,listed,a{no}.png,b{no}.png,20,{verdict},crack"
        for no, verdict in enumerate(["same", "same", "same", "other", "other", "cannot_tell"], 1)
    ]
    table.write_text("\n".join([*lines, "7,test,listed,a7.png,b7.png,20,same,crack"]) + "\n")
    rows = read_eye(table, "val")
    assert [row.no for row in rows] == [1, 2, 3, 4, 5, 6]
    said = [found(200), found(80), found(6), found(20), found(0, matches=2), found(90)]
    scored = score_eye([Compared(row, seen, judge_place(seen, TABLE)) for row, seen in zip(rows, said, strict=True)])
    assert (scored.recall.part, scored.recall.whole) == (2, 3)
    assert (scored.precision.part, scored.precision.whole) == (2, 3)
    assert (scored.other_right.part, scored.other_right.whole) == (1, 1)
    assert [(row.verdict, row.said_same) for row in scored.counts] == [
        (Verdict.SAME, 2), (Verdict.OTHER, 1), (Verdict.CANNOT_TELL, 1)]  # fmt: skip


def test_a_verdict_that_is_none_is_named_with_its_line(tmp_path):
    table = tmp_path / "eye.csv"
    table.write_text("no,part,drawn_from,image_a,image_b,inliers,verdict,why\n1,val,listed,a.png,b.png,20,perhaps,\n")
    with pytest.raises(DataError, match=r"line 2.*same, other, cannot_tell"):
        read_eye(table, "val")


@needs_roads
def test_the_judged_pairs_are_those_that_the_seed_draws():
    rows, known = read_splits(ROADS), read_place_pairs(ROADS)
    drawn = {
        (part, kind, pair)
        for part in ("val", "test")
        for kind, pair in draw(select(rows, "china_motorbike", [part]), known, seed=6)
    }
    judged = [*read_eye(EYE, "val"), *read_eye(EYE, "test")]
    assert len(judged) == 200
    assert {(row.part, row.drawn_from, row.pair) for row in judged} == drawn
    assert all(not row.inliers or int(row.inliers) < 30 for row in judged)
    assert all(row.why for row in judged)


@needs_roads
def test_no_known_pair_lies_in_two_groups():
    rows = select(read_splits(ROADS), "china_motorbike", ["val"])
    group_of = {row.image: row.group for row in rows}
    assert all(group_of[pair.a] == group_of[pair.b] for pair in among(read_place_pairs(ROADS), rows))


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two streets with three frames each, as a data set."""
    roads = tmp_path_factory.mktemp("roads")
    (roads / "images").mkdir()
    rows, pairs = ["image,source,part,group,place"], ["image_a,image_b,inliers"]
    for street in (1, 2):
        noise = np.random.default_rng(street).normal(0, 1, (2, 320, 480))
        grain = cv2.GaussianBlur(noise[0], (0, 0), 1.5) * 60 + cv2.GaussianBlur(noise[1], (0, 0), 5) * 120
        picture = np.dstack([(120 + grain).clip(0, 255).astype(np.uint8)] * 3)
        names = [f"images/{street}{letter}.png" for letter in "abc"]
        for step, name in enumerate(names):
            shift = np.array([[1.0, 0, 20 * step], [0, 1, 10 * step]])
            cv2.imwrite(str(roads / name), cv2.warpAffine(picture, shift, (480, 320)))
            rows += [f"{name},street,{part},G{street},P{street}" for part in ("val",)]
        pairs += [f"{names[0]},{names[1]},120", f"{names[1]},{names[2]},90", f"{names[0]},{names[2]},22"]
    (roads / "splits.csv").write_text("\n".join(rows) + "\n")
    (roads / "same_place_pairs.csv").write_text("\n".join(pairs) + "\n")
    return roads


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.stdout if done.exception is None or done.exit_code in {0, 3} else str(done.exception)


def test_the_command_tells_the_streets_apart(streets, tmp_path):
    out = tmp_path / "out"
    given = ("eval", "places", "--roads", streets, "--source", "street", "--ratio", 2, "--out", out)
    code, said = run(*given, "--registrations", tmp_path / "kept.parquet", "--pictures")
    assert code == 0, said
    assert "precision 1.0000" in said
    told = json.loads((out / "places.json").read_text())
    assert told["passed"] is True
    assert told["score"]["at"]["recall"]["whole"] == 4
    assert told["score"]["at"]["false_same"] | {"value": 0, "low": 0, "high": 0} == {
        "part": 0, "whole": 8, "value": 0, "low": 0, "high": 0}  # fmt: skip
    assert told["score"]["weak_said_same"]["part"] == 2
    page = (out / "places.html").read_text()
    assert "data:image/jpeg" in page
    assert "仅凭图像判断同一地点" in page
    code, _ = run(*given, "--registrations", tmp_path / "kept.parquet")
    assert code == 0
    assert "data:image" not in (out / "places.html").read_text()


def test_a_street_that_is_not_recognised_fails_the_command(streets, tmp_path):
    strict = tmp_path / "strict.yaml"
    strict.write_text(
        f'version: "x"\nalgorithm: "{ALGORITHM_VERSION}"\n'
        "same: {least_inliers: 100000, source: policy, status: unverified}\n"
    )
    code, said = run("eval", "places", "--roads", streets, "--source", "street", "--table", strict, "--registrations",
                     tmp_path / "kept.parquet")  # fmt: skip
    assert code == 3
    assert "recall    0.0000" in said


def test_a_table_for_another_registration_is_refused(streets, tmp_path):
    old = tmp_path / "old.yaml"
    old.write_text('version: "x"\nalgorithm: "0"\nsame: {least_inliers: 15, source: policy, status: unverified}\n')
    _, said = run("eval", "places", "--roads", streets, "--source", "street", "--table", old)
    assert "measure its numbers anew" in said


def test_the_test_part_is_opened_with_a_reason_that_is_logged(streets, tmp_path):
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    (sealed / "images").symlink_to(streets / "images")
    (sealed / "splits.csv").write_text((streets / "splits.csv").read_text().replace(",val,", ",test,"))
    (sealed / "same_place_pairs.csv").write_text((streets / "same_place_pairs.csv").read_text())
    log, kept = tmp_path / "uses.md", tmp_path / "kept.parquet"
    given = ("eval", "places", "--roads", sealed, "--source", "street", "--part", "test", "--uses-log", log)
    _, said = run(*given, "--registrations", kept)
    assert "--why" in said
    assert not log.exists()
    code, _ = run(*given, "--registrations", kept, "--why", "the report at the end")
    assert code == 0
    assert "the report at the end" in log.read_text()


def test_the_answer_of_the_matcher_stands_behind_each_judged_pair(streets, tmp_path):
    eye = tmp_path / "eye.csv"
    eye.write_text(
        "no,part,drawn_from,image_a,image_b,inliers,verdict,why\n"
        "1,val,listed,images/1a.png,images/1c.png,22,same,grain\n"
        "2,val,other,images/1a.png,images/2a.png,,other,grain\n"
    )
    out = tmp_path / "out"
    run("eval", "places", "--roads", streets, "--source", "street", "--eye", eye, "--out", out, "--registrations",
        tmp_path / "kept.parquet")  # fmt: skip
    rows = list(csv.DictReader((out / "eye.csv").open(encoding="utf-8")))
    assert [row["verdict"] for row in rows] == ["same", "other"]
    assert rows[0]["matcher"] == Answer.SAME
    assert int(rows[0]["matcher_inliers"]) >= 15
    assert rows[1]["matcher"] != Answer.SAME
