"""The pure rules: which frame, what time, when again, what to give up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.detections import Position
from roadwarden.inference.stream.backoff import Backoff, Endurance
from roadwarden.inference.stream.config import CameraConfig
from roadwarden.inference.stream.familiar import Familiar
from roadwarden.inference.stream.forgetting import forgotten_before, kept_for
from roadwarden.inference.stream.policy import ARCHIVE, LIVE
from roadwarden.inference.stream.sampling import ByChange, ByDistance, ByTime, EveryFrame, Glimpse, Sampler
from roadwarden.inference.stream.timeline import Timeline
from roadwarden.inference.stream.worktime import WorkTime

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
    def test_a_live_frame_is_stale_after_its_budget_and_one_of_an_archive_never(self):
        assert LIVE.is_stale(10.0, 11.6)
        assert not LIVE.is_stale(10.0, 10.9)
        assert not ARCHIVE.is_stale(10.0, 1e9)


class TestWorkTime:
    def test_follows_what_it_took_lately_and_allows_for_what_varies(self):
        steady, restless = WorkTime(), WorkTime()
        for number in range(60):
            steady, restless = steady.after(0.2), restless.after(0.1 if number % 2 else 0.3)
        assert steady.likely_s == pytest.approx(0.2, abs=1e-3)
        assert 0.3 < restless.likely_s < 0.5
        for _ in range(40):
            steady = steady.after(0.8)
        assert steady.likely_s == pytest.approx(0.8, abs=0.02)

    def test_is_nothing_before_the_first_frame(self):
        assert WorkTime().likely_s == 0.0


def camera(**source):
    return CameraConfig.model_validate({"source": source})


class TestForgetting:
    """A key that is forgotten too early is a frame that is looked at twice."""

    CAMERAS: ClassVar = {
        "gate": camera(kind="network", url="rtsp://h/1"),
        "folder": camera(kind="folder", path="in"),
        "film": camera(kind="video", path="a.mp4", pace="recorded"),
        "boxes": camera(kind="boxes", url="nats://h", ack_wait_s=3600, tries=100),
    }

    def test_what_lies_on_a_disk_is_read_again_whenever_a_worker_begins_and_is_known_for_ever(self):
        gone = forgotten_before(self.CAMERAS, {"bus-1": "boxes"}, timedelta(days=1), NOON)
        assert gone.keys() == {"gate", "bus-1"}
        assert gone["gate"] == NOON - timedelta(days=1)

    def test_a_broker_s_frames_are_known_for_as_long_as_it_may_bring_them_again(self):
        gone = forgotten_before(self.CAMERAS, {"bus-1": "boxes"}, timedelta(days=1), NOON)
        assert NOON - gone["bus-1"] > timedelta(seconds=3600 * 100)
        assert kept_for(self.CAMERAS["boxes"], timedelta(days=30)) == timedelta(days=30)

    def test_cameras_of_a_source_that_is_no_more_in_the_file_are_somebody_else_s(self):
        assert forgotten_before({}, {"bus-1": "boxes"}, timedelta(days=1), NOON) == {}


class TestFamiliar:
    """Asking costs a transaction; not asking costs a look at a frame that was kept before."""

    def asked_of(self, kept, frames):
        questions = []

        def known(keys):
            questions.extend(keys)
            return kept & set(keys)

        familiar = Familiar(known)
        found = set()
        for frame in frames:
            found |= familiar.among([("cam", frame)])
        return questions, found

    def test_all_of_an_archive_that_was_kept_before_is_known(self):
        frames = [str(number) for number in range(200)]
        assert self.asked_of(set(frames), frames)[1] == set(frames)

    def test_a_new_archive_is_hardly_asked_about(self):
        questions, found = self.asked_of(set(), [str(number) for number in range(1000)])
        assert found == set()
        assert len(questions) < 100

    def test_where_what_is_known_begins_late_a_few_are_looked_at_twice(self):
        frames = [str(number) for number in range(300)]
        kept = set(frames[101:])
        assert len(kept - self.asked_of(kept, frames)[1]) < 16
