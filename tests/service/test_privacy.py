"""What tells of people goes by age or by request; the log says what went, and holds all the same."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta

import pytest
from desks import CHIEF_APPROVES, CREW, JUDGE, Clock
from logged import drop_triggers
from requesters import DISPATCHER, DUTY, INTAKE, ask, request_desk
from sqlalchemy import inspect, text

from roadwarden.access.people import Account
from roadwarden.cases.events import (
    Accepted,
    Assessed,
    Closed,
    Dispatched,
    Parked,
    RepairReported,
    RepairStarted,
    Resumed,
    Role,
    Verdict,
)
from roadwarden.cases.filing import Source
from roadwarden.cases.requests import Channel
from roadwarden.cases.rights import Right
from roadwarden.errors import ConfigError, DataError, NotAllowed, NotFound, OutputError
from roadwarden.ledger.checkpoint import KeyRing
from roadwarden.ledger.key_files import ring_of
from roadwarden.ledger.leaves import read_leaf
from roadwarden.ledger.note import SigningKey
from roadwarden.ledger.verify import verify_bundle
from roadwarden.service.audit_pictures import audit_pictures
from roadwarden.service.evidence import BadPicture, PictureProblem
from roadwarden.service.kept_pictures import KeptPictures
from roadwarden.service.ledger_audit import audit
from roadwarden.service.ledger_bundles import Enclosed, bundle_case
from roadwarden.service.people import People
from roadwarden.service.privacy.erasing import Eraser, Warrant, digest_of
from roadwarden.service.privacy.history import erasures
from roadwarden.service.privacy.rules import RetentionTable, read_retention_table, shipped_retention_table
from roadwarden.service.privacy.subjects import Subjects, write_export
from roadwarden.service.privacy.sweep import Sweeper
from roadwarden.service.requests import Submission, find, follow, secret_of
from roadwarden.service.tips import drop_tip, file_tip
from roadwarden.storage import personal
from roadwarden.storage.credentials import CredentialStore
from roadwarden.storage.engine import reading, writing
from roadwarden.storage.evidence import UseKind
from roadwarden.storage.reads import ReadStore
from roadwarden.storage.schema import all_tables, open_storage

KEY = SigningKey.new("roadwarden.example/lake")
PHONE = "138 0013 8000"
WARRANT = Warrant("data protection", "request 17")
FORM = Submission(Channel.PAGE, "page", key="k" * 24, followed=True)


class City:
    """A citizen's hole from his report to the closing of its case, and everybody who had to do with it."""

    def __init__(self, url, tmp_path):
        self.clock = Clock()
        self.engine = open_storage(url)
        self.desk = request_desk(self.engine, self.clock, tmp_path)
        self.people = People(self.engine, now=self.clock)
        for name, role in (("root", Role.ADMINISTRATOR), ("u1", Role.INTAKE), ("u3", Role.DUTY_OFFICER)):
            self.people.add(Account(name, f"{name} Wang Xiaoming", frozenset({role}), frozenset({"*"})), by="root")
        self.blobs = self.desk.evidence.blobs
        self.eraser = Eraser(self.engine, self.blobs, self.clock)
        self.subjects = Subjects(self.eraser, new_name=lambda: "erased-1")
        self.sent = self.desk.evidence.take_in(b"the hole, and my car", "page").sha256
        how = Submission(Channel.PAGE, "page", key=FORM.key, pictures=(self.sent,), followed=True)
        self.request = ask(self.desk, how=how, description=f"deep; call me, {PHONE}", address="at my door").id
        self.case = file_tip(self.desk.cases, INTAKE, Source.CITIZEN, self.request, self.desk.rules)
        self.after = self.desk.evidence.take_in(b"mended, and a hand", "u7").sha256
        self.desk.evidence.belongs(UseKind.CASE, self.case, [self.after])

    def begin(self):
        desk = self.desk.cases
        desk.record(DISPATCHER, self.case, Dispatched("roads", "crew-7"))
        desk.record(CREW, self.case, Accepted())
        desk.record(CREW, self.case, RepairStarted())

    def mend(self):
        desk = self.desk.cases
        self.begin()
        desk.record(DUTY, self.case, Parked("rain, says u3", self.clock() + timedelta(days=1), CHIEF_APPROVES))
        self.clock.wait(hours=1)
        desk.record(DUTY, self.case, Resumed("the rain is over"))
        seq = desk.record(CREW, self.case, RepairReported((self.after,))).events[0].seq
        desk.record(JUDGE, self.case, Assessed(Verdict.REPAIRED, seq))
        desk.record(DUTY, self.case, Closed())
        return self

    def sweep(self, **rules):
        return {one.rule.value: one for one in Sweeper(self.eraser, table(**rules)).sweep()}

    def counts(self, **rules):
        return {name: one.count for name, one in self.sweep(**rules).items() if one.count}

    def faults(self):
        ring = KeyRing((KEY.verifier,))
        found = [*audit(self.engine, ring).faults, *audit_pictures(self.engine, self.blobs).faults]
        return [str(fault) for fault in found]

    def bundle(self):
        ledger = self.eraser.ledger
        ledger.follow()
        ledger.checkpoint(KEY, self.clock())
        content = bundle_case(ledger, self.case, KEY, Enclosed(KeptPictures(self.blobs).get))
        return content, verify_bundle(content, ring_of(KEY))

    def tables_that_say(self, words):
        """Every table of the database, read to the last column."""
        with reading(self.engine) as connection:
            names = inspect(connection).get_table_names()
            return {
                name
                for name in names
                if any(
                    words in str(value) for row in connection.execute(text(f'SELECT * FROM "{name}"')) for value in row
                )
            }


