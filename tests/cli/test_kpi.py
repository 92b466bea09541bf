"""``roadwarden kpi``: from a file of events as an auditor has it, and from the database, the same figures."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from roadwarden.cases.event_lines import write_event_lines
from roadwarden.cases.events import (
    Accepted,
    Assessed,
    CaseEvent,
    Closed,
    Dispatched,
    EventData,
    EventType,
    Filed,
    RepairReported,
    Role,
    Severity,
    Verdict,
)
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.cli import app
from roadwarden.errors import ConfigError, DataError, RoadwardenError
from roadwarden.service.case_lines import import_events
from roadwarden.storage.schema import open_storage
from tests.conftest import REPOSITORY

MONDAY = datetime(2026, 11, 1, 16, tzinfo=UTC)  # midnight of 2 November in Shanghai
HOUR = timedelta(hours=1)


def straight(case: str, filed_at: datetime, repair_h: float, severity: Severity = Severity.NORMAL) -> list[CaseEvent]:
    """Seen 5 h before filing, dispatched after 1 h, accepted after 2, assessed 3 h after the repair, closed after 4."""
    filed = Filed("pothole", severity, first_seen_at=filed_at - 5 * HOUR, area="north", source="camera")
    steps: list[tuple[float, EventType, EventData, Role]] = [
        (0, EventType.FILED, filed, Role.SYSTEM),
        (1, EventType.DISPATCHED, Dispatched("roads", "roads-day"), Role.DISPATCHER),
        (2, EventType.ACCEPTED, Accepted(), Role.CREW),
        (repair_h, EventType.REPAIR_REPORTED, RepairReported(("a",)), Role.CREW),
        (repair_h + 3, EventType.ASSESSED, Assessed(Verdict.REPAIRED, 4), Role.ASSESSOR),
        (repair_h + 4, EventType.CLOSED, Closed(), Role.DISPATCHER),
    ]
    return [
        CaseEvent(case, seq, kind, filed_at + hours * HOUR, filed_at + hours * HOUR, f"{role.value}-1", role, data)
        for seq, (hours, kind, data, role) in enumerate(steps, start=1)
    ]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """40 repairs of 10, 11 … 49 h, and a severe one of 25 h: two are late, of 49 h and of 25 h severe."""
    cases = [straight(f"HZ-{n}", MONDAY + n * HOUR, 10.0 + n) for n in range(40)]
    cases.append(straight("HZ-S", MONDAY, 25.0, Severity.SEVERE))
    file = tmp_path / "events.jsonl"
    write_event_lines(file, [event for case in cases for event in case])
    return file


def run(*arguments: object) -> Result:
    """In this process: starting another takes a second each time."""
    return CliRunner().invoke(app, ["kpi", *map(str, arguments)])


WEEK = ("--from", "2026-11-02", "--to", "2026-11-09", "--now", "2026-11-09T00:00")


def test_an_auditor_reckons_the_figures_from_the_lines_alone(lines: Path) -> None:
    done = run(*WEEK, "--events", lines, "--json")
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert (figures["filed"], figures["closed"], figures["closure_rate"]) == (41, 41, 1.0)
    assert figures["on_time_approved"] == pytest.approx(39 / 41)
    assert figures["on_time_approved_severe"] == 0.0
    assert figures["mean_h"] == pytest.approx((40 * 29.5 + 25) / 41)
    assert figures["mean_met"] is True
    assert figures["p50_h"] == 29.0  # of 10 … 49 and 25 once more
    assert figures["breached_hours"] == pytest.approx(2.0)
    assert figures["assess_on_time"] == 1.0
    assert [week["filed"] for week in figures["weeks"]] == [41]
    assert figures["stages"]["discover"] == {"cases": 41, "mean_h": 5.0}
    assert figures["stages"]["close"]["mean_h"] == pytest.approx(1.0)
    assert figures["savings"][-1]["refusal"] == "no_baseline"


def test_as_of_an_earlier_time_only_what_was_received_by_then_counts(lines: Path) -> None:
    early = run(*WEEK[:4], "--now", "2026-11-03T00:00", "--events", lines, "--json")
    figures = json.loads(early.stdout)
    assert figures["filed"] == 26  # HZ-0 … HZ-24, the last one received exactly then, and HZ-S
    assert figures["closed"] < 25
    assert figures["open"] > 0


def test_a_recorded_baseline_makes_the_time_saved_a_figure(lines: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.yaml"
    done = run(*WEEK, "--events", lines, "--record", before, "--source", "the desk's ledger", "--json")
    assert done.exit_code == 0, done.output
    content = yaml.safe_load(before.read_text(encoding="utf-8"))
    assert content["source"] == "the desk's ledger"
    assert len(content["hours"]["whole"]) == 41
    content["hours"]["whole"] = [10 * hours for hours in content["hours"]["whole"]]
    before.write_text(yaml.safe_dump(content), encoding="utf-8")
    figures = json.loads(run(*WEEK, "--events", lines, "--baseline", before, "--json").stdout)
    whole, close = figures["savings"][-1], figures["savings"][-2]
    assert whole["claim"] == "proven"
    assert whole["saved"] == pytest.approx(0.9)
    assert close["claim"] == "disproven"
    assert close["saved"] == pytest.approx(0.0)


def test_the_table_and_the_page_say_the_same(lines: Path, tmp_path: Path) -> None:
    page = tmp_path / "out" / "kpi.html"
    done = run(*WEEK, "--events", lines, "--html", page)
    assert done.exit_code == 0, done.output
    assert "95.1 %" in done.stdout
    html = page.read_text(encoding="utf-8")
    for told in ("95.1 %", "at most 48 h: kept", "承诺不超过 48 小时: 达到", "no baseline is recorded", "未登记基线"):
        assert told in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html


def test_whoever_names_no_period_gets_the_last_thirty_days_with_today(lines: Path) -> None:
    asked = ("--events", lines, "--now", "2026-11-10T09:00+08:00", "--json")
    usual = run(*asked)
    assert usual.exit_code == 0, usual.output
    assert usual.stdout == run("--from", "2026-10-12", "--to", "2026-11-11", *asked).stdout
    assert json.loads(run("--to", "2026-11-05", *asked).stdout)["from"] == "2026-10-05T16:00:00Z"


def test_every_key_is_explained_on_the_page_of_figures(lines: Path) -> None:
    page = (REPOSITORY / "docs" / "kpi.md").read_text(encoding="utf-8")
    keys = json.loads(run(*WEEK, "--events", lines, "--json").stdout)
    plain = {key.removesuffix("_normal").removesuffix("_severe") for key in keys if not key.startswith("severe_")}
    for key in plain - {"decided"}:
        told = f"`…{key.removeprefix('breached_hours')}`" if key.startswith("breached_hours_") else f"`{key}`"
        assert told in page or f"`{key}`" in page, key


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (("--from", "2026-11-09", "--to", "2026-11-02"), ConfigError, "--to 2026-11-02 is not after --from 2026-11-09"),
        (("--from", "09.11.2026", "--to", "2026-11-02"), ConfigError, "--from 09.11.2026: wanted a day such as"),
        ((*WEEK, "--zone", "Asia/Hangzhou"), ConfigError, "unknown time zone 'Asia/Hangzhou'"),
        ((*WEEK, "--record", "b.yaml"), ConfigError, "--record wants --source"),
        ((*WEEK, "--baseline", "nowhere.yaml"), ConfigError, "nowhere.yaml: cannot be read"),
        ((*WEEK, "--events", "nowhere.jsonl"), DataError, "nowhere.jsonl: cannot be read"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], error: type[RoadwardenError], told: str) -> None:
    done = run(*arguments)
    assert isinstance(done.exception, error)
    assert told in str(done.exception)


def test_a_broken_line_is_named_without_a_traceback(lines: Path) -> None:
    with lines.open("a", encoding="utf-8") as more:
        more.write('{"case": "HZ-1"}\n')
    words = [sys.executable, "-m", "roadwarden", "kpi", *WEEK, "--events", str(lines)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{lines}:247: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_database_gives_the_figures_of_its_exported_lines(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    engine = open_storage(url)
    import_events(engine, lines, shipped_clock_policies(), MONDAY + 30 * 24 * HOUR)
    engine.dispose()
    monkeypatch.setenv("ROADWARDEN_DATABASE", url)
    from_store, from_file = run(*WEEK, "--json"), run(*WEEK, "--events", lines, "--json")
    assert from_store.exit_code == 0, from_store.output
    assert json.loads(from_store.stdout) == json.loads(from_file.stdout)


CAMPAIGNS = """
version: "1"
zone: Asia/Shanghai
campaigns:
  - id: first-day
    english: the first day
    chinese: 首日
    from: 2026-11-02
    days: 1
    areas: [north]
    problems: [pothole]
    repeats: {days: 30}
"""


def test_a_campaign_shows_its_figures_before_during_and_after(lines: Path, tmp_path: Path) -> None:
    file = tmp_path / "campaigns.yaml"
    file.write_text(CAMPAIGNS, encoding="utf-8")
    words = ["campaign", str(file), "first-day", "--events", str(lines), "--now", "2026-11-20"]
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert (told["number"], told["complete"]) == (1, True)
    assert (told["before"]["filed"], told["during"]["filed"], told["after"]["filed"]) == (0, 25, 16)
    assert told["during"]["mean_h"] == 13.0  # of 10 to 16 h: HZ-0 to HZ-6 were repaired on that day
    shown = CliRunner().invoke(app, words)
    assert "the first day  首日, time 1: 2026-11-02 to 2026-11-03" in shown.stdout
    missing = CliRunner().invoke(app, [*words, "--number", "2"])
    assert isinstance(missing.exception, DataError)
    assert "began 1 times so far, not 2" in str(missing.exception)
