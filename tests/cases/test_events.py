"""Events as they are written and read: strict, canonical, and every fault named."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from roadwarden.cases.event_lines import (
    format_event_line,
    histories,
    parse_event_line,
    parse_event_lines,
    read_event_lines,
    write_event_lines,
)
from roadwarden.cases.events import Accepted, Approver, CaseEvent, EventType, Parked, Role, UnknownKeys, parse_event
from roadwarden.errors import DataError

FILED = {
    "case": "HZ-1", "seq": 1, "type": "filed",
    "occurred_at": "2026-03-01T08:00:00Z", "received_at": "2026-03-01T08:00:01.5Z",
    "actor": "u7", "role": "intake",
    "data": {"distress": "pothole", "severity": "normal", "first_seen_at": "2026-03-01T15:30:00+08:00"},
}  # fmt: skip


def line(**changes) -> str:
    return json.dumps({**FILED, **changes})


def parked(approved_by) -> CaseEvent:
    data = {"reason": "rain", "until": "2026-03-03T00:00:00Z", "approved_by": approved_by}
    return parse_event({**FILED, "type": "parked", "data": data})


def test_a_line_is_read_and_written_back_in_utc_with_its_keys_in_order():
    event = parse_event(FILED)
    assert event.received_at == datetime(2026, 3, 1, 8, 0, 1, 500000, tzinfo=UTC)
    written = event.as_json()
    assert list(written) == list(FILED)
    assert written["received_at"] == "2026-03-01T08:00:01.500000Z"
    assert written["data"] == {**FILED["data"], "first_seen_at": "2026-03-01T07:30:00Z"}
    assert parse_event_line(format_event_line(event)) == event


@pytest.mark.parametrize(
    ("told", "approver"),
    [
        ("u9", Approver("u9")),
        ({"actor": "u9", "role": "road_chief"}, Approver("u9", Role.ROAD_CHIEF)),
        ("u9:road_chief", Approver("u9", Role.ROAD_CHIEF)),
        ("road_chief:u9", Approver("u9", Role.ROAD_CHIEF)),
        ("duty_officer", Approver("duty_officer", Role.DUTY_OFFICER)),
        ("hz/u9", Approver("hz/u9")),
        (None, None),
    ],
)
def test_an_approver_may_be_told_with_or_without_his_role(told, approver):
    event = parked(told)
    assert isinstance(event.data, Parked)
    assert event.data.approved_by == approver
    assert parse_event(event.as_json()) == event


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (line(type="field"), "unknown type 'field'; did you mean 'filed'?"),
        (line(role="duty"), "unknown role 'duty'"),
        (line(seq="1"), "seq: wanted a whole number"),
        (line(seq=True), "seq: wanted a whole number"),
        (line(seq=-1), "seq: wanted a whole number"),
        (line(case=" "), "case: must not be blank"),
        (line(case="HZ\ud800"), "case: holds half a surrogate pair"),
        (line(actor="u7\x00"), "actor: holds a NUL"),
        (line(type="reopened", data={"reason": "again\x00"}), "data.reason: holds a NUL"),
        (line(actor=None), "actor: wanted text"),
        (line(occurred_at="2026-03-01T08:00:00"), "without an offset"),
        (line(occurred_at="2026-03-01"), "wanted a time such as"),
        (line(received_at=1772352000), "wanted a time such as"),
        (line(received_at="0001-01-01T00:00:00+14:00"), "outside the calendar"),
        (line(received_at="2200-01-01T00:00:00Z"), "wanted a year from 1970 to 2199"),
        (line(colour="red"), "unknown key 'colour'"),
        (line(v=2), "event schema 2 is not known here"),
        (line(data={"distress": "pothole", "severity": "bad"}), "data.severity: Input should be 'normal' or 'severe'"),
        (line(data={"distress": "pothole"}), "data.severity: "),
        (line(data={**FILED["data"], "polcy": "1"}), "unknown key 'data.polcy'; did you mean 'policy'?"),
        (line(data=[]), "filed: "),
        (line(data={**FILED["data"], "longitude": "120"}), "data.longitude: "),
        (line(type="assessed", data={"verdict": "repaired", "report_seq": 2}), "data.verdict: "),
        (line(type="assessed", data={"verdict": "REPAIRED", "report_seq": True}), "data.report_seq: "),
        (line(type="parked", data={"reason": "rain", "until": "tomorrow"}), "data.until: wanted a time such as"),
        (line(type="reopened", data={"reason": " "}), "data.reason: must not be blank"),
        ('{"case": "HZ-1"}', "no 'seq', 'type'"),
        ("[1, 2]", "wanted a JSON object"),
        ('{"case": "HZ-1", "case": "HZ-2"}', "key 'case' twice"),
        ('{"case": NaN}', "NaN is not JSON"),
        ('{"case": "HZ', "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)  # fmt: skip
def test_a_broken_line_says_what_is_wrong_and_where(broken, says):
    with pytest.raises(DataError) as fault:
        list(parse_event_lines([line(), "", broken], "cases.jsonl"))
    assert str(fault.value).startswith("cases.jsonl:3: ")
    assert says in str(fault.value)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("sha256:a", ("sha256:a",)),
        (["sha256:a", "sha256:b"], ("sha256:a", "sha256:b")),
        ([], ()),
        (None, ()),
        ({"photos": ["a"], "count": 1}, ('{"count": 1, "photos": ["a"]}',)),
        ([{"sha256": "a"}, "b"], ('{"sha256": "a"}', "b")),
    ],
)
def test_evidence_is_kept_whatever_it_looks_like(told, kept):
    event = parse_event({**FILED, "type": "repair_reported", "data": {"evidence": told}})
    assert event.data.evidence == kept
    assert parse_event(event.as_json()) == event


def test_keys_that_nobody_knows_are_refused_by_stores_and_noted_by_replays():
    approver = {"actor": "u9", "role": "road_chief", "name": "Zhao"}
    data = {"reason": "rain", "until": "2026-03-03T00:00:00Z", "approved_by": approver, "wind": 9}
    told = {**FILED, "type": "parked", "data": data, "id": "e-1"}
    with pytest.raises(DataError, match="unknown key 'id'"):
        parse_event(told)
    event = parse_event(told, UnknownKeys.NOTED)
    assert event.unknown == ('data.approved_by.name="Zhao"', "data.wind=9", 'id="e-1"')
    assert event.data == parked({"actor": "u9", "role": "road_chief"}).data
    assert data["wind"] == 9  # what was read is left alone
    with pytest.raises(DataError, match=r"data\.until"):
        parse_event({**told, "data": {**data, "until": None}}, UnknownKeys.NOTED)


def test_two_lines_that_differ_in_what_nobody_knows_are_two():
    other = line(id="e-2")
    with pytest.raises(DataError, match="says something else"):
        histories(parse_event_lines([line(id="e-1"), other], unknown=UnknownKeys.NOTED))
    assert len(histories(parse_event_lines([other, other], unknown=UnknownKeys.NOTED))) == 1


def test_a_file_that_is_not_utf8_names_its_line(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(line().encode() + b"\n" + '{"actor": "张三"}'.encode("gb18030") + b"\n")
    with pytest.raises(DataError, match=r"events\.jsonl:2: not UTF-8"):
        list(read_event_lines(path))


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        list(read_event_lines(tmp_path / "none.jsonl"))


def test_a_file_is_written_as_it_is_read(tmp_path):
    events = [parse_event_line(line(seq=seq, actor="张三")) for seq in (1, 2, 3)]
    path = tmp_path / "events.jsonl"
    assert write_event_lines(path, events) == 3
    assert [event for _, event in read_event_lines(path)] == events
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [event for _, event in read_event_lines(path)] == events


def test_one_line_delivered_twice_counts_once_whatever_its_form():
    again = line(received_at="2026-03-01T16:00:01.5+08:00")
    assert len(histories(parse_event_lines([line(), again]))["HZ-1"]) == 1


def test_two_lines_with_one_seq_that_differ_are_an_error_that_names_both():
    with pytest.raises(DataError, match=r"c\.jsonl:3: case HZ-1 seq 1 says something else in line 1"):
        histories(parse_event_lines([line(), line(seq=2), line(actor="u8")], "c.jsonl"), "c.jsonl")
    assert set(histories(parse_event_lines([line(), line(case="HZ-2", actor="u8")]))) == {"HZ-1", "HZ-2"}


def test_data_of_another_type_make_no_event():
    with pytest.raises(ValueError, match="filed wants Filed, not Accepted"):
        CaseEvent("HZ-1", 1, EventType.FILED, *2 * [datetime(2026, 3, 1, tzinfo=UTC)], "u7", Role.INTAKE, Accepted())
