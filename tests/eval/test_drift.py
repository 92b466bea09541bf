"""When the type accuracy can no longer be quoted, and that it is not said without a reason."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from roadwarden.cli import app
from roadwarden.data.corrections import Correction, Verdict, read_corrections, write_corrections
from roadwarden.data.weeks import parse_weeks, week_of
from roadwarden.errors import ConfigError, DataError
from roadwarden.eval.drift import judge_drift
from roadwarden.eval.drift_audit import Accuracy, Audits, effective_number
from roadwarden.eval.drift_blocks import ANY_UNUSABLE, Reference, read_windows
from roadwarden.eval.drift_page import render_drift
from roadwarden.eval.drift_settings import DriftSettings, read_drift_settings
from roadwarden.eval.drift_signals import (
    SCORE_BINS,
    SignalKind,
    Sums,
    Trust,
    cohens_h,
    distances,
    factors,
    holm,
    median,
    population_stability,
)
from roadwarden.inference.tables import DETECTION_COLUMNS, FRAME_COLUMNS, schema_of
from roadwarden.taxonomy import DistressType
from tests.eval.drift_world import CITY, MODEL, World, audited, windows

SETTINGS = DriftSettings(rearrangements=599)
CRACK, HOLE = DistressType.LONGITUDINAL_CRACK, DistressType.POTHOLE
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)  # 2026-W10


def trust_after(worlds, corrections=(), *, seed=1, settings=SETTINGS, **kw):
    return judge_drift(windows(worlds, seed=seed, **kw), corrections, settings).latest


# what counts as a change


def test_a_year_of_quiet_weeks_raises_few_alarms():
    """At most 5 % of the weeks that are drawn like the reference are NOT_TRUSTED; test_drift_rates.py counts more."""
    verdicts = [
        week.trust
        for seed in range(4)
        for week in judge_drift(
            windows([CITY] * 10, seed=seed, reference=8), [], replace_settings(max_weeks_unaudited=99)
        ).weeks
    ]
    assert len(verdicts) == 40
    assert verdicts.count(Trust.NOT_TRUSTED) <= 2
    assert verdicts.count(Trust.TRUSTED) >= 36


PLANTED = {
    "half of the longitudinal cracks are gone": replace(CITY, rates=(0.25, *CITY.rates[1:])),
    "half of the potholes are gone": replace(CITY, rates=(*CITY.rates[:3], 0.03, CITY.rates[4])),
    "twice as many patches": replace(CITY, rates=(*CITY.rates[:4], 0.16)),
    "the model is less sure by 0.15": replace(CITY, score_shift=-0.15),
    "the model is surer by 0.15": replace(CITY, score_shift=0.15),
    "the lens is dirty in a fifth of the frames": replace(CITY, poor=0.2),
}


@pytest.mark.parametrize("world", PLANTED.values(), ids=PLANTED)
def test_a_planted_change_is_caught(world):
    verdicts = [trust_after([world], seed=seed, reference=8).trust for seed in range(3)]
    assert verdicts == [Trust.NOT_TRUSTED] * 3


def test_what_changed_is_said_and_nothing_else():
    week = trust_after([PLANTED["half of the longitudinal cracks are gone"]], seed=3, reference=8)
    assert [(one.kind, one.subject) for one in week.signals if one.trust is Trust.NOT_TRUSTED] == [
        (SignalKind.COUNT, "longitudinal_crack")
    ]
    assert "longitudinal crack: reported" in week.reasons[0].english.lower()
    assert "less often" in week.reasons[0].english
    assert "纵向裂缝" in week.reasons[0].chinese


def test_many_frames_alone_are_no_alarm():
    """A rate 8 % off is significant in a city this large, and too small to matter."""
    large = World(blocks=3000, unevenness=20.0)
    shifted = replace(large, rates=(0.54, *large.rates[1:]))
    week = trust_after([shifted], base=large, reference=2, settings=replace_settings(rearrangements=299))
    count = next(one for one in week.signals if one.subject == "longitudinal_crack" and one.kind is SignalKind.COUNT)
    assert count.p < 0.05
    assert 1.03 < count.effect < SETTINGS.counts.watch
    assert week.trust is Trust.TRUSTED


def test_streets_that_repeat_themselves_would_fool_a_poisson_test():
    """Counts of one street come together: a Poisson test alarms in most quiet weeks, rearranging streets in few."""
    poisson = ours = 0
    for seed in range(10):
        drawn = windows([CITY], seed=seed, base=replace(CITY, unevenness=0.4), reference=4)
        blocks = drawn.blocks
        counts = blocks.scores.sum(axis=(1, 2))
        week = ~blocks.reference
        exposure = blocks.usable[week].sum() / blocks.usable.sum()
        n, seen = counts.sum(), counts[week].sum()
        poisson += abs(seen - n * exposure) / math.sqrt(n * exposure * (1 - exposure)) > 1.96
        ours += judge_drift(drawn, [], SETTINGS).latest.trust is Trust.NOT_TRUSTED
    assert poisson >= 5
    assert ours <= 1


def test_weeks_that_always_differ_are_not_a_change():
    """Where routes change from week to week, a reference of eight weeks knows that."""
    restless = replace(CITY, unlike=0.3)
    alarms = [trust_after([restless], base=restless, seed=seed, reference=8).trust for seed in range(8)]
    assert alarms.count(Trust.NOT_TRUSTED) <= 2
    blind = [trust_after([restless], base=restless, seed=seed, reference=2).trust for seed in range(8)]
    assert blind.count(Trust.NOT_TRUSTED) > alarms.count(Trust.NOT_TRUSTED)


def test_a_quiet_week_of_few_frames_is_too_little():
    week = trust_after([replace(CITY, blocks=6)])
    assert week.trust is Trust.TOO_LITTLE_DATA
    assert "6 blocks of road" in week.reasons[0].english
    assert [one.kind for one in week.signals] == [SignalKind.ACCURACY]


def test_the_same_tables_give_the_same_report():
    first, second = (judge_drift(windows([CITY, CITY], seed=5), [], SETTINGS).as_json() for _ in range(2))
    assert json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


# what people say


def test_an_audit_below_the_promise_ends_trust_whatever_the_inputs_do():
    week = trust_after([CITY], audited("2026-W09", right=80, wrong=40))
    assert week.week == "2026-W09"
    assert week.trust is Trust.NOT_TRUSTED
    assert "80 of 120" in week.reasons[0].english


def test_corrections_of_dispatched_cases_are_not_the_headline():
    """Crews only report what was wrong; those rows are shown, and decide nothing."""
    week = trust_after([CITY], audited("2026-W09", right=10, wrong=110, audit=False))
    assert week.trust is Trust.TRUSTED
    assert week.audited.week.n == 0
    assert week.audited.others == {Verdict.CONFIRMED: 10, Verdict.RETYPED: 110}


def test_a_proven_audit_makes_a_shift_worth_a_look_only():
    shifted = PLANTED["the model is less sure by 0.15"]
    assert trust_after([shifted]).trust is Trust.NOT_TRUSTED
    week = trust_after([shifted], audited("2026-W09", right=196, wrong=4))
    assert week.trust is Trust.WATCH
    assert any("this week's own audit proves" in reason.english for reason in week.reasons)


def test_audits_that_prove_nothing_yet_are_a_watch():
    week = trust_after([CITY], audited("2026-W09", right=38, wrong=2))
    assert week.audited.week.lower < 0.90 < week.audited.week.upper
    assert week.trust is Trust.WATCH


def test_small_audits_of_several_weeks_are_pooled():
    """40 of 42 proves nothing; eight weeks of it do."""
    weeks = parse_weeks("2026-W02..2026-W09")
    rows = [row for week in weeks for row in audited(week, right=40, wrong=2)]
    week = trust_after([CITY], rows)
    assert (week.audited.week.n, week.audited.pooled.n) == (42, 336)
    assert week.trust is Trust.TRUSTED


def test_a_fall_against_the_reference_is_told_before_the_promise_is_broken():
    """0.99 became 0.93: above the promise still, and another model's figure."""
    rows = audited("2026-W05", right=396, wrong=4) + audited("2026-W09", right=372, wrong=28)
    week = trust_after([CITY], rows)
    assert week.trust is Trust.WATCH
    assert any("fell from 99.0 % to 93.0 %" in reason.english for reason in week.reasons)


