"""Other systems tell us what they did: signed, once each, in the order of their case, and never more than they may."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from desks import DISPATCHER, INTAKE, JUDGE, MONDAY, Clock, desk_of, file_one, report, to_crew
from partners import EXAMPLES, PLATFORM, ROADS, SECRETS, inbox_of, signed, tell, tell_platform

from roadwarden.cases.domains import shipped_domain_table
from roadwarden.cases.events import Assessed, Dispatched, EventType, Role, Verdict
from roadwarden.cases.filing import Source
from roadwarden.cases.permissions import Permissions
from roadwarden.errors import ConfigError, StorageAway
from roadwarden.service.case_messages import of_event
from roadwarden.service.filing import FilingRules
from roadwarden.service.inbox import BadMessage, IdUsedTwice, Outcome, UnknownPartner, by_name, their_number
from roadwarden.service.integrations.outgoing import body_for
from roadwarden.service.integrations.partner import read_partner, read_partners
from roadwarden.service.senders import content_of
from roadwarden.service.tips import file_tip, waiting_tips
from roadwarden.storage.engine import open_engine
from roadwarden.storage.inbox import reading
from roadwarden.storage.inbox_tables import InboxState
from roadwarden.storage.schema import open_storage
from roadwarden.webhook_signatures import BadSignature, new_key

APPLIED, REJECTED, WAITING, IGNORED = InboxState.APPLIED, InboxState.REJECTED, InboxState.WAITING, InboxState.IGNORED


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(database_url, clock):
    engine = open_storage(database_url)
    yield desk_of(engine, clock)
    engine.dispose()


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A database that holds nothing yet, made once."""
    file = tmp_path_factory.mktemp("empty") / "lite.db"
    open_storage(f"sqlite:///{file}").dispose()
    return file


@pytest.fixture
def lite(tmp_path, clock, empty):
    shutil.copy(empty, tmp_path / "lite.db")
    engine = open_engine(f"sqlite:///{tmp_path}/lite.db")
    yield desk_of(engine, clock)
    engine.dispose()


@pytest.fixture
def inbox(lite, monkeypatch):
    return inbox_of(lite, monkeypatch)


def types(desk, case):
    return [event.type.value for event in desk.events(case)]


def with_department(desk, case, department="roads"):
    desk.record(DISPATCHER, case, Dispatched(department))
    return case


class TestFromADepartment:
    def test_it_accepts_starts_and_repairs_and_the_case_is_assessed(self, desk, monkeypatch, clock):
        inbox, case = inbox_of(desk, monkeypatch), with_department(desk, file_one(desk))
        for id, says in enumerate(("accepted", "started", "repaired")):
            clock.wait(minutes=10)
            kept = tell(inbox, ROADS, f"m{id}", says=says, case=case, evidence=["a" * 64])
            assert (kept.state, kept.case, kept.reason) == (APPLIED, case, None)
        events = desk.events(case)
        assert [event.type.value for event in events[2:]] == ["accepted", "repair_started", "repair_reported"]
        assert {(event.actor, event.role) for event in events[2:]} == {("system:roads-department", Role.CREW)}
        assert events[-1].data.evidence == ("a" * 64,)
        assert desk.record(JUDGE, case, Assessed(Verdict.REPAIRED, events[-1].seq)).row.state == "assessed"

    def test_it_acts_on_cases_of_its_own_only(self, inbox):
        case = with_department(inbox.desk, file_one(inbox.desk), "greening")
        kept = tell(inbox, ROADS, "m1", says="accepted", case=case)
        assert kept.state is REJECTED
        assert "the case is with greening" in kept.reason
        assert types(inbox.desk, case) == ["filed", "dispatched"]

    def test_what_the_workflow_refuses_is_kept_with_the_reason_and_can_be_tried_again(self, inbox):
        case = file_one(inbox.desk)
        kept = tell(inbox, ROADS, "m1", says="accepted", case=case)
        assert kept.state is REJECTED
        assert "nobody" in kept.reason
        with_department(inbox.desk, case)
        assert inbox.again(ROADS) == Outcome(applied=1)
        with reading(inbox.desk.engine) as unit:
            again = unit.get(kept.number)
        assert (again.state, again.attempts, again.reason) == (APPLIED, 2, None)
        assert types(inbox.desk, case)[-1] == "accepted"
        assert inbox.again(ROADS) == Outcome()

    def test_it_says_when_it_happened_and_that_counts(self, inbox, clock):
        case = with_department(inbox.desk, file_one(inbox.desk))
        clock.wait(hours=2)
        tell(inbox, ROADS, "m1", says="accepted", case=case, at="2026-03-02T17:00:00+08:00")
        event = inbox.desk.events(case)[-1]
        assert (event.occurred_at, event.received_at) == (MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=2))

    def test_it_may_use_its_own_number_once_it_has_told_it(self, inbox):
        case = with_department(inbox.desk, file_one(inbox.desk))
        assert tell(inbox, ROADS, "m0", says="accepted", order="W-9").state is REJECTED
        assert tell(inbox, ROADS, "m1", says="numbered", order="W-9", case=case).state is APPLIED
        assert their_number(inbox.desk, ROADS, case) == "W-9"
        assert tell(inbox, ROADS, "m2", says="accepted", order="W-9").case == case
        other = with_department(inbox.desk, file_one(inbox.desk))
        taken = tell(inbox, ROADS, "m3", says="numbered", order="W-9", case=other)
        assert f"it is {case}" in taken.reason
        twice = tell(inbox, ROADS, "m4", says="numbered", order="W-10", case=case)
        assert "known to them as W-9" in twice.reason


