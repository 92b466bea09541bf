"""A campaign has a name, a time, areas and problems, comes again, and shows what it changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from roadwarden.cases.campaigns import Campaign, figures, occurrences, read_campaigns
from roadwarden.cases.case_facts import CaseFacts, case_facts
from roadwarden.cases.domains import shipped_domain_table
from roadwarden.cases.events import (
    Assessed,
    CaseEvent,
    Closed,
    EventData,
    EventType,
    Filed,
    RepairReported,
    Role,
    Severity,
    Verdict,
)
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.errors import ConfigError

DOMAINS, HOUR, DAY = shipped_domain_table(), timedelta(hours=1), timedelta(days=1)
FILE = """
version: "1"
zone: Asia/Shanghai
campaigns:
  - id: hundred-days
    english: a hundred days on holes
    chinese: 百日攻坚
    from: 2026-03-01
    days: 100
    areas: [north]
    problems: [pothole]
    repeats: {months: 12, until: 2029-01-01}
    goal: no hole older than two days
"""


@pytest.fixture
def table(tmp_path: Path):
    file = tmp_path / "campaigns.yaml"
    file.write_text(FILE, encoding="utf-8")
    return read_campaigns(file, DOMAINS)


def mended(case: str, filed_at: datetime, hours: float, problem: str = "pothole", area: str = "north") -> CaseFacts:
    steps: list[tuple[float, EventType, EventData, Role]] = [
        (0, EventType.FILED, Filed(problem, Severity.NORMAL, area=area, domain="pavement"), Role.SYSTEM),
        (hours, EventType.REPAIR_REPORTED, RepairReported(("a",)), Role.CREW),
        (hours + 1, EventType.ASSESSED, Assessed(Verdict.REPAIRED, 2), Role.ASSESSOR),
        (hours + 2, EventType.CLOSED, Closed(), Role.DISPATCHER),
    ]
    events = [
        CaseEvent(case, seq, kind, filed_at + after * HOUR, filed_at + after * HOUR, "u1", role, data)
        for seq, (after, kind, data, role) in enumerate(steps, start=1)
    ]
    facts = case_facts(events, shipped_clock_policies(), datetime(2027, 1, 1, tzinfo=UTC))
    assert facts is not None
    return facts


def test_a_campaign_comes_again_every_year_until_it_does_not(table) -> None:
    campaign = table.campaign("hundred-days")
    found = list(occurrences(campaign, table.zone, datetime(2035, 1, 1, tzinfo=UTC)))
    assert [one.number for one in found] == [1, 2, 3]
    assert [one.start.date() for one in found] == [date(2026, 3, 1), date(2027, 3, 1), date(2028, 3, 1)]
    assert found[0].start == datetime(2026, 2, 28, 16, tzinfo=UTC)  # midnight in Shanghai
    assert found[0].end - found[0].start == 100 * DAY
    assert len(list(occurrences(campaign, table.zone, datetime(2026, 6, 1, tzinfo=UTC)))) == 1


def test_the_last_day_of_a_month_is_kept_where_the_month_is_shorter() -> None:
    campaign = Campaign.model_validate(
        {"id": "m", "english": "m", "chinese": "月", "from": "2026-01-31", "days": 5, "repeats": {"months": 1}}
    )
    found = list(occurrences(campaign, "Asia/Shanghai", datetime(2026, 5, 1, tzinfo=UTC)))
    assert [one.start.date() for one in found] == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]


def test_its_figures_are_those_of_its_cases_before_during_and_after(table) -> None:
    (held,) = occurrences(table.campaign("hundred-days"), table.zone, datetime(2026, 12, 1, tzinfo=UTC))
    cases = [
        *(mended(f"b{n}", held.start - (10 + n) * DAY, 60) for n in range(4)),
        *(mended(f"d{n}", held.start + (10 + n) * DAY, 20) for n in range(6)),
        mended("a0", held.end + 5 * DAY, 30),
        mended("first moment", held.start, 20),
        mended("elsewhere", held.start + DAY, 99, area="south"),
        mended("something else", held.start + DAY, 99, problem="raveling"),
    ]
    told = figures(held, cases, now=held.end + 150 * DAY)
    assert (told.before.flow.filed, told.during.flow.filed) == (4, 7)
    assert (told.before.response.mean_h, told.during.response.mean_h) == (60, 20)
    assert (told.before.on_time.approved.value, told.during.on_time.approved.value) == (0.0, 1.0)
    assert told.after is not None
    assert told.after.flow.filed == 1
    assert told.complete
    early = figures(held, cases, now=held.end - DAY)
    assert early.after is None
    assert not early.complete


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "problems: [pothole]",
            "problems: [potholes]",
            "campaign hundred-days: unknown problem 'potholes'; did you mean",
        ),
        ("problems: [pothole]", "domains: [pavements]", "campaign hundred-days: unknown domain 'pavements'"),
        ("{months: 12,", "{days: 90,", "campaign hundred-days: comes again before it has ended"),
        ("{months: 12,", "{months: 12, days: 365,", "'repeats' wants either 'months' or 'days'"),
        ("days: 100", "day: 100", "unknown key 'campaigns.0.day'"),
    ],
)
def test_campaigns_are_read_strictly(tmp_path: Path, old: str, new: str, told: str) -> None:
    file = tmp_path / "campaigns.yaml"
    file.write_text(FILE.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_campaigns(file, DOMAINS)
    assert told in str(caught.value)


def test_an_unknown_campaign_is_named(table) -> None:
    with pytest.raises(ConfigError, match="unknown campaign 'hundred_days'; did you mean 'hundred-days'"):
        table.campaign("hundred_days")