def test_nobody_looked_for_long():
    quiet = judge_drift(windows([CITY] * 6, seed=1), [], SETTINGS).weeks
    assert [week.trust for week in quiet[:4]] == [Trust.TRUSTED] * 4
    assert [week.trust for week in quiet[4:]] == [Trust.WATCH] * 2
    assert "5 weeks" in quiet[4].reasons[0].english


def test_a_model_changed_inside_the_week():
    drawn = windows([CITY], seed=1)
    mixed = replace(drawn, models={"2026-W09": {MODEL: 1200, "roadwarden-sim-2@ba9876543210": 900}})
    week = judge_drift(mixed, audited("2026-W09", right=196, wrong=4), SETTINGS).latest
    assert week.trust is Trust.NOT_TRUSTED
    assert "changed inside the week" in week.reasons[0].english


def test_another_model_needs_a_number_of_its_own():
    other = "roadwarden-sim-2@ba9876543210"
    drawn = replace(windows([CITY], seed=1), models={"2026-W09": {other: 2100}})
    assert judge_drift(drawn, audited("2026-W09", right=196, wrong=4), SETTINGS).latest.trust is Trust.NOT_TRUSTED
    theirs = audited("2026-W09", right=196, wrong=4, model=other)
    assert judge_drift(drawn, theirs, SETTINGS).latest.trust is Trust.WATCH


