"""Pairs that no matcher chose: what they share is known, and the figures count what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadwarden.data.splits import SplitRow
from roadwarden.defects.same_place import shipped_same_place_table
from roadwarden.errors import DataError
from roadwarden.eval.alignment import Laid, Shared, Source, ViewPair, lay, score
from roadwarden.eval.alignment_pairs import (
    band_of,
    drawn_blindly,
    neighbours,
    read_judged,
    share_of_ride,
    shared_view,
)
from roadwarden.eval.repairs_street import CAMERA
from roadwarden.repairs.table import shipped_repair_table
from tests.repairs.repair_scenes import BOX, LOOK_B, road

TABLE, SAME = shipped_repair_table(), shipped_same_place_table()


def row(image: str, group: str = "G", place: str = "") -> SplitRow:
    return SplitRow(image, "brazil", "survey", group, place)


def pair(truth: np.ndarray) -> ViewPair:
    before = road()
    after = cv2.warpPerspective(before, LOOK_B, (640, 480), borderMode=cv2.BORDER_REFLECT)
    return ViewPair("one", Source.STREET, "g", Shared.MOST, before, after, BOX, truth)


def test_a_camera_that_has_not_moved_shares_everything_and_less_the_further_it_goes() -> None:
    shares = [shared_view(CAMERA, 10.0, CAMERA, 10.0 + metres) for metres in (0.0, 1.0, 3.0, 6.0)]
    assert shares[0] == pytest.approx(1.0, abs=0.001)
    assert shares == sorted(shares, reverse=True)
    assert shares[3] < 0.5
    assert shared_view(CAMERA, 10.0, replace(CAMERA, yaw_deg=179.0), 10.0) == 0.0


def test_what_two_views_share_is_the_same_from_either_side() -> None:
    turned = replace(CAMERA, yaw_deg=12.0, lateral_m=0.2)
    assert shared_view(CAMERA, 5.0, turned, 7.0) == shared_view(turned, 7.0, CAMERA, 5.0)


def test_five_metres_of_the_brazilian_ride_are_just_short_of_what_is_asked() -> None:
    assert share_of_ride(0.0) == pytest.approx(1.0)
    assert [band_of(share_of_ride(metres)) for metres in (3.0, 4.0, 5.0, 40.0)] == [
        Shared.MOST,
        Shared.ABOUT,
        Shared.NEARLY,
        Shared.LESS,
    ]


def test_neighbours_are_chosen_by_metres_alone_and_rides_are_not_mixed() -> None:
    names = ["a/1_RUN_A_100.jpg", "a/2_RUN_A_104.jpg", "a/3_RUN_A_111.jpg", "a/4_RUN_B_106.jpg", "a/5_RUN_A_104.jpg"]
    found = neighbours([row(name) for name in reversed(names)])
    assert [(one.first.image, one.second.image, one.metres) for one in found] == [(names[0], names[1], 4.0)]
    with pytest.raises(DataError, match="metres"):
        neighbours([row("a/street.jpg")])


def test_pairs_are_drawn_blindly_within_a_street_and_streets_take_turns() -> None:
    rows = [
        row(f"{group}{number}", group, f"p{number % 2}") for group in "AB" for number in range(6 if group == "A" else 3)
    ]
    drawn = drawn_blindly(rows, lambda one: one.group, 6, seed=3)
    assert [one.a[0] for one in drawn] == list("ABABAB")
    assert all(one.a[0] == one.b[0] for one in drawn)
    assert drawn == drawn_blindly(rows[::-1], lambda one: one.group, 6, seed=3)
    within = drawn_blindly(rows, lambda one: one.place, 99, seed=3)
    assert len(within) == 2 * 3 + 1
    assert all(int(one.a[1]) % 2 == int(one.b[1]) % 2 for one in within)


def test_a_registration_that_lies_elsewhere_is_counted_as_wrong() -> None:
    right = lay(pair(LOOK_B), TABLE, SAME)
    assert right.registered
    assert right.usable
    assert right.error is not None
    assert right.error < 0.002
    elsewhere = LOOK_B @ np.array([[1, 0, 40.0], [0, 1, 0], [0, 0, 1]])
    wrong = lay(pair(elsewhere), TABLE, SAME)
    found = score([right, wrong]).counted[Source.STREET]
    assert (found.wrong.part, found.wrong.whole) == (1, 2)
    assert (found.misled.part, found.misled.whole) == (1, 2), "the road around the spot fits in both"
    strict = TABLE.model_copy(update={"look": TABLE.look.model_copy(update={"least_around": 1.0})})
    assert lay(pair(LOOK_B), strict, SAME).looked_through is False
    assert lay(replace(pair(LOOK_B), box=None), TABLE, SAME).looked_through is None


def test_another_road_is_not_laid_and_only_sure_bands_count_for_the_target() -> None:
    lost = lay(replace(pair(LOOK_B), after=road(9)), TABLE, SAME)
    assert (lost.registered, lost.usable, lost.error) == (False, False, None)
    by_eye = [
        Laid(str(number), Source.EYE, "g", shared, registered=True, usable=usable, inliers=20, error=None)
        for number, (shared, usable) in enumerate(
            [(Shared.MOST, True), (Shared.MOST, False), (Shared.ABOUT_BY_EYE, True), (Shared.CANNOT_TELL, True)]
        )
    ]
    figures = score([lost, *by_eye])
    assert (figures.counted[Source.EYE].usable.part, figures.counted[Source.EYE].usable.whole) == (1, 2)
    assert figures.counted[Source.STREET].usable.part == 0
    assert figures.bands[Source.EYE, Shared.ABOUT_BY_EYE].usable.value == 1.0


def test_a_word_that_nobody_knows_in_the_list_of_judged_pairs_is_named(tmp_path: Path) -> None:
    file = tmp_path / "eye.csv"
    file.write_text("no,drawn_from,image_a,image_b,shared\n1,group,a.jpg,b.jpg,half\n")
    with pytest.raises(DataError, match="'half' is not known"):
        read_judged(file, {"a.jpg": "G"})
    file.write_text("no,drawn_from,image_a,image_b,shared\n1,group,a.jpg,b.jpg,most\n")
    assert read_judged(file, {"a.jpg": "G"})[0].shared is Shared.MOST
    with pytest.raises(DataError, match=r"'a\.jpg' is not known"):
        read_judged(file, {})
