"""Workers that share cameras: one reads each, it moves when that one dies, and nobody writes with an old token."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cameras import write_pictures
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console
from workers import assert_closed, config_in, folder_camera, running, slot_of, until

from roadwarden.detections import Detections
from roadwarden.errors import ConfigError
from roadwarden.inference.stream.config import read_config
from roadwarden.inference.stream.leaseholder import Leaseholder
from roadwarden.inference.stream.meters import Meters
from roadwarden.inference.stream.protocols import Kept, Look
from roadwarden.inference.stream.sharing import Lease, Patience, Pulse, Table, Watch, decide
from roadwarden.inference.stream.top import table as top_table
from roadwarden.inference.stream.values import Door, StreamFrame
from roadwarden.inference.stream.worker import Parts, Worker
from roadwarden.storage.engine import reading as reading_connection
from roadwarden.storage.schema import open_storage
from roadwarden.storage.stream_tables import stream_frames
from roadwarden.storage.unit import reading

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PATIENCE = Patience(lease_s=12.0, round_s=3.0)
MOVED_WITHIN_S = 30.0


# -- the rule, with clocks that differ


@dataclass
class Host:
    """A worker as far as the rule knows it; its clock has an offset and a speed of its own."""

    name: str
    offset_s: float
    speed: float
    watch: Watch = field(default_factory=lambda: Watch(PATIENCE))
    held: dict[str, int] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)
    next_s: float = 0.0
    paused_until_s: float = 0.0
    dead: bool = False
    beat: int = 0

    def is_up(self, now_s):
        return not self.dead and now_s >= self.paused_until_s


class City:
    """Cameras, hosts and the table they meet at; time goes on in half seconds."""

    def __init__(self, cameras):
        self.cameras = [f"camera-{number}" for number in range(cameras)]
        self.table, self.now_s, self.hosts = Table(), 0.0, []
        self.written = defaultdict(list)  # by camera: token and host of every write that the fence let through
        self.refused = 0

    def arrives(self, offset_s, speed):
        self.hosts.append(Host(f"host-{len(self.hosts)}", offset_s, speed, next_s=self.now_s))

    def passes(self, seconds):
        for _ in range(int(seconds * 2)):
            self.now_s += 0.5
            for host in self.hosts:
                if host.is_up(self.now_s):
                    if self.now_s >= host.next_s:
                        self._round(host)
                        host.next_s = self.now_s + PATIENCE.round_s / host.speed
                    self._writes(host)

    def _round(self, host):
        """As ``Leaseholder`` does it, in one transaction."""
        leases, workers = dict(self.table.leases), dict(self.table.workers)
        host.beat += 1
        workers[host.name] = Pulse("fleet", host.beat)
        for camera in host.leaving:
            if leases[camera].worker == host.name:
                leases[camera] = replace(leases[camera], worker=None)
        host.leaving = set()
        table = Table(workers, leases)
        host.watch = host.watch.step(table, self.now_s * host.speed + host.offset_s)
        moves = decide(host.name, self.cameras, table, host.watch)
        for camera, token in moves.take.items():
            assert token > leases.get(camera, Lease()).token
            leases[camera] = Lease(host.name, token)
        self.table = Table({name: pulse for name, pulse in workers.items() if name not in host.watch.dead}, leases)
        host.held = {camera: lease.token for camera, lease in leases.items() if lease.worker == host.name}
        host.leaving = set(moves.let_go)

    def _writes(self, host):
        """What it believes to hold it writes; the database lets through what bears the token that holds."""
        for camera, token in host.held.items():
            if token == self.table.leases[camera].token:
                self.written[camera].append((token, host.name))
            else:
                self.refused += 1

    def readers(self):
        return [self.table.leases.get(camera, Lease()).worker for camera in self.cameras]


clocks = st.tuples(st.floats(-1e6, 1e6), st.floats(0.95, 1.05))
happenings = st.one_of(
    st.tuples(st.just("arrives"), clocks),
    st.tuples(st.just("dies"), st.integers(0, 5)),
    st.tuples(st.just("stands still"), st.integers(0, 5), st.floats(1, 60)),
    st.tuples(st.just("time"), st.floats(0.5, 40)),
)


@settings(max_examples=60, deadline=None)
@example(  # back from a stand-still, its row swept between any two of its beats: it was dead for ever
    cameras=2,
    first=(0.0, 1.0),
    happens=[
        ("arrives", (0.0, 1.0)),
        ("arrives", (0.0, 1.0)),
        ("dies", 0),
        ("stands still", 1, 11.0),
        ("time", 9.0),
    ],
)
@given(cameras=st.integers(1, 9), first=clocks, happens=st.lists(happenings, max_size=12))
def test_however_clocks_go_and_hosts_die_one_token_is_one_host_s_and_all_is_read_again_within_half_a_minute(
    cameras, first, happens
):
    city = City(cameras)
    city.arrives(*first)
    for what, *about in happens:
        if what == "arrives":
            city.arrives(*about[0])
        elif what == "time":
            city.passes(about[0])
        elif what == "dies":
            city.hosts[about[0] % len(city.hosts)].dead = True
        else:
            city.hosts[about[0] % len(city.hosts)].paused_until_s = city.now_s + about[1]
        city.passes(1)
    for host in city.hosts:
        host.paused_until_s = 0.0
    if all(host.dead for host in city.hosts):
        city.arrives(*first)
    city.passes(MOVED_WITHIN_S)
    living = {host.name for host in city.hosts if not host.dead}
    assert set(city.readers()) <= living
    city.passes(2 * MOVED_WITHIN_S)
    counts = [city.readers().count(name) for name in living]
    assert max(counts) - min(counts) <= 1
    for writes in city.written.values():
        tokens = [token for token, _ in writes]
        assert tokens == sorted(tokens)  # who was overtaken writes no more
        assert len(set(writes)) == len(set(tokens))  # a token is of one host


def test_a_host_that_stood_still_for_long_is_overtaken_and_what_it_then_writes_is_refused():
    city = City(4)
    city.arrives(0.0, 1.0)
    city.arrives(5e5, 1.0)
    city.passes(20)
    assert sorted(map(city.readers().count, ("host-0", "host-1"))) == [2, 2]
    city.hosts[0].paused_until_s, city.hosts[0].next_s = city.now_s + 40, city.now_s + 45
    city.passes(40)
    assert city.readers() == ["host-1"] * 4
    city.passes(4)
    assert city.refused > 0
    city.passes(20)
    assert sorted(map(city.readers().count, ("host-0", "host-1"))) == [2, 2]


def test_a_pause_of_ours_tells_nothing_of_others():
    """All were kept from the database for long; whoever gets at it first must not take everything."""
    table = Table({"a": Pulse("f", 5), "b": Pulse("f", 8)}, {"x": Lease("b", 3)})
    watch = Watch(PATIENCE).step(table, 100.0)
    after = watch.step(replace(table, workers={"a": Pulse("f", 6), "b": Pulse("f", 8)}), 160.0)
    assert after.is_living("b")
    assert decide("a", ["x"], table, after).take == {}


def test_workers_of_another_file_keep_what_they_read_and_are_no_peers():
    table = Table({"a": Pulse("new", 1), "b": Pulse("old", 1)}, {"x": Lease("b", 3), "y": Lease("b", 1)})
    watch = Watch(PATIENCE).step(table, 0.0)
    assert decide("a", ["x", "y", "z"], table, watch).take == {"z": 1}


# -- the rows


class Reader:
    """Reads nothing; remembers what it was told."""

    def __init__(self):
        self.reads, self.through = {}, True

    def begin(self, camera, token):
        self.reads[camera] = token

    def quit(self, camera):
        self.reads.pop(camera)

    def is_through(self, _camera):
        return self.through


class Clock:
    def __init__(self, now_s):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


@pytest.fixture
def engine(database_url):
    made = open_storage(database_url)
    yield made
    made.dispose()


def holders(engine, *names, cameras=("a", "b", "c", "d")):
    made = []
    for place, name in enumerate(names):
        reader, clock = Reader(), Clock(1000.0 * place)
        made.append((Leaseholder(engine, reader, lambda: cameras, 12.0, name, clock), reader, clock))
    return made


def rounds(*ones, count=1):
    for _ in range(count):
        for holder, _, clock in ones:
            clock.now_s += 3.0
            holder.round()


def leases(engine):
    with reading(engine) as unit:
        return dict(unit.leases.leases())


def test_cameras_of_a_worker_that_died_are_others_with_a_new_token(engine):
    one, two = holders(engine, "one", "two")
    rounds(one, two, count=4)
    assert sorted(map(len, (one[1].reads, two[1].reads))) == [2, 2]
    assert one[1].reads.keys() | two[1].reads.keys() == set("abcd")
    before = leases(engine)
    rounds(two, count=9)  # one beats no more
    assert two[1].reads.keys() == set("abcd")
    after = leases(engine)
    assert {camera for camera in "abcd" if after[camera][1] > before[camera][1]} == one[1].reads.keys()
    rounds(one)  # it was not dead: it hears that nothing is its own any more
    assert one[1].reads == {}
    rounds(two, one, count=6)
    assert sorted(map(len, (one[1].reads, two[1].reads))) == [2, 2]


def test_a_worker_that_stood_still_after_its_first_beat_is_a_peer_again_though_its_row_is_swept_each_time(engine):
    one, two = holders(engine, "one", "two")
    rounds(one, two)
    rounds(two, count=9)
    assert two[1].reads.keys() == set("abcd")
    rounds(one, two, count=6)
    assert sorted(map(len, (one[1].reads, two[1].reads))) == [2, 2]


def test_a_camera_is_let_go_when_nothing_of_it_is_on_its_way(engine):
    one, two = holders(engine, "one", "two")
    rounds(one)
    assert one[1].reads.keys() == set("abcd")
    one[1].through = False
    rounds(two, one, count=3)
    assert len(one[1].reads) == 2  # no more is read of the others ...
    assert two[1].reads == {}  # ... and nobody else reads them yet
    one[1].through = True
    rounds(one, two, count=2)
    assert len(two[1].reads) == 2


def test_a_worker_that_leaves_gives_all_back_at_once_and_tokens_stay(engine):
    one, two = holders(engine, "one", "two")
    rounds(one, two)
    before = leases(engine)
    one[0].leave()
    rounds(two, count=3)
    assert two[1].reads.keys() == set("abcd")
    assert all(leases(engine)[camera][1] > before[camera][1] for camera in one[1].reads)


# -- workers


def fleet_config(folder, url, cameras=4, lease_s=1.0):
    for number in range(cameras):
        write_pictures(folder / f"in-{number}", 3, seed=100 * number)
    content = {f"gate-{number}": folder_camera(folder / f"in-{number}") for number in range(cameras)}
    return config_in(folder, content, database=url, sharing={"lease_s": lease_s})


def worker_of(folder, engine, name):
    config = read_config(folder / "worker.yaml").model_copy(update={"state": folder / name})
    return Worker(config, Parts(engine, slot_of()))


def kept_frames(engine):
    with reading_connection(engine) as connection:
        return [(row.camera, row.key) for row in connection.execute(stream_frames.select())]


def test_two_workers_read_every_camera_once_and_the_one_that_ends_hands_its_cameras_over(engine, tmp_path):
    fleet_config(tmp_path, engine.url.render_as_string(hide_password=False))
    one, two = (worker_of(tmp_path, engine, name) for name in ("one", "two"))
    with running(one) as first:
        until(lambda: len(one.runners) == 4)
        with running(two) as second:
            until(lambda: len(one.runners) == len(two.runners) == 2)
            until(lambda: len(kept_frames(engine)) == 12)
            shown = Console(width=220, record=True)
            shown.print(top_table(one.report().as_json()))
            assert shown.export_text().count("this one") == 2
            page = Meters(one).page().decode()
            assert page.count("roadwarden_camera_lease{") == 4
            assert "roadwarden_cameras_held 2.0" in page
        until(lambda: len(one.runners) == 4)
        for number in range(4):
            write_pictures(tmp_path / f"in-{number}", 5, seed=100 * number)
        until(lambda: len(kept_frames(engine)) == 20)
    assert_closed(second[0])
    assert_closed(first[0])
    assert {lease[0] for lease in leases(engine).values()} == {None}


def test_what_a_worker_still_has_of_a_camera_that_was_taken_from_it_is_refused_and_counted(engine, tmp_path):
    fleet_config(tmp_path, engine.url.render_as_string(hide_password=False), cameras=1)
    worker = worker_of(tmp_path, engine, "one")
    look = Look(StreamFrame("gate-0", 1, NOON, 1.0, "ab" * 32, lease=1), Detections.none(), "m@1")
    later = replace(look, frame=replace(look.frame, captured_at=NOON + timedelta(seconds=1)))
    (stranger,) = holders(engine, "other", cameras=("gate-0",))
    rounds(stranger)
    assert worker.sink.keep([look]) == Kept()
    assert len(kept_frames(engine)) == 1
    stranger[0].leave()
    rounds(*holders(engine, "third", cameras=("gate-0",)))
    free = replace(look, frame=replace(look.frame, camera="bus", lease=0))
    assert worker.sink.keep([later, free]) == Kept(fenced=frozenset({0}))
    assert sorted(camera for camera, _ in kept_frames(engine)) == ["bus", "gate-0"]
    worker.recorder.put(replace(later, missed=True), None)
    worker.recorder.put(later, None)
    worker.stop()
    report = worker.run()
    assert report.fenced == 1
    assert report.total.doors == {Door.DROPPED_STALE: 1}
    assert_closed(report)


def test_a_worker_that_shares_has_no_end_and_its_cameras_are_changed_in_the_file(engine, tmp_path):
    fleet_config(tmp_path, "sqlite:///unused.db")
    config = read_config(tmp_path / "worker.yaml")
    with pytest.raises(ConfigError, match="leave out one of the two"):
        Worker(config, Parts(engine, slot_of()), until_eof=True)
    worker = Worker(config, Parts(engine, slot_of()))
    with pytest.raises(ConfigError, match="shared with other workers"):
        worker.roster.add("gate-0", config.cameras["gate-0"])


def test_a_camera_that_becomes_shared_or_our_own_changes_hands_as_the_file_says(engine, tmp_path):
    url = engine.url.render_as_string(hide_password=False)
    fleet_config(tmp_path, url, cameras=2)
    worker = Worker(read_config(tmp_path / "worker.yaml"), Parts(engine, slot_of()), path=tmp_path / "worker.yaml")

    def cameras(**shared):
        content = {name: folder_camera(tmp_path / "in-0", shared=flag) for name, flag in shared.items()}
        config_in(tmp_path, content, database=url, sharing={"lease_s": 1.0})
        worker.reload()

    with running(worker) as done:
        until(lambda: len(worker.runners) == 2)
        cameras(**{"gate-0": False, "gate-1": True})
        until(lambda: [worker.runners[name].lease for name in sorted(worker.runners)] == [0, 1])
        until(lambda: leases(engine)["gate-0"][0] is None)
        time.sleep(0.6)
        assert worker.runners.keys() == {"gate-0", "gate-1"}
        cameras(**{"gate-0": True})
        until(lambda: [one.lease for one in worker.runners.values()] == [2])
        assert worker.runners.keys() == {"gate-0"}
    assert_closed(done[0])


@pytest.mark.slow
def test_a_host_killed_outright_loses_its_cameras_to_the_other_within_half_a_minute(engine, tmp_path):
    fleet_config(tmp_path, engine.url.render_as_string(hide_password=False), lease_s=4.0)
    program = [sys.executable, str(Path(__file__).parent / "shared_worker.py"), str(tmp_path / "worker.yaml")]
    hosts = [subprocess.Popen([*program, str(tmp_path / name)]) for name in ("one", "two")]
    try:
        until(lambda: _shares(engine) == [2, 2] and len(kept_frames(engine)) == 12, 60)
        before = leases(engine)
        os.kill(hosts[0].pid, signal.SIGKILL)
        killed_s = time.monotonic()
        for number in range(4):
            write_pictures(tmp_path / f"in-{number}", 6, seed=100 * number)
        until(lambda: _shares(engine) == [4] and len(kept_frames(engine)) == 24, MOVED_WITHIN_S)
        assert time.monotonic() - killed_s < MOVED_WITHIN_S
        moved = [camera for camera, lease in leases(engine).items() if lease[1] > before[camera][1]]
        assert len(moved) == 2
        assert len(set(kept_frames(engine))) == 24
    finally:
        for host in hosts:
            host.terminate()
            host.wait(30)


def _shares(engine):
    workers = [lease[0] for lease in leases(engine).values() if lease[0] is not None]
    return sorted(workers.count(one) for one in set(workers))