def test_ten_sightings_of_one_mistake_are_about_one_mistake():
    spread = Audits.of(audited("2026-W09", right=90, wrong=10), SETTINGS).table(["2026-W09"], MODEL)
    assert Accuracy.of(spread).n_effective == pytest.approx(99, abs=1.5)
    streets = np.array([[10.0, 10.0]] * 9 + [[0.0, 10.0]])
    # residuals 1 nine times and -9: 10/9 * 90 / 100^2 = 0.01; 0.9 * 0.1 / 100 = 0.0009; 100 / 11.1 = 9
    assert effective_number(streets) == pytest.approx(9.0)
    assert Accuracy.of(streets).lower < Accuracy.of(spread).lower - 0.1


@hypothesis_settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=12))
def test_an_effective_number_is_never_more_than_there_is(pairs):
    rows = np.array([(min(right, n), n) for right, n in pairs], float).reshape(-1, 2)
    assert 0 <= effective_number(rows) <= rows[:, 1].sum() + 1e-9
    accuracy = Accuracy.of(rows)
    assert accuracy.lower <= accuracy.upper
    if accuracy.n:
        assert accuracy.lower <= accuracy.share + 1e-12
        assert accuracy.share <= accuracy.upper + 1e-12


# hand-computed


def sums(*, usable: float, histogram: list[float], poor: float = 0.0, frames: float = 100.0) -> Sums:
    full = np.zeros(SCORE_BINS)
    full[: len(histogram)] = histogram
    return Sums(np.array([frames]), np.array([usable]), np.array([[poor]]), full.cumsum()[None, None])


def test_effects_by_hand():
    ours = sums(usable=100, histogram=[4, 4, 2], poor=20)
    theirs = sums(usable=300, histogram=[10, 10, 40], poor=5)
    # 70 detections over 400 frames: half a detection is 400/140 = 2.857 frames; 10.5/102.857 against 60.5/302.857
    assert factors(ours, theirs)[0, 0] == pytest.approx((60.5 / 302.857143) / (10.5 / 102.857143))
    assert distances(ours, theirs)[0, 0] == pytest.approx(0.8 - 20 / 60)
    # 2 * (asin(sqrt(0.2)) - asin(sqrt(0.05))) = 0.9273 - 0.4510
    assert cohens_h(ours, theirs)[0, 0] == pytest.approx(0.4763, abs=1e-4)
    assert median(np.array([4.0, 4.0, 2.0] + [0.0] * 17)) == pytest.approx((1 + 1 / 4) / SCORE_BINS)


