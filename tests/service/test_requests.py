"""What citizens ask for: one hole is one case, whoever reports it, how often, and in what order."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from desks import Clock, file_one, pothole
from requesters import DISPATCHER, DUTY, HERE, INTAKE, METRE, ask, asked, request_desk

from roadwarden.cases.events import (
    Accepted,
    Approver,
    Assessed,
    Closed,
    Dispatched,
    RepairReported,
    RepairStarted,
    Role,
    Verdict,
    Voided,
)
from roadwarden.cases.filing import Filing, Source, shipped_filing_table
from roadwarden.cases.permissions import Person
from roadwarden.cases.requests import Asked, Channel, News, NewsStanding, Phase, RequestStatus, UpdateStatus
from roadwarden.cases.tips import Tip
from roadwarden.errors import DataError, NotAllowed, NotFound
from roadwarden.service.cases import Ask
from roadwarden.service.request_updates import take_news, updates_between, updates_of_request
from roadwarden.service.requests import Submission, find, follow, listed, secret_of, submit
from roadwarden.service.shown_pictures import ShownPictures
from roadwarden.service.tips import drop_tip, file_tip, take_in_tip, waiting_tips
from roadwarden.storage import request_unit
from roadwarden.storage.case_unit import reading
from roadwarden.storage.requests import RequestFilter
from roadwarden.storage.schema import open_storage

CREW = Person("u7", Role.CREW, department="roads", crew="crew-7")
JUDGE = Person("assessor", Role.ASSESSOR)
_HOUR = timedelta(hours=1)
BY_PAGE = Submission(Channel.PAGE, "page", key="k" * 24, followed=True)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(tmp_path):
    engine = open_storage(f"sqlite:///{tmp_path}/roadwarden.db")
    yield engine
    engine.dispose()


@pytest.fixture
def desk(engine, clock, tmp_path):
    return request_desk(engine, clock, tmp_path)


def file_(desk, request):
    return file_tip(desk.cases, INTAKE, Source.CITIZEN, request.id, desk.rules)


def case_count(desk):
    with reading(desk.cases.engine) as unit:
        return unit.events.count_cases()


def mend(desk, case, clock):
    for who, data in (
        (DISPATCHER, Dispatched("roads", "crew-7")),
        (CREW, Accepted()),
        (CREW, RepairStarted()),
        (CREW, RepairReported(("a" * 64,))),
    ):
        clock.wait(hours=1)
        done = desk.cases.record(who, case, data)
    clock.wait(hours=1)
    desk.cases.record(JUDGE, case, Assessed(Verdict.REPAIRED, done.events[0].seq))
    clock.wait(hours=1)
    desk.cases.record(DUTY, case, Closed())


class TestFromReportToRepair:
    def test_a_report_waits_for_a_person_and_is_followed_to_its_repair(self, desk, clock):
        request = submit(desk, asked(description="deep, by the bus stop"), BY_PAGE)
        assert request.id == "R2026-000001"
        secret = secret_of(BY_PAGE.key)
        assert follow(desk, request.id, secret).standing.phase is Phase.WAITING
        (tip,) = waiting_tips(desk.cases)
        assert (tip.tip.id, tip.tip.note) == (request.id, "deep, by the bus stop")
        case = file_(desk, request)
        told = follow(desk, request.id, f" {secret[:4]}-{secret[4:].lower()} ")
        assert (told.standing.phase, told.standing.case, told.standing.looked_at) == (Phase.FILED, case, True)
        assert told.standing.expected_at == desk.cases.row(case).due_at
        mend(desk, case, clock)
        assert follow(desk, request.id, secret).standing.phase is Phase.CLOSED

    @pytest.mark.parametrize(
        ("id", "secret"), [("R2026-000001", "A" * 12), ("R2026-000002", None), ("R2026-000001", "")]
    )
    def test_number_and_secret_are_wanted_both(self, desk, id, secret):
        submit(desk, asked(), BY_PAGE)
        with pytest.raises(NotFound, match="look at both again"):
            follow(desk, id, secret_of(BY_PAGE.key) if secret is None else secret)

    def test_a_request_of_a_program_has_no_secret_that_could_be_guessed(self, desk):
        request = ask(desk)
        for guess in ("", "0" * 64, secret_of("")):
            with pytest.raises(NotFound):
                follow(desk, request.id, guess)

    def test_a_form_that_is_sent_twice_is_one_request(self, desk):
        assert submit(desk, asked(), BY_PAGE) == submit(desk, asked(), BY_PAGE)
        with pytest.raises(NotAllowed, match="says something else"):
            submit(desk, asked(description="another"), BY_PAGE)

    def test_what_is_not_offered_is_refused(self, desk):
        with pytest.raises(DataError, match="cannot be reported here"):
            ask(desk, "bleeding")

    def test_a_dropped_report_is_told_as_such(self, desk):
        request = ask(desk)
        drop_tip(desk.cases, INTAKE, Source.CITIZEN, request.id, "a private yard")
        told = find(desk, request.id)
        assert (told.standing.phase, told.standing.case) == (Phase.DROPPED, None)
        assert [one.phase for one in updates_of_request(desk, request)] == [Phase.DROPPED]

    def test_a_process_that_ended_in_the_middle_loses_no_report(self, desk, monkeypatch):
        def ends(*_args):
            raise KeyboardInterrupt

        monkeypatch.setattr("roadwarden.service.requests.take_in_tip", ends)
        with pytest.raises(KeyboardInterrupt):
            ask(desk)
        monkeypatch.undo()
        assert waiting_tips(desk.cases) == ()
        again = ask(desk)
        assert not again.own_tip
        assert [one.tip.id for one in waiting_tips(desk.cases)] == ["R2026-000001"]

    def test_pictures_come_with_their_request(self, desk):
        several = [desk.evidence.take_in(name, "page").sha256 for name in (b"context", b"close-up")]
        request = submit(desk, asked(), replace(BY_PAGE, pictures=tuple(several)))
        assert [one.sha256 for one in find(desk, request.id).pictures] == several
        with pytest.raises(NotFound, match="no picture"):
            submit(desk, asked(), Submission(Channel.PAGE, "page", pictures=("0" * 64,)))

    def test_a_citizens_picture_is_known_to_whoever_judges_repairs(self, desk):
        picture = desk.evidence.take_in(b"the hole", "page")
        request = submit(desk, asked(), replace(BY_PAGE, pictures=(picture.sha256,)))
        (near,) = ShownPictures(desk.cases.engine).near(picture.perceptual ^ 0b111, 10)
        assert (near.sha256, near.case) == (picture.sha256, request.id)
        assert list(ShownPictures(desk.cases.engine).near(picture.perceptual ^ 0xFFFF, 10)) == []


class TestOneHoleIsOneCase:
    def test_a_second_report_joins_the_first_that_waits(self, desk):
        first, second = ask(desk), ask(desk, north_m=8)
        assert not second.own_tip
        assert len(waiting_tips(desk.cases)) == 1
        case = file_(desk, first)
        assert find(desk, second.id).standing.case == case
        third = ask(desk, north_m=-8)
        assert third.case == case
        assert case_count(desk) == 1

    def test_two_at_once_are_one(self, desk):
        gate, found = threading.Barrier(6), []

        def report():
            gate.wait()
            found.append(ask(desk))

        people = [threading.Thread(target=report) for _ in range(6)]
        for one in people:
            one.start()
        for one in people:
            one.join()
        assert [one.own_tip for one in found].count(True) == 1
        assert len(waiting_tips(desk.cases)) == 1

    def test_at_once_or_not_two_at_once_are_one_case(self, engine, clock, tmp_path):
        table = shipped_filing_table()
        at_once = tuple(row.model_copy(update={"filing": Filing.AT_ONCE}) for row in table.tips)
        desk = request_desk(engine, clock, tmp_path)
        rules = replace(desk.rules, filing=table.model_copy(update={"tips": at_once}))
        desk = replace(desk, rules=rules)
        gate = threading.Barrier(6)

        def report():
            gate.wait()
            ask(desk)

        people = [threading.Thread(target=report) for _ in range(6)]
        for one in people:
            one.start()
        for one in people:
            one.join()
        assert case_count(desk) == 1

    def test_an_open_case_of_the_cameras_is_joined_and_a_closed_one_is_not(self, desk, clock):
        where = {"latitude": HERE[0], "longitude": HERE[1] + 5 * METRE}
        case = desk.cases.file(INTAKE, pothole(defect="d" * 32, **where)).row.case_id
        assert ask(desk).case == case
        mend(desk, case, clock)
        assert ask(desk).own_tip

    def test_what_a_patrol_told_and_waits_is_joined(self, desk, clock):
        tip = Tip("17", Source.DEPARTMENT, "pothole", clock(), *HERE)
        take_in_tip(desk.cases, tip, desk.rules)
        request = ask(desk)
        assert (request.tip.source, request.tip.id) == (Source.DEPARTMENT, "17")
        assert len(waiting_tips(desk.cases)) == 1

    @pytest.mark.parametrize(
        ("service", "north_m", "joins"),
        [
            pytest.param("pothole", 14, True, id="near"),
            pytest.param("pothole", 17, False, id="beyond"),
            pytest.param("settlement", 5, True, id="what-people-take-it-for"),
            pytest.param("lamp_out", 1, False, id="another-thing"),
        ],
    )
    def test_what_joins(self, desk, service, north_m, joins):
        ask(desk)
        assert ask(desk, service, north_m).own_tip is not joins

    def test_a_report_without_coordinates_joins_nothing(self, desk):
        for _ in range(2):
            assert submit(desk, Asked("pothole", address="Wensan Road 12"), Submission(Channel.PAGE, "page")).own_tip

    def test_a_merged_case_tells_of_its_survivor(self, desk, clock):
        far = file_one(desk.cases)
        request = ask(desk)
        case = file_(desk, request)
        desk.cases.merge(INTAKE, case, far)
        mend(desk, far, clock)
        told = find(desk, request.id)
        assert (told.standing.case, told.standing.phase) == (far, Phase.CLOSED)
        phases = [one.phase for one in updates_of_request(desk, request)]
        assert phases[0] is Phase.FILED
        assert phases[-1] is Phase.CLOSED
        assert [one.request.id for one in listed(desk, RequestFilter(status=RequestStatus.CLOSED), 10)] == [request.id]
        assert listed(desk, RequestFilter(status=RequestStatus.OPEN), 10) == ()


class TestUpdatesThatAreTold:
    def test_steps_come_once_in_order_and_never_change(self, desk, clock):
        request = ask(desk)
        case = file_(desk, request)
        told = []
        for step in range(7):
            if step:
                clock.wait(minutes=10)
            [who, data] = [
                [DISPATCHER, Dispatched("roads", "crew-7")],
                [CREW, Accepted()],
                [CREW, RepairStarted()],
                [CREW, RepairReported(("a" * 64,))],
                [JUDGE, None],
                [DUTY, Closed()],
                [None, None],
            ][step]
            if data is None and who is JUDGE:
                data = Assessed(Verdict.REPAIRED, desk.cases.events(case)[-1].seq)
            if who is not None:
                desk.cases.record(who, case, data)
            now = updates_of_request(desk, request)
            assert now[: len(told)] == tuple(told)
            told = list(now)
        assert [one.updated_at for one in told] == sorted(one.updated_at for one in told)
        assert len({one.id for one in told}) == len(told)
        assert [one.phase for one in told] == [
            Phase.FILED,
            Phase.DISPATCHED,
            Phase.ACCEPTED,
            Phase.UNDER_REPAIR,
            Phase.REPAIR_REPORTED,
            Phase.ASSESSED,
            Phase.CLOSED,
        ]

    def test_a_crew_that_was_offline_does_not_bring_an_update_of_yesterday(self, desk, clock):
        request = ask(desk)
        case = file_(desk, request)
        desk.cases.record(DISPATCHER, case, Dispatched("roads", "crew-7"))
        polled_until = clock.wait(hours=3)
        clock.wait(minutes=5)
        desk.cases.record(CREW, case, Accepted(), Ask(occurred_at=polled_until - _HOUR))
        late = updates_between(desk, polled_until, clock.time)
        assert [one.phase for one in late] == [Phase.ACCEPTED]

    def test_windows_that_touch_tell_everything(self, desk, clock):
        start = clock()
        requests = [ask(desk, north_m=100 * number) for number in range(4)]
        for request in requests:
            mend(desk, file_(desk, request), clock)
        everything = updates_between(desk, start, clock.time)
        assert len(everything) == 4 * 7
        assert [one.updated_at for one in everything] == sorted(one.updated_at for one in everything)
        found, edge = [], start
        while edge < clock.time:
            found += [one for one in updates_between(desk, edge, edge + _HOUR * 2.5) if one not in found]
            edge += _HOUR * 2.5
        assert found == list(everything)

    def test_whoever_joins_late_is_told_how_it_stands_and_then_on(self, desk, clock):
        case = file_(desk, ask(desk))
        desk.cases.record(DISPATCHER, case, Dispatched("roads", "crew-7"))
        clock.wait(hours=1)
        request = ask(desk, north_m=3)
        clock.wait(hours=1)
        desk.cases.record(CREW, case, Accepted())
        told = updates_of_request(desk, request)
        assert [one.phase for one in told] == [Phase.DISPATCHED, Phase.ACCEPTED]
        assert told[0].updated_at == request.requested_at

    def test_void_is_told(self, desk):
        request = ask(desk)
        case = file_(desk, request)
        desk.cases.record(INTAKE, case, Voided("a private yard", Approver("u4", Role.ROAD_CHIEF)))
        assert [one.phase for one in updates_of_request(desk, request)] == [Phase.FILED, Phase.VOIDED]


def news(request, update_id="c1", at=None, status=UpdateStatus.OPEN, text="still there", client="fms"):
    return News(client, update_id, request.id, status, at or request.requested_at + _HOUR, text)


class TestUpdatesThatAreToldToUs:
    def test_the_same_one_is_kept_once(self, desk):
        request = ask(desk)
        assert take_news(desk, news(request)) == take_news(desk, news(request))
        with request_unit.reading(desk.cases.engine) as unit:
            assert len(unit.news.of_request(request.id)) == 1

    def test_a_number_is_good_for_one_update(self, desk):
        request = ask(desk)
        take_news(desk, news(request))
        with pytest.raises(NotAllowed, match="used for another update"):
            take_news(desk, news(request, text="gone"))
        assert take_news(desk, news(request, text="gone", client="other")).standing is NewsStanding.NEWS

    def test_one_that_comes_late_moves_nothing_back(self, desk):
        request = ask(desk)
        assert take_news(desk, news(request, "c2", request.requested_at + 2 * _HOUR)).standing is NewsStanding.NEWS
        assert take_news(desk, news(request, "c1", text="first")).standing is NewsStanding.LATE
        with request_unit.reading(desk.cases.engine) as unit:
            assert [one.news.update_id for one in unit.news.of_request(request.id)] == ["c1", "c2"]

    def test_what_says_the_same_again_is_the_same(self, desk):
        request = ask(desk)
        take_news(desk, news(request, "c1"))
        assert take_news(desk, news(request, "c2", request.requested_at + 2 * _HOUR)).standing is NewsStanding.SAME

    def test_nobody_outside_closes_or_opens_a_case(self, desk):
        request = ask(desk)
        case = file_(desk, request)
        take_news(desk, news(request, status=UpdateStatus.FIXED))
        assert desk.cases.row(case).state == "filed"

    def test_of_a_request_that_is_not_there(self, desk):
        request = replace(ask(desk), id="R2026-000009")
        with pytest.raises(NotFound):
            take_news(desk, news(request))


def test_both_databases_do_all_of_it(database_url, clock, tmp_path):
    engine = open_storage(database_url)
    desk = request_desk(engine, clock, tmp_path)
    picture = desk.evidence.take_in(b"a hole", "page").sha256
    request = submit(desk, asked(), replace(BY_PAGE, pictures=(picture,)))
    second = ask(desk, north_m=2)
    case = file_(desk, request)
    take_news(desk, news(request))
    mend(desk, case, clock)
    assert [one.standing.phase for one in listed(desk, RequestFilter(), 10)] == [Phase.CLOSED] * 2
    assert {one.request for one in updates_between(desk, request.requested_at, clock.time)} == {request.id, second.id}
    closed = RequestFilter(status=RequestStatus.CLOSED, services=("pothole",), news_since=clock.time)
    assert len(listed(desk, closed, 10)) == 2
    assert listed(desk, RequestFilter(status=RequestStatus.OPEN), 10) == ()
    with request_unit.reading(engine) as unit:
        assert unit.requests.count() == 2
        assert unit.evidence.alike(desk.evidence.known(picture).perceptual, 10)[0].bits == 0
    engine.dispose()
