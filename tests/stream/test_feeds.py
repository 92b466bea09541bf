"""Sources: what comes out of them, and that whatever goes wrong with one is counted and mended, or told loudly."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from cameras import write_film, write_pictures

from roadwarden.data.archives.video import VideoArchive
from roadwarden.errors import StreamError
from roadwarden.inference.stream.backoff import Backoff, Endurance
from roadwarden.inference.stream.decoding.messages import DecoderSpec, FolderSpec, VideoSpec
from roadwarden.inference.stream.decoding.start import DECODERS
from roadwarden.inference.stream.feed import DecoderFeed, Restarts
from roadwarden.inference.stream.protocols import Arrival
from roadwarden.inference.stream.sampling import ByChange, ByTime
from roadwarden.inference.stream.values import Door, Passed, Waiting
from tests.conftest import jpeg, textured

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUICK = Backoff(first_s=0.1, longest_s=0.5)


ALL = 1000
"""Frames that these tests hold in hand at once: a list of all messages lets no picture go."""


def film_spec(place, **kind):
    return DecoderSpec("cam", VideoSpec(str(place), live=False, starts_at=NOON), in_hand=ALL, **kind)


def decoders():
    """Processes of decoders: forked by a server that is our child."""
    return [
        one
        for one in psutil.Process().children(recursive=True)
        if one.ppid() != os.getpid() and "forkserver" in " ".join(one.cmdline())
    ]


def network(url, **kind):
    source = VideoSpec(url, live=True, timeout_s=2.0, silence_s=2.0, backoff=QUICK)
    return DecoderSpec("cam", replace(source, **kind), in_hand=ALL)


def folder_spec(place, **kind):
    return DecoderSpec("cam", FolderSpec(place, watch=True, poll_s=0.05, settled_s=0.05), in_hand=ALL, **kind)


def counted(messages):
    doors = Counter()
    for one in messages:
        if isinstance(one, Passed):
            doors[one.door] += one.count
    return doors


def frames(messages):
    return [one.frame for one in messages if isinstance(one, Arrival)]


class Listening:
    """Reads a feed in a thread, as the worker does."""

    def __init__(self, feed, on_message=lambda _message, _listening: None):
        self.messages, self.error, self.stop = [], None, threading.Event()
        self._thread = threading.Thread(target=self._read, args=(feed, on_message), daemon=True)

    def _read(self, feed, on_message):
        try:
            for message in feed.arrivals(self.stop):
                self.messages.append(message)
                on_message(message, self)
        except StreamError as exc:
            self.error = exc

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def until(self, holds, seconds=40.0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds(self.messages):
                return
            time.sleep(0.02)
        raise AssertionError(f"not within {seconds} s: {self.messages[-5:]} {self.error}")


class TestAFilm:
    def test_gives_every_frame_once_with_its_time_and_the_batch_job_s_hash(self, film):
        seen = list(DecoderFeed(film_spec(film)).arrivals(threading.Event()))
        found = frames(seen)
        assert [one.number for one in found] == list(range(30))
        assert [one.captured_at for one in found] == [NOON + timedelta(seconds=n / 10) for n in range(30)]
        archive = VideoArchive(film)
        import hashlib

        for frame, entry in list(zip(found, archive.entries(), strict=True))[::10]:
            assert frame.path == entry.path
            assert frame.sha256 == hashlib.sha256(archive.read(entry.path)).hexdigest()
        assert len({one.trace_id for one in found}) == 30

    def test_sampled_by_time_counts_what_it_lets_go(self, film):
        seen = list(DecoderFeed(film_spec(film, rule=ByTime(1.0))).arrivals(threading.Event()))
        assert [one.number for one in frames(seen)] == [0, 10, 20]
        assert counted(seen) == {Door.SAMPLED_OUT: 27}

    def test_with_key_frames_only(self, film):
        spec = film_spec(film)
        seen = list(
            DecoderFeed(replace(spec, source=replace(spec.source, keyframes_only=True))).arrivals(threading.Event())
        )
        assert len(frames(seen)) + counted(seen)[Door.SAMPLED_OUT] == 30
        assert [one.captured_at.second for one in frames(seen)] == [0, 1, 2]

    def test_at_recorded_speed_lasts_as_long_as_it_was(self, film):
        spec = film_spec(film)
        spec = replace(spec, source=replace(spec.source, recorded_pace=True))
        seen = frames(DecoderFeed(spec).arrivals(threading.Event()))
        assert seen[-1].arrived_s - seen[0].arrived_s == pytest.approx(2.9, abs=0.2)

    def test_that_is_damaged_in_the_middle_loses_only_the_middle_and_counts_it(self, tmp_path):
        place = write_film(tmp_path / "drive.ts", frames=60)
        data = bytearray(place.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 4000] = os.urandom(4000)
        place.write_bytes(data)
        seen = list(DecoderFeed(film_spec(place)).arrivals(threading.Event()))
        lost = counted(seen)[Door.DECODE_ERROR]
        assert 0 < lost < 30
        assert len(frames(seen)) + lost >= 55  # what no packet is left of, nobody can count
        times = [one.captured_at for one in frames(seen)]
        assert times == sorted(times)

    def test_that_is_no_film_is_told(self, tmp_path):
        (tmp_path / "bad.mp4").write_bytes(b"not a film" * 1000)
        with pytest.raises(StreamError, match=r"bad\.mp4: not a video"):
            list(DecoderFeed(film_spec(tmp_path / "bad.mp4")).arrivals(threading.Event()))

    def test_goes_on_after_its_decoder_was_killed(self, film):
        killed = []

        def kill_once(message, _listening):
            if isinstance(message, Arrival) and message.frame.number == 7 and not killed:
                killed.append(decoders()[0].pid)
                os.kill(killed[0], signal.SIGKILL)

        with Listening(DecoderFeed(film_spec(film), Restarts(QUICK)), kill_once) as listening:
            listening.until(lambda seen: frames(seen) and frames(seen)[-1].number == 29)
        assert killed
        numbers = [one.number for one in frames(listening.messages)]
        assert numbers == sorted(set(numbers))
        assert len(numbers) + counted(listening.messages)[Door.DECODE_ERROR] == 30


class TestADecoderThatCannotBeStarted:
    """The server that forks them is gone, or has no memory left: as if the decoder had died, but no frame is lost."""

    def test_is_tried_again(self, film, monkeypatch):
        start, refused = DECODERS.Process.start, []

        def once(process):
            if not refused:
                refused.append(process.name)
                raise EOFError
            start(process)

        monkeypatch.setattr(DECODERS.Process, "start", once)
        seen = list(DecoderFeed(film_spec(film), Restarts(QUICK)).arrivals(threading.Event()))
        assert refused == ["decoder cam"]
        assert [one.number for one in frames(seen)] == list(range(30))
        assert not counted(seen)

    def test_is_given_up_on_when_that_happens_too_often(self, film, monkeypatch):
        def never(_process):
            raise ConnectionRefusedError("nobody listens")

        monkeypatch.setattr(DECODERS.Process, "start", never)
        feed = DecoderFeed(film_spec(film), Restarts(QUICK, Endurance(deaths=2, within_s=60)))
        with pytest.raises(StreamError, match=r"cam: its decoder failed 3 times .* nobody listens; it is given up on"):
            list(feed.arrivals(threading.Event()))

    def test_its_server_is_started_again(self, film):
        list(DecoderFeed(film_spec(film)).arrivals(threading.Event()))
        for one in psutil.Process().children():
            if "forkserver" in " ".join(one.cmdline()):
                one.kill()  # and not waited for: that is for who started it
        seen = list(DecoderFeed(film_spec(film), Restarts(QUICK)).arrivals(threading.Event()))
        assert len(frames(seen)) == 30


class TestALiveCameraWhoseWorkerIsBehind:
    """Frames that would be dropped on arrival are dropped before they are converted, and are driven in vain."""

    def test_hands_on_no_more_than_may_wait(self, film):
        spec = film_spec(film, stale_after_s=60.0, buffer_frames=2)
        seen = list(DecoderFeed(spec, oldest_s=lambda: 60.0).arrivals(threading.Event()))  # none of them gets its turn
        assert [frame.number for frame in frames(seen)] == [0, 1]
        assert counted(seen) == {Door.DROPPED_QUEUE_FULL: 28}
        missed = [one.missed for one in seen if isinstance(one, Passed)]
        assert [frame.number for frame in missed] == list(range(2, 30))
        assert missed[0].captured_at == NOON + timedelta(seconds=0.2)

    def test_hands_on_nothing_that_is_too_old_for_its_turn(self, film):
        spec = film_spec(film, stale_after_s=60.0)
        seen = list(DecoderFeed(spec, oldest_s=lambda: 0.0).arrivals(threading.Event()))
        assert counted(seen) == {Door.DROPPED_STALE: 30}
        assert frames(seen) == []


class TestAFolder:
    def test_is_read_in_order_and_damaged_pictures_are_counted(self, tmp_path):
        folder = write_pictures(tmp_path / "in", 6)
        (folder / "0002.jpg").write_bytes(b"\xff\xd8\xff broken")
        (folder / "0004.jpg").write_bytes((folder / "0004.jpg").read_bytes()[:-500])
        seen = list(DecoderFeed(folder_spec(folder, until_eof=True)).arrivals(threading.Event()))
        assert [one.path for one in frames(seen)] == ["0000.jpg", "0001.jpg", "0003.jpg", "0005.jpg"]
        assert counted(seen) == {Door.DECODE_ERROR: 2}
        assert not any(one.timed for one in frames(seen))

    def test_is_watched_for_new_pictures_and_half_written_ones_are_waited_for(self, tmp_path):
        folder = write_pictures(tmp_path / "in", 2)
        with Listening(DecoderFeed(folder_spec(folder))) as listening:
            listening.until(lambda seen: len(frames(seen)) == 2)
            whole = jpeg(textured(9))
            with (folder / "0009.jpg").open("wb") as handle:
                for part in range(0, len(whole), 3000):
                    handle.write(whole[part : part + 3000])
                    handle.flush()
                    time.sleep(0.01)
            listening.until(lambda seen: len(frames(seen)) == 3)
        assert counted(listening.messages) == {}

    def test_by_change_a_standing_picture_is_looked_at_once(self, tmp_path):
        folder = tmp_path / "in"
        folder.mkdir()
        for number, seed in enumerate([1, 1, 1, 2]):
            (folder / f"{number}.jpg").write_bytes(jpeg(textured(seed)))
        rule = ByChange(grey_levels=3.0, every_s=0.0)
        seen = list(DecoderFeed(folder_spec(folder, until_eof=True, rule=rule)).arrivals(threading.Event()))
        assert [one.path for one in frames(seen)] == ["0.jpg", "3.jpg"]
        assert counted(seen) == {Door.SAMPLED_OUT: 2}


class TestACameraOnTheNetwork:
    def test_gives_frames_with_rising_times(self, rtsp):
        server = rtsp("cam").start()
        with Listening(DecoderFeed(network(server.url("cam")))) as listening:
            listening.until(lambda seen: len(frames(seen)) >= 8)
        found = frames(listening.messages)
        times = [one.captured_at for one in found]
        assert times == sorted(times)
        assert abs((times[-1] - datetime.now(UTC)).total_seconds()) < 15
        assert {(one.width_px, one.height_px) for one in found} == {(320, 192)}

    def test_may_be_away_at_first_and_is_waited_for(self, rtsp):
        server = rtsp("cam")
        with Listening(DecoderFeed(network(server.url("cam")))) as listening:
            listening.until(lambda seen: Waiting(connected=False) in seen)
            assert not frames(listening.messages)
            time.sleep(1.0)
            server.start()
            listening.until(lambda seen: len(frames(seen)) >= 3)

    @pytest.mark.slow
    def test_that_goes_away_and_comes_back_begins_a_new_segment(self, rtsp):
        server, reconnects = rtsp("cam").start(), []
        with Listening(DecoderFeed(network(server.url("cam")), on_reconnect=reconnects.append)) as listening:
            listening.until(lambda seen: len(frames(seen)) >= 3)
            server.kill()
            listening.until(lambda _seen: reconnects)
            server.start()
            listening.until(lambda seen: frames(seen)[-1].segment >= 1)
        numbers = [one.number for one in frames(listening.messages)]
        assert numbers == sorted(set(numbers))
        assert reconnects[0] == "cam"

    @pytest.mark.slow
    def test_that_falls_silent_without_a_goodbye_is_opened_anew(self, rtsp):
        server, reconnects = rtsp("cam").start(), []
        with Listening(DecoderFeed(network(server.url("cam")), on_reconnect=reconnects.append)) as listening:
            listening.until(lambda seen: len(frames(seen)) >= 3)
            server.pause()
            listening.until(lambda _seen: reconnects)
            server.resume()
            before = len(frames(listening.messages))
            listening.until(lambda seen: len(frames(seen)) >= before + 3)

    def test_s_password_is_in_no_log_line(self, rtsp, caplog):
        server = rtsp("locked").start()
        with Listening(DecoderFeed(network(server.url("locked", "guard:wr0ng@")))) as listening:
            listening.until(lambda _seen: "trying again" in caplog.text)
        assert "wr0ng" not in caplog.text
        with Listening(DecoderFeed(network(server.url("locked", "guard:s3cr%40t@")))) as listening:
            listening.until(lambda seen: len(frames(seen)) >= 1)

    @pytest.mark.slow
    def test_whose_decoder_keeps_dying_is_given_up_on_loudly(self, rtsp, caplog):
        server = rtsp("cam").start()

        def kill(message, _listening):
            if isinstance(message, Arrival):
                for child in decoders():
                    child.kill()

        restarts = Restarts(Backoff(first_s=0.05), Endurance(deaths=1, within_s=60))
        with Listening(DecoderFeed(network(server.url("cam")), restarts), kill) as listening:
            listening.until(lambda _seen: listening.error is not None)
        assert "given up on" in str(listening.error)
        assert counted(listening.messages)[Door.DECODE_ERROR] >= 1