def test_psi_by_hand():
    """Two bins of 50 and 50 against 80 and 20, half a count added: (30/101)*ln(80.5/50.5) twice over."""
    reference, week = (np.array([*counts, *[0.0] * 18]) for counts in ((50.0, 50.0), (80.0, 20.0)))
    expected = (80.5 - 50.5) / 101 * math.log(80.5 / 50.5) + (20.5 - 50.5) / 101 * math.log(20.5 / 50.5)
    assert population_stability(week, reference) == pytest.approx(expected)
    assert population_stability(reference, reference) == 0
    assert math.isnan(population_stability(week * 0, reference))


def test_holm_by_hand():
    assert holm([0.01, math.nan, 0.04, 0.03])[::2] == pytest.approx([0.03, 0.06])
    assert holm([0.01, math.nan, 0.04, 0.03])[3] == pytest.approx(0.06)
    assert math.isnan(holm([math.nan])[0])


@pytest.mark.parametrize(
    ("time", "week"),
    [
        ("2026-03-01T23:59:59+00:00", "2026-W09"),
        ("2026-03-02T00:00:00+00:00", "2026-W10"),
        ("2026-03-02T07:30:00+08:00", "2026-W09"),  # still Sunday in UTC
        ("2027-01-01T12:00:00+00:00", "2026-W53"),
    ],
)
def test_weeks_are_iso_weeks_in_utc(time, week):
    assert week_of(datetime.fromisoformat(time)) == week


def test_a_range_of_weeks_goes_over_new_year():
    assert parse_weeks("2026-W52..2027-W02") == ("2026-W52", "2026-W53", "2027-W01", "2027-W02")
    for wrong in ("2026-54", "2026-W54", "2027-W53", "2026-W10..2026-W09"):
        with pytest.raises(ConfigError):
            parse_weeks(wrong)


# real tables


def write_job(folder: Path, frames: list[dict], detections: list[dict]) -> Path:
    folder.mkdir(parents=True)
    empty = {"size_bytes": 1, "sha256": "", "width": 640, "height": 480, "heading_deg": None, "speed_mps": None,
             "model": MODEL, "detections": 0, "lat": None, "lon": None}  # fmt: skip
    rows = [{**empty, "sha256": f"{folder.name}-{row['frame']}", **row} for row in frames]
    boxes = [{**dict.fromkeys((column.name for column in DETECTION_COLUMNS), None), **row} for row in detections]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema_of(FRAME_COLUMNS)), folder / "frames.parquet")
    pq.write_table(pa.Table.from_pylist(boxes, schema=schema_of(DETECTION_COLUMNS)), folder / "detections.parquet")
    return folder


def row(name: str, outcome: str, time: datetime | None, lat: float | None = None, **other: object) -> dict:
    return {"frame": name, "outcome": outcome, "captured_at": time, "lat": lat, "lon": None if lat is None else 120.0,
            **other}  # fmt: skip


def two_weeks(folder: Path) -> Path:
    return write_job(
        folder,
        [
            row("a", "detected", MONDAY, 30.00000),
            row("b", "clean", MONDAY, 30.00001),  # the same 100 m
            row("c", "detected", MONDAY + timedelta(hours=1), 30.10000),
            row("d", "poor_quality:dark", MONDAY, 30.10001),
            row("e", "unreadable:truncated", MONDAY),
            row("f", "clean", None),
            row("g", "detected", MONDAY - timedelta(seconds=1), 30.00000),
        ],
        [
            {"frame": "a", "type": "pothole", "score": 0.51},
            {"frame": "a", "type": "pothole", "score": 1.0},
            {"frame": "c", "type": "patch", "score": 0.2},
            {"frame": "g", "type": "pothole", "score": 0.9},
        ],
    )


def test_tables_become_blocks(tmp_path):
    found = read_windows([two_weeks(tmp_path / "job")], Reference(("2026-W09",)), SETTINGS)
    blocks = found.blocks
    assert found.undated == 1
    assert found.models == {"2026-W10": {MODEL: 5}}
    assert found.reference_models == {"2026-W09": {MODEL: 1}}
    assert blocks.types == (DistressType.PATCH, DistressType.POTHOLE)
    assert blocks.outcomes == (ANY_UNUSABLE, "poor_quality:dark", "unreadable:truncated")
    week = blocks.where(blocks.week == "2026-W10")
    assert len(week) == 3  # two places and ten seconds without one
    assert week.frames.sum() == 5
    assert week.usable.sum() == 3
    assert week.unusable.sum(axis=0).tolist() == [2, 1, 1]
    assert week.scores.sum(axis=(0, 2)).tolist() == [1, 2]
    assert week.scores.sum(axis=(0, 1)).nonzero()[0].tolist() == [4, 10, 19]
    assert blocks.where(blocks.reference).place.tolist() in [[place] for place in week.place.tolist()]


