"""Who may do what now: the same fold as the replay, and a table of permissions scoped by area."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import pytest
from stories import CHIEF, Story, at

from roadwarden.cases.answer import CaseState
from roadwarden.cases.events import (
    DATA_OF,
    Accepted,
    Approver,
    Assessed,
    Closed,
    Dispatched,
    EventType,
    Filed,
    Parked,
    RepairReported,
    RepairStarted,
    Role,
    Severity,
    Verdict,
)
from roadwarden.cases.permissions import Belongs, Person, read_permissions, shipped_permissions
from roadwarden.cases.policy import read_clock_policies, shipped_clock_policies
from roadwarden.cases.roles import APPROVING, never_records
from roadwarden.cases.workflow import Move, as_event, may, why_not
from roadwarden.cases.workflow_states import FROM
from roadwarden.errors import ConfigError, DataError

OFFICER = Person("wu", Role.DUTY_OFFICER, frozenset({"west"}))
CREW = Person("han", Role.CREW, department="roads", crew="roads-2")
DISPATCHER = Person("ma", Role.DISPATCHER, frozenset({"*"}))


def wish(story: Story, by: Person, kind: EventType, data, now: float, occurred: float | None = None) -> str | None:
    move = Move(story.case, kind, by, data, None if occurred is None else at(occurred))
    return why_not(move, story.events, story.policies, at(now), shipped_permissions())


def dispatched() -> Story:
    return Story().filed(area="west").tell("dispatched", 1, department="roads", crew="roads-2")


def test_a_wish_that_is_allowed_becomes_the_next_event_of_the_case():
    story = dispatched()
    move = Move("HZ-1", EventType.ACCEPTED, CREW, Accepted())
    assert may(move, story.events, story.policies, at(2), shipped_permissions())
    event = as_event(move, story.events, at(2))
    assert (event.seq, event.occurred_at, event.received_at, event.actor) == (3, at(2), at(2), "han")


def test_a_case_is_filed_by_whoever_is_at_home_in_its_area():
    filed = Filed("pothole", Severity.NORMAL, area="west")
    assert wish(Story(), OFFICER, EventType.FILED, filed, 0) is None
    assert (
        wish(Story(), OFFICER, EventType.FILED, replace(filed, area="east"), 0)
        == "wu has no part in area east; areas of wu: west"
    )
    assert (
        wish(Story(), OFFICER, EventType.FILED, replace(filed, area=None), 0)
        == "wu has no part in area (none); areas of wu: west"
    )
    assert wish(Story(), Person("citizen", Role.CITIZEN), EventType.FILED, replace(filed, area="east"), 0) is None
    assert wish(dispatched(), OFFICER, EventType.FILED, filed, 5) == "the case is filed already"


def test_the_reason_of_a_refusal_is_that_of_the_replay():
    story = dispatched()
    assert wish(story, CREW, EventType.REPAIR_STARTED, RepairStarted(), 2) is None
    why = wish(story.reported(3), OFFICER, EventType.CLOSED, Closed(), 4)
    assert why == "no report of this cycle is accepted, so the clock has no final stop"
    assert story.tell("closed", 4).refused()[4] == why


def test_a_crew_acts_on_the_cases_that_it_holds():
    story = dispatched()
    other = replace(CREW, crew="roads-3")
    why = wish(story, other, EventType.ACCEPTED, Accepted(), 2)
    assert why == "the case is with roads, crew roads-2, and han belongs to roads roads-3"
    nowhere = replace(CREW, department=None, crew=None)
    why = wish(story, nowhere, EventType.ACCEPTED, Accepted(), 2)
    assert why == "the case is with roads, crew roads-2, and han belongs to (no department)"
    foreman = replace(CREW, crew=None)
    assert wish(story, foreman, EventType.ACCEPTED, Accepted(), 2) is None
    story.tell("handed_back", 3, reason="a private road")
    assert wish(story, CREW, EventType.REPAIR_REPORTED, RepairReported(), 4).startswith("the case is with nobody, ")
    story.tell("transferred", 4, to="street", reason="a private road")
    assert wish(story, CREW, EventType.REPAIR_REPORTED, RepairReported(), 5).startswith("the case is with street, ")
    story.tell("dispatched", 5, role="crew", department="roads", crew="roads-2")  # refused, so it hands over nothing
    assert wish(story, CREW, EventType.REPAIR_REPORTED, RepairReported(), 6).startswith("the case is with street, ")


def test_an_entry_that_is_dated_back_must_not_upset_what_stands():
    """A dispatch entered late, from before the case was accepted: the acceptance would be refused in a replay."""
    story = dispatched().tell("accepted", 4).tell("handed_back", 5, reason="no")
    data = Dispatched("roads", "roads-2")
    assert wish(story, DISPATCHER, EventType.DISPATCHED, data, 6) is None
    upsetting = Story().filed(area="west").tell("dispatched", 1, department="a").tell("accepted", 4)
    start = RepairStarted()
    assert wish(upsetting, DISPATCHER, EventType.REPAIR_STARTED, start, 6, occurred=5) is None
    assert wish(upsetting, DISPATCHER, EventType.REPAIR_STARTED, start, 6, occurred=2).startswith(
        "dated so that event 3 would be refused: accepted is not possible"
    )


def test_a_verdict_may_take_the_ground_from_a_closing():
    story = dispatched().mended(3, 4, 5)
    verdict = Assessed(Verdict.NOT_REPAIRED, report_seq=3)
    assert wish(story, OFFICER, EventType.ASSESSED, verdict, 6) is None
    story.assessed(6, "NOT_REPAIRED", report=3, role="duty_officer")
    assert story.answer(7).state is CaseState.DISPATCHED


def test_approvers_are_asked_for_by_their_own_row():
    table, west = shipped_permissions(), Belongs(area="west")
    chief = Person("zhao", Role.ROAD_CHIEF, frozenset({"west"}))
    assert table.forbids_approval(chief, EventType.PARKED, west) is None
    assert (
        table.forbids_approval(chief, EventType.PARKED, Belongs(area="east"))
        == "zhao has no part in area east; areas of zhao: west"
    )
    assert (
        table.forbids_approval(chief, EventType.CLOSED, west)
        == "the role road_chief may not approve closed; nobody may"
    )
    assert table.forbids_approval(DISPATCHER, EventType.PARKED, west) == (
        "the role dispatcher may not approve parked; supervisor, duty_officer, road_chief may"
    )
    park = Parked("rain", at(9), Approver("zhao", Role.ROAD_CHIEF))
    assert wish(dispatched(), OFFICER, EventType.PARKED, park, 2) is None
    own = replace(park, approved_by=Approver("wu", Role.DUTY_OFFICER))
    assert wish(dispatched(), OFFICER, EventType.PARKED, own, 2).startswith("not approved: wu cannot approve")


@pytest.mark.parametrize("role", list(Role))
def test_what_the_table_hands_out_is_never_more_than_the_replay_accepts(role):
    """The whole matrix, row by row."""
    everywhere = Person("somebody", role, frozenset({"*"}), department="roads")
    where = Belongs("west", "roads")
    for kind in EventType:
        if shipped_permissions().forbids(everywhere, kind, where) is None:
            assert never_records(role, kind) is None
        if shipped_permissions().forbids_approval(everywhere, kind, where) is None:
            assert role in APPROVING


def test_every_event_can_be_recorded_by_somebody_and_every_type_has_its_states():
    table = shipped_permissions()
    recorded = {kind for row in table.roles for kind in row.records}
    assert recorded == set(EventType)
    assert set(FROM) == set(EventType) == set(DATA_OF)


def test_an_auditor_records_nothing():
    assert all(never_records(Role.AUDITOR, kind) for kind in EventType)
    assert Story().filed(role="auditor").answer(1).state is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("records: []", "records: [closed]"), "an auditor reads and records nothing; take closed out of 'records'"),
        (("role: citizen", "role: intake"), "roles listed twice: intake"),
        (("records: [assessed, evidence_requested]", "records: [assessed]\n    approves: [parked]"),
         "only duty_officer, road_chief, supervisor can approve"),
        (("approves: &approvals [severity_changed,", "approves: &approvals [closed, severity_changed,"),
         "closed needs no approval"),
    ],
)  # fmt: skip
def test_a_table_that_hands_out_too_much_is_refused(tmp_path, change, says):
    path = tmp_path / "permissions.yaml"
    shipped = shipped_text("permissions.yaml").replace(*change)
    assert change[1] in shipped
    path.write_text(shipped, encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        read_permissions(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("id: drainage-1", "id: roads-1"), "policies listed twice: roads-1"),
        (("name: drainage", "name: roads"), "policies listed twice: roads from 2020"),
        (("default: roads", "default: streets"), "no policy is named 'streets'"),
        (("normal: 48, severe: 12", "normal: 48, severe: 50"), "'severe' is longer than 'normal'"),
        (("assess_hours: 24", "assess_hours: 0"), "wanted a number above 0"),
        (("warranty_days: 30", "warranty_days: true"), "wanted a number above 0"),
        (("id: drainage-1", "id: roads"), "both the id of a version and the name of a policy"),
        (("stages: []", "stages: [{clock: accept, hours: 1}, {clock: accept, hours: 2}]"), "stages listed twice"),
        (("extensions: {most: null}", "extentions: {most: 1}"), "unknown key 'policies.0.extentions'"),
    ],
)
def test_a_table_of_clock_policies_that_contradicts_itself_is_refused(tmp_path, change, says):
    path = tmp_path / "clock_policies.yaml"
    path.write_text(shipped_text("clock_policies.yaml").replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        read_clock_policies(path)


def test_a_policy_is_found_by_its_version_by_its_name_or_by_the_date():
    table = shipped_clock_policies()
    assert table.at_filing(at(0)).id == "roads-1"
    assert table.at_filing(at(0), "waste").id == table.at_filing(at(0), "waste-1").id == "waste-1"
    assert table.at_filing(at(-20 * 366 * 24)).id == "roads-1"
    with pytest.raises(DataError, match="has no policy 'nowhere'; it has roads-1, drainage-1"):
        table.at_filing(at(0), "nowhere")


def test_extensions_can_have_a_count(tmp_path):
    path = tmp_path / "clock_policies.yaml"
    path.write_text(shipped_text("clock_policies.yaml").replace("extensions: {most: null}", "extensions: {most: 1}"))
    story = Story(policies=read_clock_policies(path)).filed().extended(1, due=60).extended(2, due=70)
    assert story.refused() == {3: "repair was extended 1 times in this cycle already, which is the most"}
    assert story.answer(3).repair.due_at == at(60)


@pytest.mark.parametrize("kind", ["dispatched", "accepted", "repair_started", "handed_back", "transferred"])
def test_what_the_work_asks_for(kind):
    """Each from each state of the work, against the row of the table."""
    data = {
        "dispatched": {"department": "a"},
        "handed_back": {"reason": "no"},
        "transferred": {"to": "b", "reason": "no"},
    }
    ways = {
        CaseState.FILED: Story().filed(),
        CaseState.DISPATCHED: Story().filed().tell("dispatched", 1, department="a"),
        CaseState.ACCEPTED: Story().filed().tell("dispatched", 1, department="a").tell("accepted", 2),
        CaseState.UNDER_REPAIR: Story().filed().tell("dispatched", 1, department="a").tell("repair_started", 2),
        CaseState.REPAIR_REPORTED: Story().filed().reported(2),
        CaseState.ASSESSED: Story().filed().reported(2).assessed(3, "REPAIRED"),
        CaseState.CLOSED: Story().filed().mended(2, 3, 4),
        CaseState.VOIDED: Story().filed().tell("voided", 2, reason="twice", approved_by=CHIEF),
    }
    for state, story in ways.items():
        assert story.answer(5).state is state
        story.tell(kind, 6, **data.get(kind, {}))
        assert (story.last in story.refused()) == (state not in FROM[EventType(kind)]), state


def test_work_goes_on_while_the_clock_rests():
    story = dispatched().parked(2, 10).tell("accepted", 3).tell("repair_started", 4)
    assert story.refused() == {}
    assert (story.answer(5).state, story.answer(11).state) == (CaseState.PARKED, CaseState.UNDER_REPAIR)


def shipped_text(name: str) -> str:
    return (resources.files("roadwarden") / "tables" / name).read_text(encoding="utf-8")