class TestOnce:
    def test_the_same_message_again_does_nothing_again(self, desk, monkeypatch, clock):
        inbox, case = inbox_of(desk, monkeypatch), with_department(desk, file_one(desk))
        message = {"says": "accepted", "case": case}
        first, new = inbox.receive(ROADS, *signed(ROADS, "m1", message, clock()))
        clock.wait(minutes=30)
        again, newer = inbox.receive(ROADS, *signed(ROADS, "m1", message, clock()))
        assert (new, newer, again.number) == (True, False, first.number)
        assert types(desk, case) == ["filed", "dispatched", "accepted"]

    def test_another_message_under_the_same_id_is_told(self, inbox, clock):
        inbox.receive(ROADS, *signed(ROADS, "m1", {"says": "accepted", "case": "x"}, clock()))
        with pytest.raises(IdUsedTwice, match="each message needs its own id"):
            inbox.receive(ROADS, *signed(ROADS, "m1", {"says": "started", "case": "x"}, clock()))
        assert tell_platform(inbox, "m1", actCode="READ", taskNum="1").state is IGNORED  # an id of another partner

    def test_who_dies_between_doing_and_settling_leaves_it_done_once(self, inbox, monkeypatch):
        case = with_department(inbox.desk, file_one(inbox.desk))

        def dies(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as broken:
            broken.setattr("roadwarden.storage.inbox.InboxStore.settle", dies)
            with pytest.raises(KeyboardInterrupt):
                tell(inbox, ROADS, "m1", says="accepted", case=case)
        assert types(inbox.desk, case)[-1] == "accepted"
        assert inbox.apply() == Outcome(applied=1)
        assert types(inbox.desk, case).count("accepted") == 1

    def test_many_at_once_do_each_once(self, desk, monkeypatch, clock):
        inbox, case = inbox_of(desk, monkeypatch), with_department(desk, file_one(desk))
        messages = [
            signed(ROADS, f"m{n}", {"says": "secured", "kind": f"k{n}", "case": case}, clock()) for n in range(6)
        ]

        def send():
            for headers, body in messages:
                inbox.receive(ROADS, headers, body)

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kinds = [event.data.kind for event in desk.events(case) if event.type is EventType.SAFETY_MEASURE]
        assert sorted(kinds) == [f"k{n}" for n in range(6)]


class TestOrder:
    def test_what_happened_first_is_done_first_if_it_may_wait_for_it(self, lite, monkeypatch, clock, tmp_path):
        text = (EXAMPLES / "department.yaml").read_text(encoding="utf-8")
        (tmp_path / "p").mkdir()
        (tmp_path / "p" / "roads.yaml").write_text(
            text.replace("  ours: case", "  hold_s: 60\n  ours: case"), encoding="utf-8"
        )
        inbox, case = inbox_of(lite, monkeypatch, tmp_path / "p"), with_department(lite, file_one(lite))
        clock.wait(minutes=10)
        for id, says, at in (("m1", "repaired", "08:09"), ("m2", "accepted", "08:01"), ("m3", "started", "08:05")):
            kept = tell(inbox, ROADS, id, says=says, case=case, at=f"2026-03-02T{at}:00Z", evidence=[])
            assert kept.state is WAITING
            clock.wait(seconds=10)
        assert inbox.apply() == Outcome()
        clock.wait(seconds=60)
        assert inbox.apply() == Outcome(applied=3)
        assert types(lite, case)[2:] == ["accepted", "repair_started", "repair_reported"]

    def test_one_that_cannot_be_done_holds_up_nothing(self, inbox):
        case = with_department(inbox.desk, file_one(inbox.desk))
        assert tell(inbox, ROADS, "m1", says="sings", case=case).state is REJECTED
        assert tell(inbox, ROADS, "m2", says="accepted", case=case).state is APPLIED

    def test_a_database_that_goes_away_meanwhile_leaves_it_waiting(self, inbox, monkeypatch):
        case = with_department(inbox.desk, file_one(inbox.desk))

        def away(*_args, **_more):
            raise StorageAway("the database does not answer")

        with monkeypatch.context() as broken:
            broken.setattr("roadwarden.service.cases.CaseDesk.decide", away)
            assert tell(inbox, ROADS, "m1", says="accepted", case=case).state is WAITING
        assert tell(inbox, ROADS, "m2", says="started", case=case).state is APPLIED  # after the one before it
        assert types(inbox.desk, case)[2:] == ["accepted", "repair_started"]


class TestFromThePlatform:
    HOLE: ClassVar = {
        "actCode": "REPORT",
        "taskNum": "T-17",
        "subTypeCode": "0401",
        "eventLevel": "1",
        "coordinateX": 120.155,
        "coordinateY": 30.274,
        "districtCode": "330106",
        "eventDesc": "坑洞",
        "opTime": "2026-03-02 15:30:00",
    }

    def test_what_it_reports_waits_for_intake_and_keeps_its_number(self, inbox):
        kept = tell_platform(inbox, "p1", **self.HOLE)
        assert kept.state is APPLIED
        assert kept.case is None
        assert "waits for intake" in kept.reason
        (tip,) = waiting_tips(inbox.desk)
        assert tip.tip.note == "坑洞 [digital-urban-management: severe]"
        assert "not filed yet" in tell_platform(inbox, "p2", actCode="ACCEPT", taskNum="T-17").reason
        case = file_tip(inbox.desk, INTAKE, Source.DEPARTMENT, f"{PLATFORM}-T-17", FilingRules())
        row = inbox.desk.row(case)
        assert (row.distress, row.area, row.first_seen_at) == ("pothole", "west-lake", MONDAY - timedelta(minutes=30))
        assert (round(row.lat, 4), round(row.lon, 4)) == (30.2763, 120.1503)  # they speak GCJ-02
        with_department(inbox.desk, case)
        assert inbox.again(PLATFORM) == Outcome(applied=1)
        assert types(inbox.desk, case) == ["filed", "dispatched", "accepted"]
        assert their_number(inbox.desk, PLATFORM, case) == "T-17"

    def test_its_check_of_a_repair_is_a_verdict_on_the_newest_report(self, inbox):
        case = file_one(inbox.desk)
        checked = {"actCode": "CHECK", "extCaseNum": case, "taskNum": "T-1", "opinion": "坑还在"}
        assert "nobody has reported a repair" in tell_platform(inbox, "p0", checkResult="0", **checked).reason
        to_crew(inbox.desk, case)
        seq = report(inbox.desk, case)
        assert tell_platform(inbox, "p1", checkResult="0", **checked).state is APPLIED
        verdict = inbox.desk.events(case)[-1]
        assert (verdict.data.verdict, verdict.data.report_seq, verdict.role) == (Verdict.NOT_REPAIRED, seq, Role.INTAKE)

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"subTypeCode": "9999"}, "data.subTypeCode: nobody knows the code '9999'; known are 0401"),
            ({"subTypeCode": None}, "wanted|problem"),
            ({"opTime": "yesterday"}, "data.opTime: 'yesterday' is no time"),
            ({"coordinateX": "here"}, "is no place"),
            ({"coordinateX": 400}, "not on Earth"),
            ({"coordinateY": None}, "is no place"),
            ({"actCode": "SING"}, "no row of the partner's file speaks of such a message: data.actCode is 'SING'"),
            ({"taskNum": None}, "their number"),
        ],
        ids=lambda case: "" if isinstance(case, str) else next(iter(case)) + str(next(iter(case.values()))),
    )
    def test_what_it_says_wrong_is_kept_with_the_place(self, inbox, wrong, says):
        kept = tell_platform(inbox, "p1", **(self.HOLE | wrong))
        assert kept.state is REJECTED
        assert any(word in kept.reason for word in says.split("|")), kept.reason

    def test_it_is_told_in_its_own_words(self, inbox, clock):
        tell_platform(inbox, "p1", **self.HOLE)
        case = file_tip(inbox.desk, INTAKE, Source.DEPARTMENT, f"{PLATFORM}-T-17", FilingRules())
        done = inbox.desk.record(DISPATCHER, case, Dispatched("roads"))
        message = content_of(of_event(done.events[0], done.row, clock()))
        partner = read_partner(EXAMPLES / "digital-urban-management.yaml", shipped_domain_table())
        told = json.loads(body_for(partner, message, their_number(inbox.desk, PLATFORM, case)))
        assert told == {
            "data": {
                "actCode": "DISPATCH",
                "extCaseNum": case,
                "taskNum": "T-17",
                "subTypeCode": "0401",
                "eventLevel": "2",
                "coordinateX": 120.155,
                "coordinateY": 30.274,
                "limitTime": "2026-03-04 16:00:00",
                "opTime": "2026-03-02 16:00:00",
            }
        }
        assert body_for(partner, message | {"topic": "case.accepted"}, None) is None
        ours = json.loads(body_for(partner, message, None))
        assert "taskNum" not in ours["data"]


