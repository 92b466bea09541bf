"""Sightings become defects, whatever came first; two things of one frame stay two; people have the last word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.defects.folding import defects_of
from roadwarden.defects.merging import merge
from roadwarden.defects.presence import PassOver, Presence, presence
from roadwarden.defects.rulings import Answer, Compared, Ruling, agree
from roadwarden.defects.votes import vote
from roadwarden.detections import PlaneCovariance, Sighting
from roadwarden.geo.plane import LocalPlane
from roadwarden.taxonomy import DistressType

PLANE = LocalPlane(30.27, 120.15)
DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOLE, CRACK, COVER = DistressType.POTHOLE, DistressType.LONGITUDINAL_CRACK, DistressType.MANHOLE_COVER_MISSING


def look(name, east, north, drive="a", frame=None, type=HOLE, length=0.5, width=0.5, sigma=1.0, second=0, score=0.9):
    return Sighting(
        id=name,
        frame=frame or f"frame of {name}",
        seen_at=DAY + timedelta(seconds=second, days=ord(drive[0]) - ord("a")),
        pass_id=drive,
        type=type,
        score=score,
        position=PLANE.position_of(east, north, 0.0),
        covariance=PlaneCovariance(sigma**2, sigma**2),
        length_m=length,
        width_m=width,
        size_sigma_m=0.1,
        model="hand-made",
    )


def groups(sightings, **said):
    homes = merge(sightings, PLANE, **said).homes()
    return {frozenset(name for name in homes if homes[name] == defect) for defect in homes.values()}


def test_one_hole_seen_by_three_cars_is_one_defect_at_the_middle_of_what_they_say():
    seen = [look("a1", 0.0, 0.0), look("b1", 0.9, 0.0, "b"), look("c1", 0.0, 0.6, "c")]
    (defect,) = defects_of(merge(seen, PLANE), seen, PLANE)
    assert defect.sightings == ("a1", "b1", "c1")
    assert PLANE.metres_of(defect.position) == pytest.approx((0.3, 0.2), abs=0.02)
    assert defect.passes == ("a", "b", "c")


def test_the_error_that_a_pass_has_in_common_does_not_shrink_with_its_frames():
    frames = [look(f"a{n}", 0.0, 0.0, second=n) for n in range(50)]
    cars = [look(f"{drive}1", 0.0, 0.0, drive) for drive in "abcdefghi"]
    (one_car,), (nine_cars,) = (defects_of(merge(seen, PLANE), seen, PLANE) for seen in (frames, cars))
    assert one_car.covariance.east_m2 > 0.9**2
    assert nine_cars.covariance.east_m2 < one_car.covariance.east_m2 / 2.5


def test_two_holes_of_one_frame_are_two_however_near():
    seen = [look("a1", 0.0, 0.0, frame="f"), look("a2", 0.6, 0.0, frame="f"), look("b1", 0.3, 0.0, "b")]
    assert all(not {"a1", "a2"} <= group for group in groups(seen))


def test_a_box_drawn_twice_is_one_hole():
    assert groups([look("a1", 0.0, 0.0, frame="f"), look("a2", 0.1, 0.0, frame="f")]) == {frozenset({"a1", "a2"})}


def test_a_row_of_holes_each_within_reach_of_the_next_does_not_become_one():
    row = [look(f"{drive}{n}", 1.5 * n, 0.0, drive, second=n, sigma=0.5) for drive in "abcd" for n in range(12)]
    assert len(groups(row)) == 12


def test_neighbours_are_told_apart_by_the_pattern_they_make_although_the_fixes_err_by_more_than_their_distance():
    holes = [(0.0, 0.0), (0.0, 1.8), (0.0, 6.0), (2.5, 9.0)]
    shift = {"a": (0.0, 0.0), "b": (0.2, 1.5), "c": (-0.3, -1.2)}
    seen = [
        look(f"{drive}{n}", east + de, north + dn, drive, frame=f"frame of {drive}")
        for drive, (de, dn) in shift.items()
        for n, (east, north) in enumerate(holes)
    ]
    assert groups(seen) == {frozenset(f"{drive}{n}" for drive in "abc") for n in range(4)}


def test_a_long_crack_seen_in_pieces_is_one_and_as_long_as_it_is():
    pieces = [
        look(f"{drive}{n}", 0.0, 4.0 * n, drive, type=CRACK, length=12.0, width=0.2, second=n)
        for drive in "abc"
        for n in range(6)
    ]
    (defect,) = defects_of(merge(pieces, PLANE), pieces, PLANE)
    assert defect.length_m == pytest.approx(32.0, abs=0.5)


def test_passes_that_mistook_a_crack_for_a_patch_make_no_second_defect_of_it():
    right, wrong = "abcdefghijklmnop", "qrs"
    seen = [look(f"{drive}1", 0.0, 0.0, drive, type=DistressType.TRANSVERSE_CRACK, width=2.0) for drive in right]
    seen += [look(f"{drive}1", 0.1, 0.1, drive, type=DistressType.PATCH, width=2.0, score=0.7) for drive in wrong]
    seen.append(look("q2", 0.0, 0.1, "q", type=DistressType.TRANSVERSE_CRACK, width=2.0, frame="another"))
    (defect,) = defects_of(merge(seen, PLANE), seen, PLANE)
    assert defect.type is DistressType.TRANSVERSE_CRACK
    assert len(defect.passes) == 19


def test_what_one_pass_saw_as_two_in_different_frames_is_one_where_the_others_saw_one():
    others = [look(f"{drive}1", 0.0, 0.0, drive) for drive in "abcdefgh"]
    now_and_then = [look("j1", 0.0, -0.4, "j", frame="f1"), look("j2", 0.0, 0.4, "j", frame="f2")]
    at_once = [look("j1", 0.0, -0.4, "j", frame="f1"), look("j2", 0.0, 0.4, "j", frame="f1")]
    assert len(groups([*others, *now_and_then])) == 1
    assert len(groups([*others, *at_once])) == 2


def test_a_cross_crack_drawn_twice_is_one_although_its_narrow_boxes_miss_each_other():
    kinds = (DistressType.TRANSVERSE_CRACK, DistressType.PATCH)
    drawn = [look(f"a{n}", 0.0, 0.15 * n, frame="f", type=kind, length=0.1, width=3.0) for n, kind in enumerate(kinds)]
    assert len(groups(drawn)) == 1


def test_a_hole_that_one_pass_saw_as_a_long_crack_stays_as_small_as_the_others_saw_it():
    seen = [look(f"{drive}1", 0.0, 0.0, drive) for drive in "abcdefg"]
    seen.append(look("z1", 0.0, 2.0, "z", type=CRACK, length=9.0, score=0.4))
    sizes = {defect.id: defect.length_m for defect in defects_of(merge(seen, PLANE), seen, PLANE)}
    assert sizes["a1"] < 2.0


def in_a_bend(name, along, aside, drive, radius=300.0, second=0):
    """A look 10 m long at a crack that follows a bend to the right, ``aside`` metres inside its line."""
    turn = along / radius
    place = (radius - (radius - aside) * np.cos(turn), (radius - aside) * np.sin(turn))
    seen = look(name, *place, drive, type=CRACK, length=10.0, width=0.2, second=second)
    return replace(seen, position=PLANE.position_of(*place, np.degrees(turn)))


def test_in_a_bend_a_long_crack_is_one_and_two_beside_each_other_are_two():
    def drawn(name, aside):
        return [in_a_bend(f"{d}{name}{n}", 4.0 * n, aside, d, second=n) for d in "abcdef" for n in range(9)]

    assert len(groups(drawn("x", 0.0))) == 1
    both = groups([*drawn("x", 0.0), *drawn("y", 0.9)])
    assert {frozenset(name[1] for name in group) for group in both} == {frozenset("x"), frozenset("y")}
    assert len(both) == 2


def test_a_missing_cover_and_a_hole_at_one_place_are_two():
    assert len(groups([look("a1", 0.0, 0.0), look("b1", 0.1, 0.0, "b", type=COVER)])) == 2


def test_a_person_parts_what_lies_together_and_later_sightings_leave_it_parted():
    seen = [look("a1", 0.0, 0.0), look("b1", 0.2, 0.0, "b")]
    split = Ruling("r1", DAY, (("a1",), ("b1",)), by="inspector")
    assert len(groups(seen, rulings=[split])) == 2
    later = [*seen, look("c1", 0.1, 0.0, "c"), look("d1", 0.1, 0.1, "d")]
    assert all(not {"a1", "b1"} <= group for group in groups(later, rulings=[split]))


def test_a_person_joins_what_lies_far_apart():
    merged = Ruling("r1", DAY, (("a1", "b1"),))
    assert groups([look("a1", 0.0, 0.0), look("b1", 9.0, 0.0, "b")], rulings=[merged]) == {frozenset({"a1", "b1"})}


def test_the_later_word_of_two_that_contradict_holds_whichever_came_first():
    one, two = Ruling("r1", DAY, (("a", "b"),)), Ruling("r2", DAY + timedelta(days=1), (("a",), ("b",)))
    assert agree([one, two]) == agree([two, one])
    assert agree([one, two]).overruled == ("r1",)
    assert agree([one, two]).apart == {("a", "b")}


def test_pictures_that_differ_part_and_pictures_that_agree_join():
    near, far = [look("a1", 0.0, 0.0), look("b1", 0.3, 0.0, "b")], [look("a1", 0.0, 0.0), look("b1", 0.0, 3.2, "b")]
    assert len(groups(near, compared=[Compared("a1", "b1", Answer.DIFFERENT)])) == 2
    assert len(groups(near, compared=[Compared("a1", "b1", Answer.CANNOT_TELL)])) == 1
    assert len(groups(far, compared=[Compared("a1", "b1", Answer.SAME)])) == 1


def test_the_type_is_what_most_passes_say_with_its_margin():
    said = vote([HOLE, HOLE, DistressType.PATCH], [0.8, 0.7, 0.6], ["a", "b", "c"])
    assert said.type is HOLE
    assert 0.5 < said.margin < 1


def test_looks_of_one_pass_do_not_count_as_independent():
    one_pass = vote([HOLE] * 9, [0.6] * 9, ["a"] * 9)
    nine_passes = vote([HOLE] * 9, [0.6] * 9, list("abcdefghi"))
    assert one_pass.margin < nine_passes.margin


def test_a_defect_that_good_passes_no_longer_see_is_not_seen_and_seen_again_when_it_is():
    seen = [look("a1", 0.0, 0.0)]
    (defect,) = defects_of(merge(seen, PLANE), seen, PLANE)
    passes = [PassOver(f"p{n}", DAY + timedelta(days=n), good=n != 2) for n in range(1, 7)]
    assert presence(defect, passes[:5]).presence is Presence.SEEN  # the second was too dark to say
    assert presence(defect, passes).presence is Presence.NOT_SEEN
    assert presence(defect, passes).missed_by == ("p1", "p3", "p4", "p5", "p6")
    again = [*seen, look("h1", 0.0, 0.0, "h")]
    (defect,) = defects_of(merge(again, PLANE), again, PLANE)
    assert presence(defect, passes).presence is Presence.SEEN


@st.composite
def crowds(draw):
    count = draw(st.integers(1, 24))
    place = st.floats(0, 12).map(lambda metres: round(metres, 1))
    return [
        look(
            f"{n:02d}",
            draw(place),
            draw(place),
            drive := draw(st.sampled_from("abcd")),
            frame=f"{drive}{draw(st.integers(0, 3))}",
            type=draw(st.sampled_from([HOLE, CRACK, DistressType.PATCH])),
            length=draw(st.sampled_from([0.4, 1.0, 6.0])),
            second=draw(st.integers(0, 2)),
        )
        for n in range(count)
    ]


@settings(max_examples=25, deadline=None)
@given(crowds(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(seen, random):
    shuffled = list(seen)
    random.shuffle(shuffled)
    assert merge(seen, PLANE).homes() == merge(shuffled, PLANE).homes()


@settings(max_examples=25, deadline=None)
@given(crowds())
def test_a_defect_is_named_after_its_first_sighting_and_every_sighting_has_one(seen):
    homes = merge(seen, PLANE).homes()
    assert homes.keys() == {sighting.id for sighting in seen}
    known = {sighting.id: (sighting.seen_at, sighting.id) for sighting in seen}
    for defect in set(homes.values()):
        assert known[defect] == min(known[name] for name in homes if homes[name] == defect)


@settings(max_examples=25, deadline=None)
@given(crowds())
def test_holes_of_one_frame_that_do_not_overlap_are_never_one(seen):
    holes = [sighting for sighting in seen if sighting.type is HOLE and sighting.length_m < 3]
    merged = merge(holes, PLANE)
    homes, place = merged.homes(), dict(zip(merged.looks.ids.tolist(), merged.looks.place, strict=True))
    for one in holes:
        for other in holes:
            apart = np.abs(place[one.id] - place[other.id]).max() > 1.0
            if one.frame == other.frame and apart and homes[one.id] == homes[other.id]:
                between = [s for s in holes if s.frame == one.frame and homes[s.id] == homes[one.id]]
                assert len(between) > 2, "only a chain of overlapping boxes may join them"