def table(**rules):
    """Only the rules given are in force."""
    none = dict.fromkeys(set(RetentionTable.model_fields) - {"version"})
    return RetentionTable(version="test", **(none | rules))


@pytest.fixture
def city(database_url, tmp_path):
    city = City(database_url, tmp_path)
    yield city
    city.engine.dispose()


class TestRetention:
    def test_nothing_goes_before_its_time_and_a_second_sweep_finds_nothing(self, city):
        city.mend()
        city.clock.wait(days=364)
        assert city.counts(report_words=365, report_pictures=365) == {}
        city.clock.wait(days=2)
        assert city.counts(report_words=365, report_pictures=365) == {"report_words": 1, "report_pictures": 1}
        assert city.counts(report_words=365, report_pictures=365) == {}

    def test_an_open_case_keeps_its_report_however_old_it_is(self, city):
        city.clock.wait(days=4000)
        assert city.counts(report_words=30, report_pictures=30, case_words=30, case_pictures=30) == {}

    def test_a_report_that_intake_dropped_ages_from_then_on(self, city):
        other = ask(city.desk, north_m=5000, description="noise")
        city.clock.wait(days=300)
        drop_tip(city.desk.cases, INTAKE, Source.CITIZEN, other.id, "no road of ours")
        city.clock.wait(days=100)
        assert city.counts(report_words=365) == {}
        city.clock.wait(days=266)
        assert city.counts(report_words=365) == {"report_words": 1}
        assert find(city.desk, other.id).request.asked.description == "[erased]"

    def test_what_went_is_told_by_the_log_with_rule_count_and_hash(self, city):
        city.mend()
        city.clock.wait(days=2000)
        swept = city.sweep(report_words=365)["report_words"]
        (proof,) = swept.proofs
        assert (proof.count, proof.sha256) == (1, digest_of([city.request]))
        with reading(city.engine) as connection:
            body = connection.execute(
                text("SELECT body FROM ledger_leaves WHERE number = :n"), {"n": proof.leaf}
            ).scalar()
        said = read_leaf(body.encode(), "leaf")["rows"]
        assert (said["rule"], said["count"], said["sha256"]) == ("report_words", 1, proof.sha256)
        (told,) = erasures(city.engine)
        assert (told.rule, told.count, told.leaf) == ("report_words", 1, proof.leaf)
        assert "by rule report_words" in str(told)
        assert city.faults() == []

    def test_words_and_pictures_of_an_old_case_go_and_its_bundle_verifies_and_says_so(self, city):
        city.mend()
        city.clock.wait(days=2000)
        assert city.counts(case_words=1826, case_pictures=1826) == {"case_words": 1, "case_pictures": 1}
        content, report = city.bundle()
        assert report.verified
        assert (report.images, report.images_missing, report.images_erased) == ((), (), (city.after,))
        assert report.erased == report.withheld == report.events
        assert city.faults() == []
        for words in (b"rain, says", b'"u3"', PHONE.encode()):
            assert words not in content

    def test_a_case_that_was_tampered_with_stops_the_rule_and_says_so(self, city):
        city.mend()
        city.eraser.ledger.follow()
        city.clock.wait(days=2000)
        with writing(city.engine) as connection:
            drop_triggers(connection)
            connection.execute(text("UPDATE case_events SET actor = 'somebody else' WHERE version = 1"))
        swept = city.sweep(case_words=30)["case_words"]
        assert (swept.count, "audit" in swept.fault) == (0, True)

    def test_logs_of_access_go_by_age(self, city):
        with writing(city.engine) as connection:
            CredentialStore(connection).add_failure("u1", "203.0.113.7", city.clock())
            ReadStore(connection).add(city.clock(), "u1", "token 7", city.case, "names")
        city.clock.wait(days=2)
        gone = city.counts(failed_logins=1, sessions=1, personal_reads=1, wishes=1)
        assert gone == {"failed_logins": 1, "personal_reads": 1}
        assert city.tables_that_say("203.0.113.7") == city.tables_that_say("token 7") == set()
        with pytest.raises(DataError, match="only added to"), writing(city.engine) as connection:
            connection.execute(text("DELETE FROM access_events"))

    def test_keys_of_commands_are_forgotten(self, city):
        city.mend()
        city.clock.wait(days=400)
        assert city.counts(command_keys=365)["command_keys"] >= 1

    def test_a_picture_that_belongs_to_nothing_goes_and_one_that_an_event_names_stays(self, city):
        loose = city.desk.evidence.take_in(b"by mistake", "u7").sha256
        cited = city.desk.evidence.take_in(b"sent before, and cited later", "u7").sha256
        city.begin()
        city.desk.cases.record(CREW, city.case, RepairReported((cited,)))
        city.clock.wait(days=31)
        assert city.counts(loose_pictures=30) == {"loose_pictures": 1}
        assert (city.blobs.has(loose), city.blobs.has(cited)) == (False, True)
        assert city.desk.evidence.known(loose).erased

    def test_a_dry_run_counts_and_erases_nothing(self, city):
        city.mend()
        city.clock.wait(days=2000)
        looked = Sweeper(city.eraser, table(report_words=365, case_words=365)).look()
        assert {one.rule.value: one.count for one in looked} == {"report_words": 1, "case_words": 1}
        assert PHONE in find(city.desk, city.request).request.asked.description
        assert erasures(city.engine) == []

    def test_what_a_killed_sweep_left_behind_is_named_and_then_removed(self, city):
        city.mend()
        city.subjects.erase_picture(city.after, WARRANT)
        city.blobs.put(b"mended, and a hand")  # as if the process had ended before it removed the file
        (fault,) = city.faults()
        assert "was erased, and its file is there" in fault
        city.sweep()
        assert city.faults() == []
        assert not city.blobs.has(city.after)

    def test_the_table_is_strict_and_ours_keeps_evidence(self, tmp_path):
        assert shipped_retention_table().case_pictures is None
        own = tmp_path / "retention.yaml"
        own.write_text("version: '1'\nsesions: 3\n")
        with pytest.raises(ConfigError, match="did you mean 'sessions'"):
            read_retention_table(own)