def test_a_frame_in_two_folders_would_count_twice(tmp_path):
    one = two_weeks(tmp_path / "one")
    with pytest.raises(DataError, match="count twice"):
        read_windows([one, one], Reference(("2026-W09",)), SETTINGS)


def test_frames_without_times_belong_to_no_week(tmp_path):
    job = write_job(tmp_path / "job", [row("a", "clean", None)], [])
    with pytest.raises(DataError, match="none of the 1 frames has a capture time"):
        read_windows([job], Reference(("2026-W09",)), SETTINGS)


def test_a_reference_nobody_drove_in_is_refused(tmp_path):
    with pytest.raises(DataError, match="2025-W01"):
        read_windows([two_weeks(tmp_path / "job")], Reference(("2025-W01",)), SETTINGS)


# the command


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["eval", "drift", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def city(folder: Path, rate: float, *, seed: int, weeks: int, first: datetime) -> Path:
    """Weeks of 300 frames on 30 streets in tables as the batch job writes them."""
    rng = np.random.default_rng(seed)
    frames, boxes = [], []
    for week in range(weeks):
        for number in range(300):
            name = f"{week}/{number:03d}.jpg"
            poor = rng.random() < 0.03
            seen = 0 if poor else rng.poisson(rate)
            outcome = "poor_quality:blurred" if poor else "detected" if seen else "clean"
            time = first + timedelta(weeks=week, minutes=number)
            frames.append(row(name, outcome, time, 30.0 + 0.001 * (number // 10)))
            boxes += [
                {"frame": name, "type": "pothole", "score": float(np.clip(rng.normal(0.6, 0.1), 0.2, 1))}
                for _ in range(seen)
            ]
    return write_job(folder, frames, boxes)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return city(tmp_path_factory.mktemp("before") / "job", 0.4, seed=1, weeks=4, first=MONDAY)


def test_the_command_writes_a_page_and_a_line(before, tmp_path):
    quiet = city(tmp_path / "quiet", 0.4, seed=2, weeks=1, first=MONDAY + timedelta(weeks=4))
    code, said = run(before, quiet, "--reference", "2026-W10..2026-W13", "--out", tmp_path / "out")
    assert (code, said.splitlines()[-2][:17]) == (0, "2026-W14 TRUSTED:")
    assert json.loads((tmp_path / "out" / "drift.json").read_text())["weeks"][0]["usable"] > 250
    assert "2026-W14" in (tmp_path / "out" / "drift.html").read_text()
    with pytest.raises(DataError, match="count twice"):
        run(before, "--reference-job", before)


def test_exit_codes_tell_the_latest_week(before, tmp_path):
    halved = city(tmp_path / "halved", 0.15, seed=3, weeks=1, first=MONDAY + timedelta(weeks=4))
    code, said = run(halved, "--reference-job", before, "--json")
    report = json.loads(said)
    assert code == 3
    assert report["weeks"][-1]["trust"] == "NOT_TRUSTED"
    assert report["settings"]["promise"] == 0.90
    few = city(tmp_path / "few", 0.4, seed=3, weeks=1, first=MONDAY + timedelta(weeks=5))
    code, _ = run(few, "--reference-job", before, "--settings", write(tmp_path / "s.yaml", "min_frames: 400\n"))
    assert code == 5
    late = city(tmp_path / "late", 0.4, seed=4, weeks=1, first=MONDAY + timedelta(weeks=12))
    code, said = run(late, "--reference-job", before)
    assert (code, "nobody has audited" in said) == (4, True)


def test_corrections_reach_the_verdict(before, tmp_path):
    quiet = city(tmp_path / "quiet", 0.4, seed=2, weeks=1, first=MONDAY + timedelta(weeks=4))
    write_corrections(tmp_path / "corrections.jsonl", audited("2026-W14", right=60, wrong=40))
    code, said = run(quiet, "--reference-job", before, "--corrections", tmp_path / "corrections.jsonl")
    assert code == 3
    assert "60 of 100 boxes typed right" in said


def test_a_command_without_a_reference_says_how_to_give_one(before):
    with pytest.raises(ConfigError, match="--reference 2026-W09"):
        run(before)
    with pytest.raises(DataError, match="every week belongs to the reference"):
        run(before, "--reference", "2026-W10..2026-W13")


def write(place: Path, text: str) -> Path:
    place.write_text(text)
    return place


def test_settings_are_strict(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'promise'"):
        read_drift_settings(write(tmp_path / "a.yaml", "promisse: 0.8\n"))
    with pytest.raises(ConfigError, match="has to be the larger one"):
        read_drift_settings(write(tmp_path / "b.yaml", "counts: {watch: 2.0, alarm: 1.5}\n"))
    assert all(field.description for field in DriftSettings.model_fields.values())


def test_the_page_opens_offline_in_both_languages():
    worlds = [CITY, PLANTED["half of the potholes are gone"]]
    rows = audited("2026-W09", right=90, wrong=4) + audited("2026-W10", right=90, wrong=14)
    page = render_drift(judge_drift(windows(worlds, seed=2), rows, SETTINGS))
    assert not re.findall(r"""(?:src|href)=["']""", page)
    for word in ("not trusted", "不可信", "坑槽", "Pothole", "90/94", "每千帧可用图像检出数"):
        assert word in page
    assert page.count("<polyline") >= 10
    assert "nan" not in re.findall(r'points="([^"]*)"', page)


def test_a_model_name_cannot_smuggle_script_into_the_page():
    drawn = replace(windows([CITY], seed=1), models={"2026-W09": {"<script>alert(1)</script>": 10}})
    page = render_drift(judge_drift(drawn, [], SETTINGS))
    assert "<script>alert" not in page


# corrections on disk


def correction(**changes: object) -> Correction:
    return replace(audited("2026-W09", 1, 0)[0], **changes)


def test_corrections_come_back_as_they_were_written(tmp_path):
    rows = [
        correction(),
        correction(verdict=Verdict.REJECTED, corrected=None, audit=False, annotator='阿强, "x"\n'),
        correction(verdict=Verdict.MISSED, predicted=None, lat=None, lon=None, captured_at=None, corrected_at=None),
    ]
    write_corrections(tmp_path / "c.jsonl", rows)
    assert read_corrections(tmp_path / "c.jsonl") == rows


def test_a_csv_of_another_tool_is_no_audit_unless_it_says_so(tmp_path):
    place = write(
        tmp_path / "c.csv",
        "frame,captured_at,model,verdict,predicted,corrected,audit\n"
        "a.jpg,2026-03-02T08:00:00+08:00,m@1,retyped,patch,pothole,\n"
        "b.jpg,2026-03-02T08:00:00+08:00,m@1,confirmed,patch,patch,true\n",
    )
    first, second = read_corrections(place)
    assert (first.audit, second.audit) == (False, True)
    assert (first.predicted, first.corrected) == (DistressType.PATCH, DistressType.POTHOLE)
    assert second.captured_at == MONDAY


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("verdict,type\nconfirmed,patch", "has no frame"),
        ("frame,verdict,tpye\na,confirmed,patch", "unknown column tpye"),
        ("frame,verdict,predicted,corrected\na,confirmed,patch,pot-hole", "did you mean 'pothole'"),
        ("frame,verdict,predicted,corrected\na,confirmed,patch,pothole", "is not pothole"),
        ("frame,verdict,predicted,corrected,captured_at\na,retyped,patch,pothole,2026-03-02", "has no time zone"),
        ("frame,verdict\na,confirmd", "confirmd"),
    ],
)
def test_a_wrong_correction_names_its_line(tmp_path, line, words):
    with pytest.raises(DataError, match=words) as caught:
        read_corrections(write(tmp_path / "c.csv", line + "\n"))
    assert "line 2" in str(caught.value)


def replace_settings(**changes: object) -> DriftSettings:
    return SETTINGS.model_copy(update=changes)
