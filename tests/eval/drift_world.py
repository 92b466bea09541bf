"""A simulated city whose weeks are alike unless a test plants a change: streets differ, frames of a street do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from roadwarden.data.corrections import Correction, Verdict
from roadwarden.data.weeks import monday_of, parse_weeks
from roadwarden.eval.drift_blocks import ANY_UNUSABLE, SCORE_BINS, Blocks, Windows
from roadwarden.taxonomy import TRAINED_TYPES, DistressType

MODEL = "roadwarden-sim-1@0123456789ab"
OUTCOMES = (ANY_UNUSABLE, "poor_quality:blurred", "poor_quality:dark")


@dataclass(frozen=True)
class World:
    """What a week is drawn from. Rates are detections a usable frame in the order of TRAINED_TYPES."""

    blocks: int = 120
    frames_a_block: float = 20.0
    rates: tuple[float, ...] = (0.5, 0.2, 0.12, 0.06, 0.08)
    unevenness: float = 1.0  # shape of the gamma that streets differ by; small is uneven
    score_shift: float = 0.0
    poor: float = 0.02
    unlike: float = 0.0  # standard deviation of the log rate between weeks: other routes, other streets


CITY = World()


def draw_week(world: World, week: str, rng: np.random.Generator, *, reference: bool) -> Blocks:
    """One week's blocks; scores of one street are alike too."""
    n, k = world.blocks, len(TRAINED_TYPES)
    frames = rng.poisson(world.frames_a_block, n) + 1
    poor = np.stack(
        [rng.binomial(frames, rng.beta(5 * world.poor, 5 * (1 - world.poor), n)) // 2 for _ in OUTCOMES[1:]], 1
    )
    usable = frames - poor.sum(axis=1)
    scores = np.zeros((n, k, SCORE_BINS))
    for column, rate in enumerate(world.rates):
        week_rate = rate * np.exp(rng.normal(0, world.unlike)) if world.unlike else rate
        counts = rng.poisson(week_rate * usable * rng.gamma(world.unevenness, 1 / world.unevenness, n))
        street = np.repeat(np.arange(n), counts)
        value = 0.2 + 0.8 * rng.beta(4, 4, len(street)) + rng.normal(0, 0.05, n)[street] + world.score_shift
        bins = (np.clip(value, 0.2, 0.999) * SCORE_BINS).astype(int)
        np.add.at(scores, (street, column, bins), 1.0)
    place = np.stack([np.ones(n), rng.integers(0, 400, n), np.zeros(n)], axis=1).astype(np.int64)
    return Blocks(
        types=TRAINED_TYPES,
        outcomes=OUTCOMES,
        week=np.full(n, week),
        reference=np.full(n, reference),
        place=place,
        frames=frames.astype(float),
        usable=usable.astype(float),
        unusable=np.column_stack([poor.sum(axis=1), poor]).astype(float),
        scores=scores,
    )


def windows(
    worlds: Sequence[World],
    *,
    seed: int,
    base: World = CITY,
    reference: int = 6,
    first: str = "2026-W03",
    model: str = MODEL,
) -> Windows:
    """``reference`` quiet weeks and then one of each world."""
    weeks = weeks_from(first, reference + len(worlds))
    rng = np.random.default_rng(seed)
    drawn = [
        draw_week(base if number < reference else worlds[number - reference], week, rng, reference=number < reference)
        for number, week in enumerate(weeks)
    ]
    names = ("week", "reference", "place", "frames", "usable", "unusable", "scores")
    columns = {name: np.concatenate([getattr(one, name) for one in drawn]) for name in names}
    frames = {one.week[0]: int(one.frames.sum()) for one in drawn}
    return Windows(
        replace(drawn[0], **columns),
        models={week: {model: frames[week]} for week in weeks[reference:]},
        reference_models={week: {model: frames[week]} for week in weeks[:reference]},
        undated=0,
    )


def weeks_from(first: str, count: int) -> tuple[str, ...]:
    last = monday_of(first) + timedelta(weeks=count - 1)
    year, week, _ = last.isocalendar()
    return parse_weeks(f"{first}..{year:04d}-W{week:02d}")


def audited(
    week: str, right: int, wrong: int, *, model: str = MODEL, audit: bool = True, same_place: bool = False
) -> list[Correction]:
    """That many boxes that people found typed right, and typed wrong, each on a street of its own unless told."""
    day = datetime.combine(monday_of(week), datetime.min.time(), UTC) + timedelta(days=2)
    return [
        Correction(
            frame=f"{week}/{number:04d}.jpg",
            captured_at=day,
            lat=30.0 if same_place else 30.0 + number * 0.01 + int(week[-2:]) * 0.002,
            lon=120.0,
            model=model,
            verdict=Verdict.CONFIRMED if number < right else Verdict.RETYPED,
            predicted=DistressType.ALLIGATOR_CRACK,
            corrected=DistressType.ALLIGATOR_CRACK if number < right else DistressType.POTHOLE,
            box_xyxy=(10.0, 10.0, 60.0, 40.0),
            annotator="someone",
            annotation=str(number),
            audit=audit,
            chosen=True,
            corrected_at=day + timedelta(days=1),
        )
        for number in range(right + wrong)
    ]
