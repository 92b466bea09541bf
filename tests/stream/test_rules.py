"""The pure rules: which frame, what time, when again, what to give up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.detections import Position
from roadwarden.inference.stream.backoff import Backoff, Endurance
from roadwarden.inference.stream.policy import ARCHIVE, LIVE
from roadwarden.inference.stream.sampling import ByChange, ByDistance, ByTime, EveryFrame, Glimpse, Sampler
from roadwarden.inference.stream.timeline import Timeline

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def chosen(rule, glimpses):
    sampler, numbers = Sampler(rule), []
    for number, glimpse in enumerate(glimpses):
        wanted, sampler = sampler.step(glimpse)
        if wanted:
            numbers.append(number)
    return numbers


class TestSampling:
    def test_every_frame_takes_every_frame(self):
        assert chosen(EveryFrame(), [Glimpse(NOON)] * 3) == [0, 1, 2]

    def test_by_time_takes_one_a_second_of_25(self):
        frames = [Glimpse(NOON + seconds(number / 25)) for number in range(76)]
        assert chosen(ByTime(1.0), frames) == [0, 25, 50, 75]

    def test_by_distance_a_frame_every_three_metres_at_ten_metres_a_second_and_none_at_the_red_light(self):
        speeds = [10.0] * 25 + [0.0] * 50 + [10.0] * 26
        frames = [
            Glimpse(NOON + seconds(number / 25), Position(30, 120, 90, speed)) for number, speed in enumerate(speeds)
        ]
        numbers = chosen(ByDistance(3.0), frames)
        assert len(numbers) == pytest.approx(1 + 20 / 3, abs=1)
        assert not [number for number in numbers if 30 <= number < 75]

    def test_by_distance_without_speed_goes_by_places(self):
        frames = [Glimpse(NOON + seconds(number), Position(30 + number * 1e-5, 120)) for number in range(10)]  # 1.1 m
        assert chosen(ByDistance(3.0), frames) == [0, 3, 6, 9]

    def test_in_a_tunnel_time_takes_the_place_of_distance(self):
        frames = [Glimpse(NOON + seconds(number / 10)) for number in range(31)]
        assert chosen(ByDistance(3.0, without_position_s=1.0), frames) == [0, 10, 20, 30]

    def test_a_clock_that_is_set_back_blinds_no_camera(self):
        frames = [Glimpse(NOON), Glimpse(NOON - seconds(3600)), Glimpse(NOON - seconds(3599))]
        assert chosen(ByTime(1.0), frames) == [0, 1, 2]

    def test_by_change_takes_what_is_new_and_now_and_then_what_is_not(self):
        still, other = np.zeros((36, 64), np.uint8), np.zeros((36, 64), np.uint8)
        other[:, :32] = 60
        pictures = [still, still, other, other, still]
        frames = [Glimpse(NOON + seconds(5 * number), None, one) for number, one in enumerate(pictures)]
        assert chosen(ByChange(6.0, 1.0, 600.0), frames) == [0, 2, 4]
        assert chosen(ByChange(6.0, 1.0, 5.0), frames) == [0, 1, 2, 3, 4]
        assert chosen(ByChange(6.0, 60.0, 600.0), frames) == [0]

    def test_a_cloud_is_no_change_of_the_road(self):
        sunny = np.random.default_rng(1).integers(60, 120, (36, 64)).astype(np.uint8)
        frames = [Glimpse(NOON + seconds(5 * n), None, sunny - 50 * (n % 2)) for n in range(4)]
        assert chosen(ByChange(6.0), [Glimpse(f.at, None, f.thumbnail.astype(np.uint8)) for f in frames]) == [0]


class TestTimeline:
    def stamps(self, timeline, rows):
        found = []
        for pts, now in rows:
            stamp, timeline = timeline.stamp(pts, NOON + seconds(now))
            found.append(((stamp.at - NOON).total_seconds(), stamp.segment))
        return found

    def test_a_live_stream_keeps_its_own_beat_whatever_the_network_does(self):
        rows = [(100.0, 0.0), (100.04, 0.3), (100.08, 0.3), (100.12, 0.31)]
        assert [at for at, _ in self.stamps(Timeline(live=True), rows)] == pytest.approx([0, 0.04, 0.08, 0.12])

    @pytest.mark.parametrize("jump", [5000.0, -5000.0], ids=["ahead", "back"])
    def test_a_jump_of_the_stream_begins_a_new_segment_at_the_time_of_day(self, jump):
        rows = [(100.0, 0.0), (100.04, 0.04), (100.08 + jump, 0.08), (100.12 + jump, 0.12)]
        assert self.stamps(Timeline(live=True), rows) == [
            (0, 0),
            (pytest.approx(0.04), 0),
            (pytest.approx(0.08), 1),
            (pytest.approx(0.12), 1),
        ]

    def test_a_stream_whose_clock_runs_twice_as_fast_is_pinned_again(self):
        rows = [(2.0 * number, 1.0 * number) for number in range(20)]
        found = self.stamps(Timeline(live=True), rows)
        assert all(abs(at - number) <= 5.001 for number, (at, _) in enumerate(found))
        assert found[-1][1] >= 1

    def test_a_silence_is_no_jump(self):
        assert [segment for _, segment in self.stamps(Timeline(live=True), [(0.0, 0.0), (60.0, 60.0)])] == [0, 0]

    def test_frames_of_a_live_stream_without_times_have_those_of_their_arrival(self):
        assert self.stamps(Timeline(live=True), [(None, 0.0), (None, 0.5)]) == [(0, 0), (0.5, 0)]

    def test_a_file_s_frames_are_counted_from_its_beginning_and_a_jump_does_not_move_them_by_days(self):
        rows = [(0.0, 0.0), (1.0, 0.0), (100_000.0, 0.0), (100_001.0, 0.0), (3.0, 0.0), (None, 0.0)]
        found = self.stamps(Timeline(live=False, nominal_s=0.5), rows)
        assert found == [(0, 0), (1, 0), (1.5, 1), (2.5, 1), (3.0, 2), (3.5, 2)]

    def test_a_reconnect_begins_a_new_segment(self):
        _, timeline = Timeline(live=True).stamp(1.0, NOON)
        stamp, _ = timeline.broken().stamp(1.04, NOON + seconds(30))
        assert (stamp.segment, stamp.at) == (1, NOON + seconds(30))

    @given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=40))
    def test_segments_never_fall_and_a_live_time_is_never_far_from_now(self, clocks):
        found = self.stamps(Timeline(live=True), [(pts, 0.04 * number) for number, pts in enumerate(clocks)])
        segments = [segment for _, segment in found]
        assert segments == sorted(segments)
        assert all(abs(at - 0.04 * number) <= 5.0 for number, (at, _) in enumerate(found))


class TestTryingAgain:
    def test_pauses_double_up_to_a_minute_and_chance_takes_off_up_to_half(self):
        pauses = [Backoff().pause_s(failures, Random(failures)) for failures in range(12)]
        assert pauses[0] == 0
        for failures, pause in enumerate(pauses[1:], start=1):
            whole = min(60.0, 2.0 ** (failures - 1))
            assert whole / 2 <= pause <= whole

    def test_two_buses_do_not_call_at_the_same_second(self):
        assert len({Backoff().pause_s(5, Random(bus)) for bus in range(20)}) == 20

    def test_six_deaths_in_a_minute_are_too_many_and_five_are_not(self):
        assert not Endurance().is_spent([0, 1, 2, 3, 4], 5)
        assert Endurance().is_spent([0, 1, 2, 3, 4, 5], 5)
        assert not Endurance().is_spent([0, 1, 2, 3, 4, 70], 70)


class TestWhenBehind:
    def test_a_live_frame_is_stale_after_a_second_and_one_of_an_archive_never(self):
        assert LIVE.is_stale(10.0, 11.5)
        assert not LIVE.is_stale(10.0, 10.9)
        assert not ARCHIVE.is_stale(10.0, 1e9)
