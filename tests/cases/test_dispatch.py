"""Which department and crew get a case, why, and what happens to a case that nobody wants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.cases.dispatch import Asked, dispatch
from roadwarden.cases.domains import read_domain_table, shipped_domain_table
from roadwarden.cases.events import CaseEvent, Dispatched, EventData, EventType, HandedBack, Role, Severity, Transferred
from roadwarden.cases.hand_overs import bounces, hand_overs, handed_back_by
from roadwarden.cases.hours import WorkTime
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.cases.read_dispatch import read_dispatch_table, shipped_dispatch_table
from roadwarden.errors import ConfigError, DataError
from roadwarden.taxonomy import DistressType

TABLE, DOMAINS = shipped_dispatch_table(), shipped_domain_table()
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)  # 12:00 in Shanghai
NIGHT = datetime(2026, 11, 2, 18, tzinfo=UTC)  # 02:00
NORMAL, SEVERE = Severity.NORMAL, Severity.SEVERE


def text(name: str) -> str:
    return (resources.files("roadwarden") / "tables" / name).read_text(encoding="utf-8")


def test_a_hole_in_a_city_road_goes_to_the_roads_day_crew_and_the_reason_says_why():
    chosen = dispatch(Asked("pothole", NORMAL, NOON, owner="city"), TABLE, DOMAINS, {"roads-day": 3})
    assert (chosen.department, chosen.crew, chosen.rule) == ("roads", "roads-day", "pavement-city-district")
    assert chosen.because.english == (
        "the roads department keeps city and district roads; the roads day crew has the least to do (3/20)"
    )
    assert chosen.because.chinese == "市管区管道路由市政道路部门养护; 道路白班在手案件最少 (3/20)"
    assert chosen.table == TABLE.version


@pytest.mark.parametrize(
    ("problem", "owner", "department"),
    [
        ("alligator_crack", "street", "street_office"),
        ("pothole", "highway", "highways"),
        ("manhole_cover_missing", "city", "utilities"),
        ("standing_water", "city", "drainage"),
        ("road_debris", "city", "sanitation"),
        ("lamp_out", "", "lighting"),
        ("tree_fallen", "city", "greening"),
        ("signal_out", "city", "traffic_police"),
        ("guardrail_damaged", "city", "roads"),
        ("pothole", "somebody", "duty_desk"),
    ],
)
def test_one_loop_serves_every_domain(problem, owner, department):
    assert dispatch(Asked(problem, NORMAL, NOON, owner=owner), TABLE, DOMAINS, {}).department == department


def test_a_severe_hole_on_a_small_road_goes_to_those_who_are_awake():
    by_day = dispatch(Asked("pothole", SEVERE, NOON, owner="street"), TABLE, DOMAINS, {})
    by_night = dispatch(Asked("pothole", SEVERE, NIGHT, owner="street"), TABLE, DOMAINS, {})
    waits = dispatch(Asked("pothole", NORMAL, NIGHT, owner="street"), TABLE, DOMAINS, {})
    assert [one.department for one in (by_day, by_night, waits)] == ["street_office", "roads", "street_office"]
    assert by_night.crew == "roads-night"


def test_what_no_rule_speaks_of_goes_to_the_duty_desk_and_says_so():
    chosen = dispatch(Asked("flying_saucer", NORMAL, NOON, owner="city"), TABLE, DOMAINS, {})
    assert (chosen.department, chosen.crew, chosen.rule) == ("duty_desk", None, None)
    assert chosen.because.english == "no rule speaks of flying_saucer; to the duty desk"


def test_a_case_that_bounced_twice_goes_up_and_four_times_goes_up_further():
    asked = [Asked("pothole", NORMAL, NOON, owner="city", bounces=times) for times in (1, 2, 3, 4, 9)]
    gone = [dispatch(one, TABLE, DOMAINS, {}).department for one in asked]
    assert gone == ["roads", "district_desk", "district_desk", "city_desk", "city_desk"]


def test_a_department_that_handed_a_case_back_is_not_asked_again_by_the_same_rule():
    asked = Asked("pothole", NORMAL, NOON, owner="city", bounces=1, handed_back_by=frozenset({"roads"}))
    chosen = dispatch(asked, TABLE, DOMAINS, {})
    assert chosen.department == "duty_desk"
    assert chosen.because.english == "the roads department handed it back: a person decides; to the duty desk"


def two_crews(tmp_path: Path) -> Path:
    own = tmp_path / "dispatch.yaml"
    day = next(line for line in text("dispatch.yaml").splitlines() if "id: roads-day" in line)
    second = (
        day.replace("roads-day", "roads-2").replace("道路白班", "道路二班").replace("most_open: 20", "most_open: 4")
    )
    own.write_text(text("dispatch.yaml").replace(day, f"{day}\n{second}"), encoding="utf-8")
    return own


def test_the_crew_with_the_most_room_left_gets_the_case(tmp_path: Path):
    table = read_dispatch_table(two_crews(tmp_path), DOMAINS)
    asked = Asked("pothole", NORMAL, NOON, owner="city")
    assert dispatch(asked, table, DOMAINS, {"roads-day": 10, "roads-2": 1}).crew == "roads-2"  # 10/20 and 1/4
    assert dispatch(asked, table, DOMAINS, {"roads-day": 4, "roads-2": 1}).crew == "roads-day"
    assert dispatch(asked, table, DOMAINS, {}).crew == "roads-2"  # a tie: by id


def test_when_all_are_full_a_normal_case_waits_for_the_department_and_a_severe_one_does_not(tmp_path: Path):
    table, full = read_dispatch_table(two_crews(tmp_path), DOMAINS), {"roads-day": 20, "roads-2": 5}
    normal = dispatch(Asked("pothole", NORMAL, NOON, owner="city"), table, DOMAINS, full)
    severe = dispatch(Asked("pothole", SEVERE, NOON, owner="city"), table, DOMAINS, full)
    assert (normal.department, normal.crew) == ("roads", None)
    assert normal.because.english.endswith("all 2 crews of it are full")
    assert severe.crew == "roads-day"


def test_a_crew_serves_its_areas_only(tmp_path: Path):
    own = tmp_path / "dispatch.yaml"
    changed = text("dispatch.yaml").replace("areas: []", "areas: [{id: north, english: north, chinese: 北区}]")
    own.write_text(changed.replace("department: roads, skills", "department: roads, areas: [north], skills"), "utf-8")
    table = read_dispatch_table(own, DOMAINS)
    inside = dispatch(Asked("pothole", NORMAL, NOON, area="north", owner="city"), table, DOMAINS, {})
    outside = dispatch(Asked("pothole", NORMAL, NOON, area="south", owner="city"), table, DOMAINS, {})
    assert (inside.crew, outside.crew) == ("roads-day", None)
    assert outside.because.english.endswith("no crew of it is on duty for this")


@settings(max_examples=100, deadline=None)
@given(
    problem=st.sampled_from(DOMAINS.types),
    owner=st.sampled_from(["", "city", "street", "estate", "nobody's"]),
    severity=st.sampled_from(Severity),
    hours=st.integers(0, 24 * 14),
    load=st.dictionaries(st.sampled_from([crew.id for crew in TABLE.crews]), st.integers(0, 40)),
)
def test_every_case_gets_one_department_a_reason_and_only_a_crew_that_is_on_duty_there(
    problem, owner, severity, hours, load
):
    asked = Asked(problem, severity, NOON + timedelta(hours=hours), owner=owner)
    chosen = dispatch(asked, TABLE, DOMAINS, load)
    assert chosen == dispatch(asked, TABLE, DOMAINS, load)
    assert chosen.rule is not None
    assert chosen.because.english
    if chosen.crew is not None:
        crew = next(one for one in TABLE.crews if one.id == chosen.crew)
        assert crew.department == chosen.department
        assert TABLE.working_hours.at(asked.at) in crew.on_duty
        assert severity is SEVERE or load.get(crew.id, 0) < crew.most_open


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("types: [oil_spilled]", "types: [oil_split]", "rule oil-by-police: unknown problem 'oil_split'; did you mean"),
        ("domains: [waste]", "domains: [wast]", "rule waste: unknown domain 'wast'; did you mean 'waste'?"),
        ("owners: [highway]", "owners: [motorway]", "rule pavement-highway: unknown owner 'motorway'"),
        ("department: lighting\n", "department: lamps\n", "rule lighting: unknown department 'lamps'"),
        ("skill: electric", "skill: electrics", "rule lighting: unknown skill of the crews of lighting 'electrics'"),
        ("to: city_desk", "to: mayor", "bounce after 4: unknown department 'mayor'"),
        ("after: 4", "after: 1", "'bounces' do not rise"),
        ("duty_desk: duty_desk", "duty_desk: desk", "duty_desk: unknown department 'desk'; did you mean 'duty_desk'?"),
        ("id: covers\n", "id: waste\n", "rules listed twice: waste"),
        ("department: drainage, skills", "department: drains, skills", "crew drains: unknown department 'drains'"),
        (
            "types: [guardrail_damaged, bollard_missing, noise_barrier_damaged]",
            "types: [guardrail_damaged, bollard_missing]",
            "no rule for noise_barrier_damaged, owner city, area another one, normal, working",
        ),
        (
            "types: [signal_out, sign_damaged, marking_worn]",
            "types: [signal_out, sign_damaged, marking_worn, guardrail_damaged]",
            "rules traffic-facilities and road-facilities of tier 2 both speak of guardrail_damaged",
        ),
        (
            "    tier: 2\n    types: [signal_out, sign_damaged, marking_worn]",
            "    tier: 3\n    types: [oil_spilled]",
            "rule traffic-facilities: never reached",
        ),
        ("  - id: covers\n    tier: 2\n    domains: [covers]", "  - id: covers\n    tier: 2\n    domain: [covers]",
         "unknown key 'rules.6.domain'"),
    ],
)  # fmt: skip
def test_a_citys_own_table_is_refused_with_the_row_at_fault(tmp_path: Path, old, new, told):
    own = tmp_path / "dispatch.yaml"
    assert old in text("dispatch.yaml")
    own.write_text(text("dispatch.yaml").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"dispatch\.yaml") as caught:
        read_dispatch_table(own, DOMAINS)
    assert told in str(caught.value)


def test_a_gap_at_night_is_a_gap(tmp_path: Path):
    own = tmp_path / "dispatch.yaml"
    own.write_text(text("dispatch.yaml").replace("domains: [greening]", "domains: [greening]\n    times: [working]"))
    with pytest.raises(ConfigError, match="no rule for tree_fallen, owner city, area another one, normal, after_hours"):
        read_dispatch_table(own, DOMAINS)


def test_every_type_of_the_taxonomy_has_a_domain_and_a_name_in_both_languages():
    assert set(DistressType) <= set(DOMAINS.types)
    assert DOMAINS.domain_of("standing_water").id == "drainage"
    assert DOMAINS.severity_of("tree_fallen") is SEVERE
    assert DOMAINS.severity_of("pothole") is NORMAL  # measured, not listed
    assert DOMAINS.words_of("pothole").chinese == "坑槽"
    with pytest.raises(DataError, match="unknown problem 'lampout'; did you mean 'lamp_out'"):
        DOMAINS.domain_of("lampout")


def test_every_domain_has_its_clocks():
    policies = shipped_clock_policies()
    assert [domain.id for domain in DOMAINS.domains if not policies.knows(domain.clock_policy)] == []
    spill = policies.at_filing(NOON, DOMAINS.domain_of("oil_spilled").clock_policy)
    hole = policies.at_filing(NOON, DOMAINS.domain_of("pothole").clock_policy)
    assert spill.repair_limit(SEVERE) == timedelta(hours=4)
    assert hole.repair_limit(SEVERE) == timedelta(hours=24)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("      - raveling\n", "", "no domain has raveling"),
        ("[standing_water]", "[standing_water, pothole]", "problems listed twice: pothole"),
        ("id: lamp_out,", "id: patch,", "problems listed twice: patch"),
        ("id: waste\n", "id: drainage\n", "domains listed twice: drainage"),
        ("severity: severe}", "severity: urgent}", "domains.2.problems.1.severity"),
    ],
)
def test_a_citys_own_domains_are_read_strictly(tmp_path: Path, old, new, told):
    own = tmp_path / "domains.yaml"
    own.write_text(text("domains.yaml").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_domain_table(own)
    assert told in str(caught.value)


def story(*steps: tuple[EventType, EventData]) -> list[CaseEvent]:
    return [
        CaseEvent("HZ-1", seq, kind, at, at, "u1", Role.DISPATCHER, data)
        for seq, (kind, data) in enumerate(steps, start=2)
        for at in [NOON + timedelta(minutes=seq)]
    ]


def test_hand_overs_are_listed_with_who_why_and_where_to():
    events = story(
        (EventType.DISPATCHED, Dispatched("roads", "roads-day")),
        (EventType.DISPATCHED, Dispatched("roads", "roads-night")),  # another crew, the same hands
        (EventType.HANDED_BACK, HandedBack("a cover, not the road")),
        (EventType.DISPATCHED, Dispatched("utilities")),
        (EventType.TRANSFERRED, Transferred("street_office", "an estate's cover")),
    )
    told = [(one.before, one.after, one.reason, one.is_bounce) for one in hand_overs(events)]
    assert told == [
        ("", "roads", "", False),
        ("roads", "", "a cover, not the road", True),
        ("", "utilities", "", False),
        ("utilities", "street_office", "an estate's cover", True),
    ]
    assert bounces(events) == 2
    assert handed_back_by(events) == {"roads", "utilities"}


def test_a_department_that_was_sent_the_case_again_by_a_person_is_no_longer_one_that_handed_it_back():
    events = story(
        (EventType.DISPATCHED, Dispatched("roads")),
        (EventType.HANDED_BACK, HandedBack("not ours")),
        (EventType.DISPATCHED, Dispatched("roads", reason="it is")),
    )
    assert handed_back_by(events) == frozenset()
    assert bounces(events) == 1


def test_times_of_work_are_named_so_that_yaml_does_not_read_them_as_truth_values():
    assert set(WorkTime) == {"working", "after_hours"}
