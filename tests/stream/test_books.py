"""The books balance at any time, whatever comes in and goes out in whatever order."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.errors import StreamError
from roadwarden.inference.stream.books import Account, Books
from roadwarden.inference.stream.values import Door, frame_key

CAMERAS = ("east", "west")
DOORS = st.sampled_from(list(Door))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), st.sampled_from(CAMERAS)),
        st.tuples(st.just("leave"), st.integers(0, 50), DOORS),
        st.tuples(st.just("pass"), st.sampled_from(CAMERAS), DOORS, st.integers(0, 7)),
        st.tuples(st.just("correct"), st.sampled_from(CAMERAS), DOORS, DOORS),
    ),
    max_size=60,
)


def assert_balanced(books: Books) -> None:
    accounts = books.accounts()
    assert all(account.balances for account in accounts.values()), accounts
    assert Account.total(accounts.values()).balances


class TestBooks:
    @given(STEPS)
    def test_balance_after_every_step(self, steps):
        books, out, entered = Books(), [], 0
        for what, *rest in steps:
            if what == "enter":
                out.append(books.enter(rest[0]))
                entered += 1
            elif what == "leave" and out:
                books.leave(out.pop(rest[0] % len(out)), rest[1])
            elif what == "pass":
                books.pass_through(*rest)
                entered += rest[2]
            elif what == "correct":
                entered += not books.accounts().get(rest[0], Account()).doors.get(rest[1], 0)
                books.correct(*rest)
            assert_balanced(books)
            total = Account.total(books.accounts().values())
            assert (total.entered, total.in_flight) == (entered, len(out))

    def test_a_frame_leaves_once(self):
        books = Books()
        ticket = books.enter("east")
        books.leave(ticket, Door.INFERRED)
        with pytest.raises(StreamError, match="left twice"):
            books.leave(ticket, Door.SHUTDOWN)
        assert_balanced(books)

    def test_from_many_threads(self):
        books = Books()

        def work():
            for _ in range(500):
                books.leave(books.enter("east"), Door.INFERRED)
                assert books.accounts()["east"].balances

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert books.accounts()["east"] == Account(2000, 0, {Door.INFERRED: 2000})

    def test_books_that_do_not_balance_show_it(self):
        assert not Account(3, 1, {Door.INFERRED: 1}).balances

    def test_as_json_names_every_door_and_comes_back(self):
        account = Account(3, 1, {Door.INFERRED: 1, Door.DROPPED_STALE: 1})
        row = account.as_json()
        assert row == {
            "entered": 3,
            "in_flight": 1,
            "doors": {
                "inferred": 1,
                "sampled_out": 0,
                "poor_quality": 0,
                "dropped_stale": 1,
                "dropped_queue_full": 0,
                "decode_error": 0,
                "shutdown": 0,
            },
        }
        assert Account.of_json(row).as_json() == row


class TestKey:
    def test_is_the_same_in_every_time_zone_and_another_for_each_part(self):
        noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
        china = noon.astimezone(timezone(timedelta(hours=8)))
        key = frame_key("east", noon, "ab", "m@1")
        assert key == frame_key("east", china, "ab", "m@1")
        others = [
            frame_key("west", noon, "ab", "m@1"),
            frame_key("east", noon + timedelta(microseconds=1), "ab", "m@1"),
            frame_key("east", noon, "ac", "m@1"),
            frame_key("east", noon, "ab", "m@2"),
        ]
        assert len({key, *others}) == 5