class TestPictures:
    def test_an_erased_picture_is_gone_and_the_audit_calls_it_erased(self, city):
        city.mend()
        public = city.desk.evidence.known(city.after).public_sha256
        gone = city.subjects.erase_picture(city.after, WARRANT)
        assert gone.pictures == (city.after,)
        assert not city.blobs.has(city.after)
        assert not city.blobs.has(public)
        found = audit_pictures(city.engine, city.blobs)
        assert (found.faults, found.erased) == ([], 1)
        with pytest.raises(NotFound):
            city.desk.evidence.original(city.after)
        with pytest.raises(NotFound):
            city.desk.evidence.public(public)

    def test_its_file_that_vanishes_without_a_word_of_the_log_is_a_fault(self, city):
        city.mend()
        city.eraser.ledger.follow()
        city.blobs.remove(city.after)
        (fault,) = city.faults()
        assert fault.startswith("deleted: picture ")

    def test_it_does_not_come_back_by_being_sent_again(self, city):
        city.subjects.erase_picture(city.after, WARRANT)
        with pytest.raises(BadPicture) as refused:
            city.desk.evidence.take_in(b"mended, and a hand", "u7")
        assert refused.value.problem is PictureProblem.ERASED

    def test_one_that_only_an_event_names_can_be_erased_too(self, city):
        name = city.blobs.put(b"put into the store by hand")
        city.begin()
        city.desk.cases.record(CREW, city.case, RepairReported((name,)))
        city.subjects.erase_picture(name, WARRANT)
        assert city.faults() == []
        assert [one.case for one in erasures(city.engine)] == [city.case]

    def test_one_that_nobody_knows_is_told(self, city):
        with pytest.raises(NotFound):
            city.subjects.erase_picture("0" * 64, WARRANT)