class TestWhoIsLetIn:
    def test_nothing_is_kept_of_who_is_not_who_he_says(self, inbox, clock):
        told = {"says": "accepted", "case": "x"}
        for headers, body in (
            signed(ROADS, "m1", told, clock(), secret=SECRETS["DUM_SECRET"]),
            signed(ROADS, "m1", told, clock() - timedelta(minutes=6)),
            ({}, b"{}"),
        ):
            with pytest.raises(BadSignature):
                inbox.receive(ROADS, headers, body)
        with pytest.raises(UnknownPartner, match="no partner 'stranger'"):
            inbox.receive("stranger", *signed(ROADS, "m1", told, clock()))
        with reading(inbox.desk.engine) as unit:
            assert unit.list() == ()

    @pytest.mark.parametrize(
        "body",
        [
            b"[]",
            b"{",
            b"\xff",
            b'"text"',
            b"null",
            b'{"a": ' * 50_000,
            b'{"a": "' + b"x" * 300_000 + b'"}',
            b'{"a":\x00}',
        ],
        ids=["list", "half", "latin", "text", "null", "deep", "large", "nul"],
    )
    def test_what_is_no_message_is_not_kept(self, inbox, clock, body):
        with pytest.raises(BadMessage):
            inbox.receive(ROADS, *signed(ROADS, "m1", body, clock()))
        with pytest.raises(BadMessage, match="webhook-id"):
            inbox.receive(ROADS, *signed(ROADS, "m" * 300, {}, clock()))

    def test_half_a_character_inside_is_kept_and_rejected(self, inbox, clock):
        body = b'{"says": "returned", "reason": "\\ud800", "case": "x"}'
        kept, _ = inbox.receive(ROADS, *signed(ROADS, "m1", body, clock()))
        assert kept.state is REJECTED

    def test_while_its_key_is_changed_either_counts(self, lite, monkeypatch, clock, tmp_path):
        new = new_key(ed25519=True)
        (tmp_path / "roads.pub").write_text(new.public().text())
        text = (EXAMPLES / "department.yaml").read_text(encoding="utf-8")
        more = f"  next_secret: {{file: {tmp_path / 'roads.pub'}}}\n  ours: case"
        (tmp_path / "roads.yaml").write_text(text.replace("  ours: case", more), encoding="utf-8")
        inbox = inbox_of(lite, monkeypatch, tmp_path)
        for id, secret in (("m1", None), ("m2", new.text())):
            kept, _ = inbox.receive(ROADS, *signed(ROADS, id, {"says": "accepted", "case": "x"}, clock(), secret))
            assert kept.state is REJECTED  # there is no case x, but it was let in

    def test_a_partner_cannot_do_what_its_role_may_not(self, lite, monkeypatch, tmp_path):
        """The file says crew may assess nothing; here the table of permissions takes more away than the file knows."""
        inbox, case = inbox_of(lite, monkeypatch), with_department(lite, file_one(lite))
        row = next(one for one in lite.permissions.roles if one.role is Role.CREW)
        stripped = row.model_copy(update={"records": ()})
        roles = tuple(stripped if one.role is Role.CREW else one for one in lite.permissions.roles)
        strict = replace(lite, permissions=Permissions(version="1", roles=roles))
        kept = tell(replace(inbox, desk=strict), ROADS, "m1", says="accepted", case=case)
        assert "the role crew may not record accepted" in kept.reason


