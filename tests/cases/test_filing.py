"""Which defects and tips become cases without a person, which wait for one, and none twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from roadwarden.cases.domains import shipped_domain_table
from roadwarden.cases.events import Severity
from roadwarden.cases.filing import (
    Facts,
    FiledBefore,
    Filing,
    Source,
    decide,
    next_round,
    read_filing_table,
    shipped_filing_table,
)
from roadwarden.cases.tips import Tip, decide_tip, filed_by
from roadwarden.errors import ConfigError, DataError
from roadwarden.taxonomy import DistressType

TABLE = shipped_filing_table()
SEEN = datetime(2026, 11, 2, 4, tzinfo=UTC)
HOLE = Facts("d1", DistressType.POTHOLE, True, Severity.NORMAL, 0.1, sightings=1, passes=1)
CRACKING = Facts("d2", DistressType.ALLIGATOR_CRACK, True, Severity.NORMAL, 1.0, sightings=2, passes=1)


@pytest.mark.parametrize(
    ("facts", "filing"),
    [
        (HOLE, Filing.AT_ONCE),
        (replace(HOLE, area_m2=0.0999), Filing.INTAKE),
        (replace(HOLE, area_m2=None), Filing.INTAKE),
        (replace(HOLE, wanted=False), Filing.NONE),
        (replace(HOLE, present=False), Filing.NONE),
        (CRACKING, Filing.AT_ONCE),
        (replace(CRACKING, sightings=1), Filing.INTAKE),
        (replace(CRACKING, area_m2=0.99), Filing.INTAKE),
        (replace(HOLE, problem=DistressType.RAVELING), Filing.INTAKE),
        (replace(HOLE, problem=DistressType.MANHOLE_COVER_MISSING, severity=Severity.SEVERE), Filing.INTAKE),
    ],
    ids=[
        "pothole of 0.1 m²",
        "a little smaller",
        "nobody measured",
        "below the thresholds",
        "gone",
        "alligator crack of 1 m², seen twice",
        "seen once",
        "too small",
        "another type",
        "severe, but another type",
    ],
)
def test_potholes_and_alligator_cracks_are_filed_at_once_and_the_rest_waits_for_intake(facts, filing):
    assert decide(facts, TABLE).filing is filing


def test_why_a_defect_waits_is_said_in_both_languages():
    waits = decide(replace(CRACKING, sightings=1, area_m2=0.5), TABLE)
    assert waits.rule == "alligator-crack"
    assert waits.because.english == "by rule alligator-crack not at once: area 0.5 m² < 1 m²; sightings 1 < 2"
    assert waits.because.chinese == "未满足即时立案规则 alligator-crack: 面积 0.5 m² < 1 m²; 发现次数 1 < 2"


def test_a_defect_has_one_case_until_it_comes_back_after_the_warranty():
    opened = FiledBefore("c1", 1, open=True)
    closed = FiledBefore("c1", 1, open=False, warranty_until=SEEN)
    voided = FiledBefore("c1", 1, open=False)
    assert next_round(SEEN, []) == 1
    assert next_round(SEEN, [opened]) is None
    assert next_round(SEEN, [closed]) is None  # exactly at its end is within
    assert next_round(SEEN + timedelta(microseconds=1), [closed]) == 2
    assert next_round(SEEN + timedelta(days=400), [voided]) is None
    assert next_round(SEEN + timedelta(days=1), [closed, FiledBefore("c2", 2, open=True)]) is None


def test_a_sensors_tip_files_a_case_of_its_domain_with_the_clocks_of_that_domain():
    tip = Tip("lamp-17", Source.SENSOR, "lamp_row_out", SEEN, 30.25, 120.15, area="north")
    filed = filed_by(tip, shipped_domain_table())
    assert decide_tip(tip, TABLE).filing is Filing.AT_ONCE
    assert (filed.distress, filed.domain, filed.severity) == ("lamp_row_out", "lighting", Severity.SEVERE)
    assert (filed.policy, filed.source, filed.first_seen_at) == ("lighting", "sensor", SEEN)
    assert tip.case == "sensor-lamp-17"


def test_what_a_citizen_reports_is_looked_at_first_and_the_case_says_that_he_was_first():
    tip = Tip("20261102-3", Source.CITIZEN, "pothole", SEEN, note="before the school")
    assert decide_tip(tip, TABLE).filing is Filing.INTAKE
    filed = filed_by(tip, shipped_domain_table(), Severity.SEVERE)
    assert (filed.source, filed.severity, filed.domain) == ("citizen", Severity.SEVERE, "pavement")


def test_a_tip_of_an_unknown_problem_or_from_nowhere_is_refused():
    with pytest.raises(DataError, match="unknown problem 'potholes'; did you mean 'pothole'"):
        filed_by(Tip("1", Source.CITIZEN, "potholes", SEEN), shipped_domain_table())
    with pytest.raises(ValueError, match="not on Earth"):
        Tip("1", Source.CITIZEN, "pothole", SEEN, 120.15, 30.25)
    with pytest.raises(ValueError, match="without a time zone"):
        Tip("1", Source.CITIZEN, "pothole", SEEN.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("problems: [pothole]", "problems: [potholes]", "at_once.0.problems.0"),
        ("problems: [alligator_crack]", "problems: [pothole]", "problems of rules listed twice: pothole"),
        ("source: patrol", "source: sensor", "sources of tips listed twice: sensor"),
        ("source: patrol, filing: at_once", "source: patrol, filing: none", "a tip is filed or looked at"),
        ("sightings_at_least", "sighting_at_least", "unknown key 'at_once.1.sighting_at_least'"),
    ],
)
def test_a_citys_own_filing_table_is_read_strictly(tmp_path: Path, old, new, told):
    text = (resources.files("roadwarden") / "tables" / "filing.yaml").read_text(encoding="utf-8")
    own = tmp_path / "filing.yaml"
    own.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_filing_table(own)
    assert told in str(caught.value)