class TestCitizens:
    def test_a_report_is_handed_out_with_words_and_pictures_and_without_secrets(self, city, tmp_path):
        told = city.subjects.report(city.request)
        assert write_export(tmp_path / "out.zip", [told], city.eraser) == 1
        with zipfile.ZipFile(tmp_path / "out.zip") as archive:
            data = json.loads(archive.read("data.json"))
            assert archive.read(f"pictures/{city.sent}") == b"the hole, and my car"
        (subject,) = data["subjects"]
        assert PHONE in subject["report"][0]["description"]
        assert subject["tip"][0]["note"]
        assert "secret" not in subject["report"][0]
        assert (tmp_path / "out.zip").stat().st_mode & 0o777 == 0o600
        with pytest.raises(OutputError):
            write_export(tmp_path / "out.zip", [told], city.eraser)

    def test_reports_are_found_by_what_somebody_wrote_into_them(self, city):
        assert city.subjects.reports_that_say(PHONE) == (city.request,)
        for words in ("139 0013 9000", " ", "100%"):
            with pytest.raises(NotFound):
                city.subjects.reports_that_say(words)

    def test_an_erased_report_says_nothing_anywhere_and_the_hole_stays(self, city):
        city.mend()
        gone = city.subjects.erase_report(city.request, WARRANT)
        assert (gone.pictures, gone.events) == ((city.sent,), 1)
        assert city.tables_that_say(PHONE) <= {"outbox"}  # what is on its way to others is forgotten by the scheduler
        assert not city.blobs.has(city.sent)
        told = find(city.desk, city.request)
        assert (told.request.asked.description, told.request.asked.latitude) == ("[erased]", pytest.approx(30.2741))
        assert told.standing.case == city.case
        with pytest.raises(NotFound):
            follow(city.desk, city.request, secret_of(FORM.key))
        assert city.faults() == []
        assert city.bundle()[1].verified

    def test_a_picture_that_another_citizen_sent_too_stays_his(self, city):
        ask(city.desk, north_m=900, how=Submission(Channel.OPEN311, "fms", pictures=(city.sent,)))
        gone = city.subjects.erase_report(city.request, WARRANT)
        assert (gone.pictures, gone.kept_pictures) == ((), (city.sent,))
        assert city.blobs.has(city.sent)

    def test_a_number_that_was_never_given_is_told(self, city):
        with pytest.raises(NotFound, match="R2026-000001"):
            city.subjects.report("R2026-999999")


class TestAccounts:
    def test_an_account_is_handed_out_with_all_that_names_it(self, city):
        city.mend()
        told = city.subjects.person("u3")
        assert [event["type"] for event in told.rows["events"]] == ["parked", "resumed", "closed"]
        assert told.rows["account"][0]["display_name"] == "u3 Wang Xiaoming"
        assert "password_hash" not in told.rows["account"][0]
        assert told.rows["changes_of_access"]

    def test_one_in_use_is_not_erased(self, city):
        with pytest.raises(NotAllowed, match="user disable u3"):
            city.subjects.erase_person("u3", WARRANT)

    def test_an_erased_account_is_named_nowhere_and_others_keep_what_they_did(self, city):
        city.mend()
        city.people.issue("u3", "board in the hall", [Right.CASES_READ], timedelta(days=1), by="root")
        city.people.disable("u3", by="root")
        gone = city.subjects.erase_person("u3", WARRANT)
        assert (gone.subject, gone.events) == ("erased-1", 3)
        for words in ("u3 Wang", "rain, says", "board in the hall"):
            assert city.tables_that_say(words) <= {"outbox"}
        with reading(city.engine) as connection:
            actors = connection.execute(text("SELECT actor, count(*) FROM case_events GROUP BY actor")).all()
            names = set(connection.execute(text("SELECT name FROM people")).scalars())
        assert "u3" not in {row[0] for row in actors}
        assert "u1" in {row[0] for row in actors}
        assert names == {"root", "u1", "erased-1"}
        assert city.people.get("erased-1").disabled_at is not None
        assert city.faults() == []
        assert city.bundle()[1].verified

    def test_who_only_approved_is_found_too(self, city):
        city.mend()
        city.people.add(Account("u4", "Zhao", frozenset({Role.ROAD_CHIEF}), frozenset({"*"})), by="root")
        assert [event["type"] for event in city.subjects.person("u4").rows["events"]] == ["parked"]

    def test_the_erasure_is_written_down_without_the_name(self, city):
        city.people.disable("u3", by="root")
        city.subjects.erase_person("u3", WARRANT)
        with reading(city.engine) as connection:
            rows = connection.execute(text("SELECT actor, person, what, details FROM access_events")).all()
        assert ("data protection", "erased-1", "erased") in [tuple(row[:3]) for row in rows]
        assert not [row for row in rows if "u3" in row]


def test_a_table_that_comes_to_name_accounts_is_not_forgotten():
    """A new table with a key to people would keep names, and the database would refuse to erase them."""
    pointing = {
        f"{table.name}.{key.parent.name}"
        for table in all_tables()
        for key in table.foreign_keys
        if key.target_fullname == "people.name"
    }
    handled = {f"{column.table.name}.{column.name}" for column in (*personal._GONE, *personal._RENAMED)}
    assert pointing <= handled
    told = {f"{column.table.name}.{column.name}" for columns in personal._HIS.values() for column in columns}
    assert handled <= told
