"""Repairs that last and repairs that do not: reckoned by hand, and from the events of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from stories import CHIEF, START, Story, at

from roadwarden.cases.events import Severity
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.occurrences import Occurrence, occurrences
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.cases.repeats import By, Standing, Traits, groups, repeats, season
from roadwarden.cases.spells import Ended, spells
from roadwarden.cases.survival import curve, differs

DAY0 = datetime(2026, 3, 1, tzinfo=UTC)
POLICIES = shipped_clock_policies()
HANGZHOU = ZoneInfo("Asia/Shanghai")


def day(number):
    return DAY0 + timedelta(days=number)


def there(case, came, repaired=None, *, problem="pothole", crew="crew-1", place=None, **more):
    """One time that something was there; days. Its warranty is 30 days from the repair."""
    done = None if repaired is None else day(repaired)
    told = {
        "cycle": 1, "severity": Severity.NORMAL, "closed_at": done, "department": "roads", "evidence": (),
        "warranty_until": None if done is None else done + timedelta(days=30),
        "area": "west", "segment": "s1", "defect": "", "recurrence_of": "",
        "latitude": None if place is None else 30.25 + place / 111_000, "longitude": None if place is None else 120.16,
    }  # fmt: skip
    return Occurrence(case=case, problem=problem, came_at=day(came), repaired_at=done, crew=crew, **(told | more))


class TestSurvival:
    def test_kaplan_meier_is_that_of_the_book(self):
        """The 6-MP arm of Freireich 1963, as in every textbook: 21 patients, S(6) = 0.857, S(23) = 0.448."""
        days = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
        back = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
        found = curve(days, [bool(one) for one in back])
        by_hand = {5: 1.0, 6: 18 / 21, 7: 18 / 21 * 16 / 17, 10: 18 / 21 * 16 / 17 * 14 / 15}
        by_hand |= {22: by_hand[10] * 11 / 12 * 10 / 11 * 6 / 7, 23: by_hand[10] * 11 / 12 * 10 / 11 * 6 / 7 * 5 / 6}
        for days_, share in by_hand.items():
            assert found.lasting_at(days_)[0] == pytest.approx(share)
        assert found.median_days == 23
        assert found.lasting_at(36) is None
        assert (found.repairs, found.returns) == (21, 9)

    def test_the_log_rank_test_is_that_of_the_book(self):
        """Freireich 1963 again: chi-square 16.79 on one degree of freedom."""
        treated = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
        back = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
        placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
        p = differs(treated, [bool(one) for one in back], placebo, [True] * 21)
        assert p == pytest.approx(4.17e-5, rel=0.02)

    def test_of_nothing_nothing_is_said(self):
        empty = curve([], [])
        assert (empty.median_days, empty.lasting_at(1), empty.known_to_days) == (None, None, 0.0)
        assert differs([], [], [3.0], [True]) == 1.0
        assert differs([3.0], [False], [4.0], [False]) == 1.0


class TestSpells:
    def test_a_repair_lasts_until_the_thing_is_back_or_until_the_last_look(self):
        found = spells(
            [
                there("a", 0, 2),
                there("b", 12, 13, recurrence_of="a"),  # back after 10 days
                there("c", 0, 5),  # seen on day 40, still good
                there("d", 0, 5),  # nobody knows when it was looked at
                there("e", 0, 5),  # not looked at since
            ],
            {"b": day(50), "c": day(40), "e": day(4)},
            day(60),
        )
        told = {one.repair.case: (one.days, one.ended) for one in found.spells}
        assert told == {
            "a": (10, Ended.RETURNED),
            "b": (37, Ended.WATCHED),
            "c": (35, Ended.WATCHED),
            "d": (55, Ended.NOT_WATCHED),
        }
        assert [one.case for one in found.unseen] == ["e"]

    def test_one_defect_one_recurrence_and_one_type_within_two_metres_are_one_place(self):
        places = spells(
            [
                there("a", 0, 1, defect="d1"),
                there("b", 9, 10, defect="d1"),
                there("c", 20, 21, recurrence_of="b", place=0.0),
                there("d", 30, 31, place=1.5),
                there("e", 40, 41, place=1.6, problem="settlement"),
                there("f", 50, 51, place=4.0),
            ],
            {},
            day(60),
        ).places
        assert {name: [one.case for one in there_] for name, there_ in places.items()} == {
            "a": ["a", "b", "c", "d"],
            "e": ["e"],
            "f": ["f"],
        }

    def test_two_open_cases_of_one_hole_are_no_return(self):
        """The first is repaired while the second is open: the hole was not gone until the second was repaired."""
        found = spells(
            [there("a", 0, 3, defect="x"), there("b", 1, 5, defect="x"), there("c", 9, defect="x")], {}, day(20)
        )
        assert [(one.repair.case, one.days, one.back.case) for one in found.spells] == [("b", 4, "c")]

    def test_warranty_holds_to_its_last_moment(self):
        found = spells(
            [there("a", 0, 1, defect="x"), there("b", 31, 32, defect="x"), there("c", 62.01, defect="x")], {}, day(90)
        )
        assert [one.in_warranty for one in found.spells] == [True, False]


class TestOccurrences:
    def test_each_cycle_is_one_with_the_crew_that_had_the_case(self):
        story = Story().filed(0, segment="s1", latitude=30.0, longitude=120.0)
        story.tell("dispatched", 1, department="roads", crew="crew-2").tell("accepted", 2, actor="han")
        story.tell("repair_reported", 5, actor="han", evidence=["sha256:aa"])
        story.tell("assessed", 6, verdict="REPAIRED", report_seq=story.last).tell("closed", 7)
        story.tell("reopened", 100, reason="the patch came off")
        (first, second) = occurrences(story.events, POLICIES, at(200))
        assert (first.came_at, first.repaired_at, first.closed_at) == (at(0), at(5), at(7))
        assert (first.crew, first.department, first.evidence) == ("crew-2", "roads", ("sha256:aa",))
        assert first.warranty_until == at(7) + timedelta(days=30)
        assert (second.cycle, second.came_at, second.repaired_at, second.crew) == (2, at(100), None, "")
        (spell,) = spells([first, second], {}, at(200)).spells
        assert (spell.days, spell.in_warranty) == (95 / 24, True)

    def test_a_false_report_is_no_repair_and_a_void_case_never_was(self):
        story = Story().filed(0).tell("dispatched", 1, department="roads").tell("repair_reported", 5, actor="han")
        story.tell("assessed", 6, verdict="NOT_REPAIRED", report_seq=story.last)
        assert occurrences(story.events, POLICIES, at(9))[0].repaired_at is None
        story.tell("voided", 10, reason="not a road", approved_by=CHIEF)
        assert occurrences(story.events, POLICIES, at(11)) == ()
        assert occurrences(story.events, POLICIES, START - timedelta(hours=1)) == ()

    def test_what_a_patrol_mended_is_the_patrols(self):
        story = Story().filed(0).tell("dispatched", 1, department="roads", crew="crew-2")
        story.tell("self_handled", 3, actor="sun")
        story.tell("assessed", 4, verdict="REPAIRED", report_seq=story.last)
        (only,) = occurrences(story.events, POLICIES, at(9))
        assert (only.crew, only.department, only.closed_at) == ("patrol", "", None)
        assert only.warranty_until == at(3) + timedelta(days=30)


class TestRepeats:
    @pytest.fixture
    def period(self):
        return Period(day(0), day(100), day(200))

    def test_offenders_and_claims_are_told_by_name(self, period):
        found = repeats(
            spells(
                [
                    there("a1", 0, 1, defect="a"),
                    there("a2", 10, 11, defect="a", crew="crew-2"),
                    there("a3", 50, 51, defect="a"),
                    there("b1", 0, 1, defect="b"),
                    there("b2", 95, 96, defect="b"),
                    there("c1", 3, 4),
                ],
                {},
                day(200),
            ),
            {},
            period,
            HANGZHOU,
        )
        assert [(one.place, one.returns, one.mean_days) for one in found.offenders] == [("a1", 2, 25), ("b1", 1, 95)]
        assert [(one.repair.case, one.repair.crew, one.back.case) for one in found.claims] == [("a1", "crew-1", "a2")]
        assert (found.returned.part, found.returned.whole, found.not_watched) == (3, 6, 3)
        assert found.median_interval_days == 40

    def test_a_crew_whose_repairs_do_not_last_stands_out_and_one_of_few_is_not_judged(self, period):
        random = np.random.default_rng(1)
        known = []
        for number in range(120):
            crew = "good" if number % 3 else "bad"
            known.append(there(f"{number:03}", 0, 1 + number / 10, defect=f"d{number}", crew=crew))
            lasts = random.exponential(20 if crew == "bad" else 400)
            if lasts < 90:
                known.append(there(f"{number:03}b", 1 + number / 10 + lasts, defect=f"d{number}"))
        known += [there(f"few{number}", 0, 1, crew="few") for number in range(5)]
        made = spells(known, {}, day(200)).spells
        told = {one.key: one for one in groups(made, By.CREW, {}, HANGZHOU)}
        assert told["bad"].standing is Standing.WORSE
        assert told["good"].standing is Standing.BETTER
        assert told["few"].standing is Standing.TOO_FEW
        assert told["bad"].curve.median_days < 40

    @pytest.mark.slow
    def test_groups_of_chance_are_seldom_called_worse(self):
        """200 districts of ten crews alike: false alarms in at most one in twenty, and a few more by chance."""
        random = np.random.default_rng(2)
        alarms = 0
        for _ in range(200):
            known = []
            for number in range(150):
                known.append(there(f"{number:03}", 0, 1, defect=f"d{number}", crew=f"c{random.integers(10)}"))
                if (lasts := random.exponential(60)) < 90:
                    known.append(there(f"{number:03}b", 1 + lasts, defect=f"d{number}"))
            found = groups(spells(known, {}, day(200)).spells, By.CREW, {}, HANGZHOU)
            alarms += any(one.standing in (Standing.WORSE, Standing.BETTER) for one in found)
        assert alarms <= 20

    def test_groups_by_ground_and_season(self):
        made = spells([there("a", 0, 1), there("b", 0, 1), there("c", 0, 100)], {}, day(200)).spells
        traits = {"a": Traits(material="asphalt", utility="cut"), "b": Traits(material="concrete", utility="none")}
        assert [one.key for one in groups(made, By.MATERIAL, traits, HANGZHOU)] == ["asphalt", "concrete"]
        assert [one.key for one in groups(made, By.UTILITY_CUT, traits, HANGZHOU)] == ["cut", "none"]
        assert [season(one, HANGZHOU) for one in made] == ["spring", "spring", "summer"]
        assert groups(made, By.CELL, traits, HANGZHOU) == ()
