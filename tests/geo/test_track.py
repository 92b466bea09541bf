"""Fixes to poses: what a receiver writes, what is wrong with it, and what a pose is worth."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.detections import Position
from roadwarden.geo.fixes import Fault, Fix, check
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.pose import LeverArm
from roadwarden.geo.smoothing import smooth
from roadwarden.geo.track import HeadingFrom, TrackSettings, poses_at

START = datetime(2026, 5, 1, 8, tzinfo=UTC)
PLANE = LocalPlane(30.2741, 120.1551)


def after(seconds):
    return START + timedelta(seconds=float(seconds))


def fix(seconds, east, north, **more):
    lat, lon = PLANE.to_degrees([(east, north)])[0]
    return Fix(after(seconds), float(lat), float(lon), **more)


def drive_north(count=40, speed=10.0, **more):
    return [fix(second, 0.0, speed * second, **more) for second in range(count)]


def faults(findings):
    return {finding.fault: finding.indices for finding in findings}


def east_north(pose):
    return PLANE.metres_of(pose.position)


# What is wrong with fixes


def test_a_clean_drive_has_no_findings():
    checked = check(drive_north())
    assert checked.kept == tuple(range(40))
    assert checked.findings == ()


def test_a_jump_of_5_km_there_and_back_is_left_out_and_named():
    fixes = drive_north()
    for index in (12, 13, 14):
        fixes[index] = fix(index, 5_000.0, 10.0 * index)
    checked = check(fixes)
    assert faults(checked.findings) == {Fault.JUMP: (12, 13, 14)}
    assert len(checked.kept) == 37


def test_a_wrong_first_fix_does_not_throw_the_track_away():
    checked = check([fix(0, 5_000.0, 0.0), *drive_north()[1:]])
    assert faults(checked.findings) == {Fault.JUMP: (0,)}


def test_a_step_that_is_a_little_too_far_costs_a_few_fixes_and_not_the_drive():
    tunnel = [fix(40 + second, 150.0, 400.0 + 10 * second) for second in range(40)]  # 150 m aside within a second
    checked = check(drive_north() + tunnel)
    assert faults(checked.findings) == {Fault.JUMP: (40,)}


def test_after_a_ferry_the_drive_goes_on():
    ferry = [fix(3_600 + second, 20_000.0, 10.0 * second) for second in range(20)]
    assert check(drive_north() + ferry).findings == ()


def test_time_going_backwards_is_put_in_order_and_named():
    fixes = drive_north(6)
    fixes[2], fixes[3] = fixes[3], fixes[2]
    checked = check(fixes)
    assert checked.kept == (0, 1, 3, 2, 4, 5)
    (finding,) = checked.findings
    assert (finding.fault, finding.indices, finding.left_out) == (Fault.BACKWARDS, (3,), False)


def test_a_duplicated_fix_is_named_and_left_out():
    fixes = drive_north(6)
    assert faults(check([*fixes, fixes[2]]).findings) == {Fault.BACKWARDS: (6,), Fault.DUPLICATE: (6,)}


def test_swapped_columns_are_named_in_china_where_they_leave_the_earth():
    whole = [Fix(each.at, each.lon, each.lat) for each in drive_north(5)]
    checked = check(whole)
    assert checked.kept == ()
    assert faults(checked.findings) == {Fault.SWAPPED: (0, 1, 2, 3, 4)}
    assert "exchange the columns" in str(checked.findings[0])


def test_a_few_swapped_rows_are_named_in_brazil_where_they_stay_on_it():
    rio = [Fix(after(second), -22.9 + 0.0001 * second, -43.2) for second in range(10)]
    rio[4] = Fix(rio[4].at, rio[4].lon, rio[4].lat)
    assert faults(check(rio).findings) == {Fault.SWAPPED: (4,)}


def test_rows_without_a_place_are_named():
    fixes = [
        *drive_north(5),
        Fix.of(after(5), None),
        Fix(after(6), math.nan, 120.0),
        Fix(after(7), 0.0, 0.0),
        Fix(after(8), 3_350_000.0, 514_000.0),
        Fix.of(after(9), Position(30.2742, 120.1551)),
    ]
    assert faults(check(fixes).findings) == {Fault.NO_POSITION: (5, 6, 7), Fault.NOT_ON_EARTH: (8,)}


def test_standing_at_the_lights_is_named_and_kept():
    stop = [fix(10 + second, 0.0, 90.0) for second in range(30)]
    go = [fix(40 + second, 0.0, 90.0 + 10 * second) for second in range(10)]
    checked = check([*drive_north(10), *stop, *go])
    (finding,) = checked.findings
    assert finding.fault is Fault.STANDING
    assert set(range(11, 39)) <= set(finding.indices) <= set(range(9, 42))
    assert len(checked.kept) == 50


any_fix = st.one_of(
    st.builds(lambda s, lat: Fix(after(s), lat, 120.1551), st.integers(0, 60), st.floats(30.27, 30.28)),
    st.builds(lambda s: Fix(after(s), 30.32, 120.20), st.integers(0, 60)),
    st.builds(lambda s: Fix(after(s), None, 120.0), st.integers(0, 60)),
    st.builds(lambda s: Fix(after(s), 120.1551, 30.2741), st.integers(0, 60)),
)


@given(st.lists(any_fix, max_size=40))
def test_no_fix_is_lost_each_is_kept_or_left_out_with_a_reason(fixes):
    checked = check(fixes)
    left_out = [index for finding in checked.findings if finding.left_out for index in finding.indices]
    assert sorted([*checked.kept, *left_out]) == list(range(len(fixes)))
    times = [fixes[index].at for index in checked.kept]
    assert times == sorted(times)


def test_a_track_of_nothing_but_jumps_ends_in_time():
    dice = np.random.default_rng(1)
    fixes = [Fix(after(second), *place) for second, place in enumerate(dice.uniform(30, 32, (2_000, 2)))]
    checked = check(fixes)
    assert 0 < len(checked.kept) < 2_000


# Smoothing


def exact(seconds, places, sigmas, wanted, acceleration):
    """The same posterior by dense algebra: integrated Brownian motion of unknown start and speed (all at once)."""
    zero = min(seconds[0], wanted[0])

    def kernel(first, second):
        s, t = np.minimum.outer(first - zero, second - zero), np.maximum.outer(first - zero, second - zero)
        start = 1e6 + 900.0 * np.outer(first - zero, second - zero)
        return acceleration * (s**2 * t / 2 - s**3 / 6) + start

    gain = kernel(wanted, seconds) @ np.linalg.inv(kernel(seconds, seconds) + np.diag(sigmas**2))
    mean = places[0] + gain @ (places - places[0])
    return mean, np.diag(kernel(wanted, wanted) - gain @ kernel(seconds, wanted))


def test_the_smoother_agrees_with_the_dense_solution():
    dice = np.random.default_rng(2)
    seconds = np.sort(dice.uniform(0, 30, 25))
    metres = np.stack([8 * seconds, np.sin(seconds)], 1) + dice.normal(0, 1, (25, 2))
    sigmas, wanted = dice.uniform(0.5, 2, 25), np.array([0.0, 0.5, 11.1, seconds[7], 29.0, 31.0])
    states, outlying = smooth(seconds, metres, sigmas, wanted, 0.7)
    assert not outlying.any()
    for axis in (0, 1):
        mean, variance = exact(seconds, metres[:, axis], sigmas, wanted, 0.7)
        assert states.metres[:, axis] == pytest.approx(mean, abs=2e-3)
        # The dense solution takes one large prior from another: its own error is some 1e-3.
        assert states.variance_m2 == pytest.approx(variance, rel=2e-3, abs=2e-3)


def test_what_the_poses_say_of_their_own_error_is_true():
    dice = np.random.default_rng(7)
    squares = []
    for _ in range(40):
        speed = np.array([8, 3]) + np.cumsum(dice.normal(0, np.sqrt(0.5 * 0.1), (600, 2)), axis=0)
        truth = np.cumsum(speed * 0.1, axis=0)
        seconds = np.arange(0, 60, 1.0)
        fixes = truth[::10] + dice.normal(0, 1.0, (60, 2))
        states, _ = smooth(seconds, fixes, np.ones(60), np.arange(5, 55, 2.5) + 0.5, 0.5)
        rows = ((np.arange(5, 55, 2.5) + 0.5) * 10).round().astype(int)
        squares.append(((states.metres - truth[rows]) ** 2).sum(axis=1) / states.variance_m2)
    assert np.mean(squares) == pytest.approx(2.0, rel=0.12)  # chi-square of two degrees of freedom


def test_a_smooth_track_is_nearer_the_truth_than_its_fixes():
    dice = np.random.default_rng(3)
    noisy = [fix(s, dice.normal(0, 1), 10 * s + dice.normal(0, 1), sigma_m=1.0) for s in range(120)]
    found = poses_at(noisy, [after(s) for s in range(120)])
    error = [math.dist(east_north(pose), (0, 10 * s)) for s, pose in enumerate(found.poses)]
    raw = [math.dist(PLANE.metres_of(Position(each.lat, each.lon)), (0, 10 * s)) for s, each in enumerate(noisy)]
    assert np.mean(error) < 0.75 * np.mean(raw)


def test_a_fix_30_m_off_is_weighed_down_and_named():
    fixes = drive_north(sigma_m=1.0)
    fixes[20] = fix(20, 25.0, 200.0, sigma_m=1.0)
    found = poses_at(fixes, [after(20)])
    assert faults(found.findings) == {Fault.DEVIATING: (20,)}
    assert abs(east_north(found.poses[0])[0]) < 2.5


# Poses


def test_a_frame_between_two_fixes_has_its_place_between_them():
    found = poses_at(drive_north(), [after(10.5), after(3.25)])
    assert [east_north(pose) for pose in found.poses] == [
        pytest.approx((0, 105), abs=0.01),
        pytest.approx((0, 32.5), abs=0.01),
    ]
    assert found.findings == ()


def test_in_a_gap_a_place_is_less_sure():
    fixes = [each for each in drive_north() if not 18 <= (each.at - START).total_seconds() <= 21]
    inside, outside = poses_at(fixes, [after(19.5), after(10.5)]).poses
    assert inside.covariance.north_m2 > 1.5 * outside.covariance.north_m2


def test_times_with_no_fix_near_them_have_no_pose_but_a_finding():
    found = poses_at(drive_north(), [after(-60), after(5), after(500)])
    assert [pose is None for pose in found.poses] == [True, False, True]
    assert faults(found.findings) == {Fault.OFF_TRACK: (0, 2)}


def test_heading_comes_from_the_motion_where_the_receiver_gives_none():
    east = [fix(second, 10.0 * second, 0.0) for second in range(30)]
    (pose,) = poses_at(east, [after(15)]).poses
    assert pose.heading_deg == pytest.approx(90, abs=0.1)
    assert 0 < pose.heading_sigma_deg < 10


def test_a_receivers_heading_is_taken_the_short_way_round_north():
    fixes = [fix(s, 0.0, 10.0 * s, heading_deg=359.0 if s % 2 else 3.0) for s in range(20)]
    (pose,) = poses_at(fixes, [after(8.5)]).poses
    assert pose.heading_deg == pytest.approx(1.0)
    assert pose.heading_sigma_deg == 2.0
    (moved,) = poses_at(fixes, [after(8.5)], settings=TrackSettings(heading_from=HeadingFrom.MOTION)).poses
    assert min(moved.heading_deg, 360 - moved.heading_deg) < 0.1


def test_at_the_lights_the_heading_stays_and_is_less_sure():
    stop = [fix(20 + second, 190.0, 0.0) for second in range(40)]
    east = [fix(second, 10.0 * second, 0.0) for second in range(20)]
    (pose,) = poses_at([*east, *stop], [after(45)]).poses
    assert pose.heading_deg == pytest.approx(90, abs=5)
    assert pose.heading_sigma_deg >= 5


def test_a_vehicle_that_never_moved_has_no_heading_and_says_so():
    found = poses_at([fix(second, 0.0, 0.0) for second in range(60)], [after(30)])
    assert found.poses == (None,)
    assert Fault.NO_HEADING in faults(found.findings)


def test_the_camera_is_before_and_beside_the_antenna():
    east = [fix(second, 10.0 * second, 0.0, heading_deg=90.0) for second in range(30)]
    (pose,) = poses_at(east, [after(15)], LeverArm(forward_m=2.0, left_m=1.0)).poses
    assert east_north(pose) == pytest.approx((152.0, 1.0), abs=0.01)


def test_a_long_arm_swings_with_an_unsure_heading():
    east = [fix(second, 10.0 * second, 0.0, heading_deg=90.0) for second in range(30)]
    (pose,) = poses_at(east, [after(15)]).poses
    (swung,) = poses_at(east, [after(15)], LeverArm(forward_m=10.0)).poses
    wider = swung.covariance.north_m2 - pose.covariance.north_m2
    assert wider == pytest.approx((10 * math.radians(2.0)) ** 2, rel=1e-3)
    assert swung.covariance.east_m2 == pytest.approx(pose.covariance.east_m2, abs=1e-6)


def test_no_fixes_no_poses_and_nothing_raised():
    assert poses_at([], []) == poses_at([], [])
    found = poses_at([], [after(0)])
    assert found.poses == (None,)
    assert faults(found.findings) == {Fault.OFF_TRACK: (0,)}
