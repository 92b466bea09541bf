"""``roadwarden chaos``: repeatable by its seed, and able to fail."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading

import pytest

from roadwarden.detections import Position
from roadwarden.eval.chaos.audit import CaseOf, Tables, check_books, doubled
from roadwarden.eval.chaos.gate import Gate
from roadwarden.eval.chaos.hands import Life
from roadwarden.eval.chaos.moves import Moves
from roadwarden.eval.chaos.plan import Arrives, Spoil, Trouble, compose

RATES = {"bus-1": 1.0, "box-1": 0.5}
HERE, TWO_METRES_ON = Position(30.0, 120.0), Position(30.00002, 120.0)


class TestTheScore:
    def test_is_the_same_for_the_same_seed_and_another_for_another(self):
        one, again, other = (compose(seed, 60, RATES, 3, broker=True) for seed in (1, 1, 2))
        assert one == again
        assert one != other

    def test_has_everything_that_can_go_wrong_in_it(self):
        score = compose(1, 300, RATES, 3, broker=True)
        assert {one.trouble for one in score.strikes} == set(Trouble)
        assert {one.arrives for one in score.plays} == set(Arrives)
        assert {one.shot.spoil for one in score.plays} == set(Spoil)
        assert {one.which for one in score.strikes if one.trouble is Trouble.KILL_WORKER} > {0}

    def test_plays_every_frame_once_and_some_again(self):
        score = compose(5, 100, RATES, 1, broker=False)
        first = [one.shot for one in score.plays if one.arrives is not Arrives.AGAIN and one.shot.spoil is Spoil.NONE]
        assert len(first) == len(set(first)) == 150
        assert [one.at_s for one in score.plays] == sorted(one.at_s for one in score.plays)
        assert Trouble.BROKER_RESTART not in {one.trouble for one in score.strikes}


def tables(*cases, merged=()):
    names = {one.defect: one.defect for one in cases} | dict(merged)
    return Tables(frozenset(), names, cases)


class TestTheAudit:
    def test_two_cases_of_what_is_one_defect_on_a_calm_evening_are_a_double(self):
        one, other = (CaseOf(name, "pothole", HERE, name) for name in "ab")
        assert doubled(tables(one, other), tables(one, other, merged=[("b", "a")])) == [("a", "b")]

    def test_two_things_at_one_place_are_none(self):
        hole, crack = CaseOf("a", "pothole", HERE, "x"), CaseOf("b", "pothole", TWO_METRES_ON, "y")
        assert doubled(tables(hole, crack), tables(hole, crack)) == []

    def test_two_cases_are_a_double_when_their_defects_turned_out_to_be_one(self):
        one, other = CaseOf("a", "pothole", HERE, "x"), CaseOf("b", "patch", TWO_METRES_ON, "y")
        assert doubled(tables(one, other, merged=[("y", "x")]), tables(one, other)) == [("a", "b")]

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"balanced": False}, "the books balance"),
            ({"total": {"in_flight": 2, "entered": 5, "doors": {"inferred": 3}}}, "they end at zero"),
            ({"ended": False}, "they end at zero"),
            ({"spooled": 4}, "nothing is left on the disk"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    def test_books_that_are_not_right_are_found(self, change, fault):
        good = {"balanced": True, "ended": True, "spooled": 0, "total": {"in_flight": 0, "entered": 3,
                "doors": {"inferred": 3}}}  # fmt: skip
        assert all(one.holds for one in check_books([Life("w", "drained", good)]))
        wrong = [one.name for one in check_books([Life("w", "drained", good | change)]) if not one.holds]
        assert wrong == [fault]

    def test_a_killed_worker_s_last_page_may_have_frames_in_flight(self):
        page = {"balanced": True, "ended": False, "spooled": 0, "total": {"in_flight": 2, "entered": 2, "doors": {}}}
        assert all(one.holds for one in check_books([Life("w", "killed", page), Life("w", "killed", {})]))


class TestTheCamerasOfTheDead:
    def test_have_to_move_with_a_new_token_and_in_time(self):
        moves = Moves()
        moves.killed("one", {"a": ("one", 3), "b": ("two", 1)}, 100.0)
        moves.note({"a": ("one", 3), "b": ("two", 1)}, 110.0)
        assert not moves.finding().holds
        moves.note({"a": ("two", 4), "b": ("two", 1)}, 118.0)
        assert moves.finding().holds
        assert moves.took_s == [18.0]

    def test_late_is_not_in_time_but_nobody_can_take_what_the_database_does_not_give(self):
        moves = Moves()
        moves.killed("one", {"a": ("one", 3)}, 100.0)
        moves.excuse(20.0, 101.0)
        moves.note({"a": ("two", 4)}, 140.0)
        assert moves.finding().holds
        moves.killed("two", {"a": ("two", 4)}, 200.0)
        moves.note({"a": ("three", 5)}, 231.0)
        assert not moves.finding().holds

    def test_where_nothing_had_to_move_nothing_is_proved(self):
        assert not Moves().finding().holds


def test_a_closed_gate_breaks_connections_and_lets_none_in():
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            client.sendall(client.recv(10))

    threading.Thread(target=answer, daemon=True).start()
    gate = Gate("127.0.0.1", server.getsockname()[1])

    def says(word):
        with socket.create_connection(("127.0.0.1", gate.port), timeout=5) as line:
            line.sendall(word)
            return line.recv(10)

    assert says(b"hello") == b"hello"
    with socket.create_connection(("127.0.0.1", gate.port), timeout=5) as line:
        line.sendall(b"one")
        assert line.recv(10) == b"one"
        gate.close()
        assert line.recv(10) == b""
    with contextlib.suppress(ConnectionError):
        assert says(b"closed") == b""
    gate.open()
    assert says(b"again") == b"again"
    gate.end()
    server.close()


def evening(tmp_path, *arguments):
    command = [sys.executable, "-m", "roadwarden", "chaos", "--json", "--out", str(tmp_path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture
def _cameras():
    pytest.importorskip("av", reason="PyAV is not installed: pip install 'roadwarden[stream]'")


@pytest.mark.usefixtures("_cameras")
class TestAnEvening:
    @pytest.mark.slow
    def test_of_seconds_on_one_host(self, tmp_path):
        report = evening(tmp_path, "--minutes", "0.1", "--pictures", "4", "--rate", "1")
        assert report["holds"]
        assert {one["ended"] for one in report["lives"]} == {"killed", "drained"}
        assert report["struck"] == {"kill_worker": 1, "database_away": 1, "model_swap": 1}
        assert sum(report["frames_by_model"].values()) >= 6
        assert (tmp_path / "sqlite.md").read_text().startswith("# Chaos on sqlite: everything holds")

    @pytest.mark.slow
    def test_of_half_a_minute_on_three_workers(self, tmp_path, postgres_url, nats):
        report = evening(tmp_path, "--minutes", "0.5", "--pictures", "8", "--database", postgres_url)
        assert report["holds"]
        assert report["struck"]["broker_restart"] == 1
        assert len({one["worker"] for one in report["lives"]}) == 3
