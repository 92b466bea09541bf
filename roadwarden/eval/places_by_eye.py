"""Pairs of frames that a person judged, against what the matcher says: CSV in, CSV and counts out."""

from __future__ import annotations

import csv
import io
import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from roadwarden.data.place_pairs import FramePair
from roadwarden.data.splits import SplitRow
from roadwarden.defects.rulings import Answer
from roadwarden.defects.same_place import PlaceEvidence, SamePlaceTable, judge_place
from roadwarden.errors import DataError
from roadwarden.eval.places import CERTAIN, Compare, Rate


class Verdict(StrEnum):
    """What a person saw: whether some of the road is in both frames."""

    SAME = "same"
    OTHER = "other"
    CANNOT_TELL = "cannot_tell"


COLUMNS = ("no", "part", "drawn_from", "image_a", "image_b", "inliers", "verdict", "why")


@dataclass(frozen=True, slots=True)
class EyeRow:
    """One judged pair; ``inliers`` is empty where the data set does not list the pair."""

    no: int
    part: str
    drawn_from: str  # which pairs it was drawn from
    pair: FramePair
    inliers: str
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A row and the matcher's answer."""

    row: EyeRow
    evidence: PlaceEvidence
    answer: Answer


@dataclass(frozen=True, slots=True)
class EyeCount:
    """One kind of pair and verdict: how the matcher answered."""

    drawn_from: str
    verdict: Verdict
    pairs: int
    said_same: int
    said_other: int
    said_cannot_tell: int


@dataclass(frozen=True, slots=True)
class EyeScore:
    """Over all pairs that the person could tell."""

    precision: Rate
    recall: Rate
    other_right: Rate  # of those that the matcher called other
    counts: tuple[EyeCount, ...]


DRAWN = {"listed below 30 inliers": 60, "same place, not listed": 20, "same group, not listed": 20}
"""Pairs of each part that a person is shown, by what is known of them; the person is not told which is which."""


def draw(rows: Sequence[SplitRow], known: Mapping[FramePair, int], seed: int) -> list[tuple[str, FramePair]]:
    """(kind, pair) of one part, all below CERTAIN inliers; the same rows and seed give the same pairs."""
    pools: dict[str, list[FramePair]] = {kind: [] for kind in DRAWN}
    weak, same_place, same_group = pools.values()
    ordered = sorted(rows, key=lambda row: row.image)
    for one, other in itertools.combinations(ordered, 2):
        pair = FramePair(one.image, other.image)
        if pair in known:
            weak += [pair] if known[pair] < CERTAIN else []
        elif one.place and one.place == other.place:
            same_place.append(pair)
        elif one.group == other.group:
            same_group.append(pair)
    dice = random.Random(seed)
    return [(kind, pair) for kind, pool in pools.items() for pair in dice.sample(pool, min(DRAWN[kind], len(pool)))]


def read_eye(path: Path, part: str) -> tuple[EyeRow, ...]:
    """The rows of one part; raises DataError that names the row."""
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as exc:
        raise DataError(f"{path}: cannot be read: {exc.strerror}") from exc
    return tuple(row for number, text in enumerate(rows, 2) if (row := _row(text, path, number)).part == part)


def _row(text: dict[str, str], path: Path, number: int) -> EyeRow:
    try:
        return EyeRow(
            no=int(text["no"]),
            part=text["part"],
            drawn_from=text["drawn_from"],
            pair=FramePair.of(text["image_a"], text["image_b"]),
            inliers=text["inliers"],
            verdict=Verdict(text["verdict"]),
            why=text["why"],
        )
    except (KeyError, ValueError) as exc:
        verdicts = ", ".join(Verdict)
        raise DataError(
            f"{path}, line {number}: wanted {', '.join(COLUMNS)}, verdict one of {verdicts}: {exc}"
        ) from exc


def compare_eye(rows: Iterable[EyeRow], compare: Compare, table: SamePlaceTable) -> tuple[Compared, ...]:
    """Asks the matcher about each pair."""
    found = ((row, compare(row.pair)) for row in rows)
    return tuple(Compared(row, evidence, judge_place(evidence, table)) for row, evidence in found)


def score_eye(compared: Sequence[Compared]) -> EyeScore:
    """Precision and recall over the pairs that the person could tell, and the counts of all."""
    told = [one for one in compared if one.row.verdict is not Verdict.CANNOT_TELL]
    said = [one for one in told if one.answer is Answer.SAME]
    right = sum(one.row.verdict is Verdict.SAME for one in said)
    parted = [one for one in told if one.answer is Answer.DIFFERENT]
    return EyeScore(
        precision=Rate.of(right, len(said)),
        recall=Rate.of(right, sum(one.row.verdict is Verdict.SAME for one in told)),
        other_right=Rate.of(sum(one.row.verdict is Verdict.OTHER for one in parted), len(parted)),
        counts=tuple(_counts(compared)),
    )


def _counts(compared: Sequence[Compared]) -> Iterable[EyeCount]:
    for kind in dict.fromkeys(sorted(one.row.drawn_from for one in compared)):
        for verdict in Verdict:
            rows = [one for one in compared if one.row.drawn_from == kind and one.row.verdict is verdict]
            answers = [sum(one.answer is answer for one in rows) for answer in Answer]
            if rows:
                yield EyeCount(kind, verdict, len(rows), *answers)


def eye_csv(compared: Sequence[Compared]) -> str:
    """The judged pairs with the matcher's answer, matches and inliers of it behind each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, "matcher", "matcher_matches", "matcher_inliers"])
    for one in compared:
        row, found = one.row, one.evidence
        told = (row.no, row.part, row.drawn_from, row.pair.a, row.pair.b, row.inliers, row.verdict, row.why)
        writer.writerow([*told, one.answer, found.matches, found.inliers])
    return text.getvalue()
