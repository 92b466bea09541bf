"""Who moved an alias, when and why: a chain that shows every edit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.errors import ConfigError, ModelError
from roadwarden.models.history import (
    Entry,
    Move,
    Step,
    digest,
    faults,
    following,
    head_faults,
    in_place,
    open_intent,
    previous_version,
    read_entry,
    read_history,
    voucher,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def moved(entries, to, *, move=Move.PROMOTE, step=Step.DONE, alias="champion", why="better on patches"):
    """The entries and one more."""
    entry = following(
        entries,
        step=step,
        move=move,
        alias=alias,
        from_version=in_place(entries, alias),
        to_version=to,
        sha256="" if to is None else f"{to:064x}",
        who="duty engineer",
        why=why,
        now=NOON + timedelta(minutes=len(entries)),
    )
    return (*entries, entry)


def promoted(*versions):
    entries = ()
    for version in versions:
        entries = moved(moved(entries, version, step=Step.INTENDED), version)
    return entries


def kept(entries):
    return {entry.number: entry.line() for entry in entries}


def test_the_first_line_is_spelled_as_the_decision_says():
    (first,) = moved((), 3, why="补丁 更好")
    assert first.line() == (
        '{"alias":"champion","from_version":null,"move":"promote","number":1,"previous":"' + "0" * 64 + '",'
        '"sha256":"' + "0" * 63 + '3","step":"done","to_version":3,"when":"2026-03-02T12:00:00+00:00",'
        '"who":"duty engineer","why":"补丁 更好"}'
    )


def test_a_whole_history_reads_back():
    entries = promoted(1, 2, 3)
    assert faults(kept(entries)) == ()
    assert read_history(kept(entries), (6, digest(entries[-1].line()))) == entries
    assert read_history({}) == ()


def test_a_time_elsewhere_is_kept_in_utc_and_one_without_a_zone_is_refused():
    (entry,) = moved((), 1)
    shanghai = replace(entry, when=NOON.astimezone(timezone(timedelta(hours=8))))
    assert shanghai.line() == entry.line()
    with pytest.raises(ConfigError, match="zone"):
        replace(entry, when=datetime(2026, 3, 2, 12))  # noqa: DTZ001 -- the fault under test


@pytest.mark.parametrize("field", ["who", "why"])
def test_nobody_moves_an_alias_without_saying_who_and_why(field):
    (entry,) = moved((), 1)
    with pytest.raises(ConfigError, match=f"{field}: from 1 to"):
        replace(entry, **{field: "  "})


def test_the_longest_reason_still_fits_an_mlflow_parameter():
    """MLflow cuts a parameter at 6000 characters without an error."""
    (entry,) = moved((), 999_999, why='"' * 1000)
    assert len(replace(entry, who="\0" * 33).line()) < 6000
    with pytest.raises(ConfigError, match="why: from 1 to 2000"):
        replace(entry, why='"' * 1001)


@settings(deadline=None)
@given(st.integers(0, 5), st.sampled_from(["who", "why", "to_version", "when", "sha256", "alias"]))
def test_an_edited_entry_is_seen(at, field):
    """The newest one too, by the digest that is noted of it elsewhere."""
    entries = promoted(1, 2, 3)
    other = {"to_version": 9, "when": NOON - timedelta(days=1)}.get(field, "someone else")
    lines = kept(entries) | {at + 1: replace(entries[at], **{field: other}).line()}
    found = faults(lines) + head_faults(lines, (6, digest(entries[-1].line())))
    assert any(f"entry {at + 1} is not what" in fault for fault in found)


@settings(deadline=None)
@given(st.integers(1, 6))
def test_a_removed_entry_is_seen(number):
    entries = promoted(1, 2, 3)
    lines = {key: line for key, line in kept(entries).items() if key != number}
    assert f"entry {number} is missing" in " ".join(faults(lines) + head_faults(lines, (6, digest(entries[-1].line()))))


def test_an_entry_that_is_no_json_or_spaced_otherwise_is_seen():
    lines = kept(promoted(1))
    assert "not a line of the history" in " ".join(faults({**lines, 1: "{}"}))
    assert faults({**lines, 2: lines[2].replace('":', '": ')}) == ("entry 2 is not spelled as it was written",)
    with pytest.raises(ModelError, match=r"history is broken.*entry 1"):
        read_history({**lines, 1: "{}"})


def test_a_note_of_the_newest_entry_may_lag_behind():
    """It is written after the entry, and a crash may come between."""
    entries = promoted(1, 2)
    assert head_faults(kept(entries), (2, digest(entries[1].line()))) == ()


def test_rolling_back_twice_goes_back_twice():
    entries = promoted(1, 2, 3)
    assert previous_version(entries, "champion") == 2
    entries = moved(entries, 2, move=Move.ROLLBACK)
    assert previous_version(entries, "champion") == 1
    entries = moved(entries, 1, move=Move.ROLLBACK)
    assert previous_version(entries, "champion") is None


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.data())
def test_rollbacks_undo_promotions_one_by_one(versions, data):
    """Whatever was promoted in which order, as long as each promotion moves the alias."""
    versions = [version for i, version in enumerate(versions) if i == 0 or version != versions[i - 1]]
    entries = promoted(*versions)
    back = data.draw(st.integers(0, len(versions) - 1))
    for expected in versions[::-1][1 : back + 1]:
        target = previous_version(entries, "champion")
        assert target == expected
        entries = moved(entries, target, move=Move.ROLLBACK)
    assert in_place(entries, "champion") == versions[len(versions) - 1 - back]


def test_what_was_moved_past_us_is_no_place_to_roll_back_to():
    entries = moved(promoted(1, 2), 7, step=Step.FOUND)
    assert in_place(entries, "champion") == 7
    assert previous_version(entries, "champion") == 2
    assert voucher(entries, "champion", 7) is None


def test_aliases_do_not_mix():
    entries = moved(promoted(1, 2), 5, alias="candidate")
    assert (in_place(entries, "champion"), in_place(entries, "candidate")) == (2, 5)
    assert previous_version(entries, "candidate") is None


def test_a_move_under_way_vouches_for_where_it_goes_and_for_where_it_comes_from():
    entries = moved(promoted(1), 2, step=Step.INTENDED)
    assert open_intent(entries) == entries[-1]
    assert voucher(entries, "champion", 2) == entries[-1]
    assert voucher(entries, "champion", 1) == entries[-2]
    assert voucher(entries, "champion", 3) is None


def test_a_withdrawn_move_leaves_the_alias_where_it_was():
    entries = moved(moved(promoted(1), 2, step=Step.INTENDED), 2, step=Step.WITHDRAWN)
    assert open_intent(entries) is None
    assert in_place(entries, "champion") == 1


def test_a_line_with_a_field_too_many_is_none_of_ours():
    (entry,) = moved((), 1)
    with pytest.raises(ModelError, match="not a line"):
        read_entry(entry.line()[:-1] + ',"extra":1}')
    assert isinstance(read_entry(entry.line()), Entry)