class TestForgetting:
    def test_what_is_done_is_forgotten_in_time_and_what_was_rejected_is_not(self, inbox, clock):
        case = with_department(inbox.desk, file_one(inbox.desk))
        tell(inbox, ROADS, "m1", says="accepted", case=case)
        tell(inbox, ROADS, "m2", says="sings", case=case)
        assert inbox.forget(clock()) == 0
        assert inbox.forget(clock() + timedelta(days=30)) == 1
        with reading(inbox.desk.engine) as unit:
            assert [one.message.id for one in unit.list()] == ["m2"]

    def test_a_replay_names_what_it_does_not_know(self, inbox):
        with pytest.raises(ConfigError, match="no partner 'nobody'; known are: digital-urban-management, roads-dep"):
            inbox.again("nobody")
        with pytest.raises(ConfigError, match="7: no rejected message of roads-department"):
            inbox.again(ROADS, [7])


DEPARTMENT = (EXAMPLES / "department.yaml").read_text(encoding="utf-8")
PLATFORM_FILE = (EXAMPLES / "digital-urban-management.yaml").read_text(encoding="utf-8")


class TestFiles:
    @pytest.mark.parametrize(
        ("text", "wrong", "right", "says"),
        [
            (DEPARTMENT, "hapened_at: at", "happened_at: at", "did you mean 'happened_at'"),
            (DEPARTMENT, "does: acepted", "does: accepted", "accepted"),
            (DEPARTMENT, "evidnce: evidence", "evidence: evidence", "no 'evidnce'; did you mean 'evidence'"),
            (DEPARTMENT, "fields: {}", "fields: {reason: reason}", "handed_back needs reason"),
            (DEPARTMENT, "accepted, role: duty_officer", "accepted, role: crew", "acts as crew, dispatcher"),
            (DEPARTMENT, "does: accepted", "does: accepted, role: crew", "they need one"),
            (DEPARTMENT, "does: assessed, role: crew", "does: accepted, role: crew", "a crew cannot record assessed"),
            (DEPARTMENT, "does: parked, role: crew", "does: accepted, role: crew", "Input should be"),
            (DEPARTMENT, "", "  ours: case\n", "numbers needs 'ours'"),
            (DEPARTMENT, "", "  department: roads\n", "needs 'department'"),
            (DEPARTMENT, "name: Roads Department", "name: roads-department", "name: "),
            (DEPARTMENT, "zone: Asia/Peking\ninbox:", "inbox:", "is no time zone"),
            (PLATFORM_FILE, '"0401": potole', '"0401": pothole', "potole"),
            (PLATFORM_FILE, "{potholes: ", "{pothole: ", "potholes"),
            (PLATFORM_FILE, "topic: case.dispached", "topic: case.dispatched", "did you mean 'case.dispatched'"),
            (PLATFORM_FILE, "latitud: ", "latitude: ", "did you mean 'latitude'"),
            (PLATFORM_FILE, "coordinates: gps", "coordinates: gcj02", "wgs84"),
            (PLATFORM_FILE, "severity: {codes: {}, ", "severity: {at: data.eventLevel, ", "wanted one of 'at|codes"),
        ],
        ids=lambda part: part[:24] if len(part) < 80 else "",
    )  # fmt: skip
    def test_what_is_wrong_in_a_file_is_named(self, tmp_path, text, wrong, right, says):
        assert right in text
        (tmp_path / "p.yaml").write_text(text.replace(right, wrong, 1), encoding="utf-8")
        with pytest.raises(ConfigError, match=says):
            read_partner(tmp_path / "p.yaml", shipped_domain_table())

    def test_two_of_one_name_and_a_folder_without_any(self, tmp_path):
        with pytest.raises(ConfigError, match=r"no \*\.yaml there"):
            read_partners(tmp_path, shipped_domain_table())
        for name in ("a", "b"):
            (tmp_path / f"{name}.yaml").write_text(DEPARTMENT, encoding="utf-8")
        with pytest.raises(ConfigError, match="another partner 'roads-department'"):
            read_partners(tmp_path, shipped_domain_table())

    def test_a_secret_that_is_missing_is_told_before_anything_is_taken(self, monkeypatch):
        monkeypatch.delenv("ROADS_SECRET", raising=False)
        monkeypatch.setenv("DUM_SECRET", SECRETS["DUM_SECRET"])
        with pytest.raises(ConfigError, match="partner roads-department: environment variable ROADS_SECRET"):
            by_name(read_partners(EXAMPLES, shipped_domain_table()))
