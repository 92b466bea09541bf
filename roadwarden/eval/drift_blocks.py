"""Tables of batch jobs as sums over blocks of road: what the frames of 100 m show is one draw, not a hundred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from roadwarden.data.track import METRES_PER_DEGREE
from roadwarden.data.weeks import monday_of
from roadwarden.errors import DataError
from roadwarden.eval.counts import Numbers
from roadwarden.eval.drift_settings import DriftSettings
from roadwarden.inference.outcome import Outcome, OutcomeKind
from roadwarden.inference.results import DETECTIONS, FRAMES
from roadwarden.taxonomy import DistressType

SCORE_BINS = 20
ANY_UNUSABLE = "unusable"
USABLE = frozenset({OutcomeKind.DETECTED, OutcomeKind.CLEAN})
FRAME_FIELDS = ("frame", "outcome", "sha256", "captured_at", "lat", "lon", "model")

Index = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """One row a block and week. ``k`` types, ``q`` outcomes other than usable."""

    types: tuple[DistressType, ...]
    outcomes: tuple[str, ...]  # ANY_UNUSABLE, then as in the tables, such as poor_quality:dark
    week: npt.NDArray[np.str_]  # (n,)
    reference: npt.NDArray[np.bool_]  # (n,) whether the row belongs to the reference
    place: Index  # (n, 3): with a position or without, and the cell; equal rows are the same piece of road
    frames: Numbers  # (n,) all frames
    usable: Numbers  # (n,) those that the detector saw
    unusable: Numbers  # (n, q) frames by outcome
    scores: Numbers  # (n, k, SCORE_BINS) detections by type and score

    def __len__(self) -> int:
        return len(self.week)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Blocks:
        """Those rows."""
        rows = {field.name: getattr(self, field.name)[chosen] for field in fields(self)[2:]}
        return replace(self, **rows)


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """All that is compared, and what could not be placed in time."""

    blocks: Blocks
    models: Mapping[str, Mapping[str, int]]  # judged week to model to frames
    reference_models: Mapping[str, Mapping[str, int]]  # the same of the reference
    undated: int  # frames without a capture time, in no week


@dataclass(frozen=True, slots=True)
class Reference:
    """What the weeks are compared with: weeks of the folders that are judged, folders of their own, or both."""

    weeks: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()


def read_windows(folders: Sequence[Path], reference: Reference, settings: DriftSettings) -> Windows:
    """The tables in the output folders of batch jobs.

    Raises DataError where they are missing, a frame is in two, none has a time, or the reference is empty.
    """
    frames, detections = _read_tables([*folders, *reference.folders])
    dated = pc.is_valid(frames["captured_at"])
    undated = len(frames) - (pc.sum(dated).as_py() or 0)
    frames = frames.filter(dated)
    if not len(frames):
        raise DataError(
            f"none of the {undated} frames has a capture time, so they belong to no week; "
            "run 'roadwarden detect' on pictures with EXIF times"
        )
    week = _week_numbers(frames)
    theirs = np.array([int(job) >= len(folders) for job in frames["job"].to_pylist()], bool)
    chosen = [_week_number(name) for name in reference.weeks]
    is_reference = theirs | np.isin(week, chosen)
    if not is_reference.any():
        raise DataError(f"no frame was captured in the reference ({', '.join(reference.weeks) or 'folders'})")
    blocks = _blocks(frames, detections, is_reference, settings)
    return Windows(blocks, _models(frames, week, ~is_reference), _models(frames, week, is_reference), undated)


def _read_tables(folders: Sequence[Path]) -> tuple[pa.Table, pa.Table]:
    frames: list[pa.Table] = []
    detections: list[pa.Table] = []
    for number, folder in enumerate(folders):
        for name, tables in ((FRAMES, frames), (DETECTIONS, detections)):
            place = folder / name
            if not place.is_file():
                raise DataError(f"{place}: not found; wanted the output folder of 'roadwarden detect'")
            columns = list(FRAME_FIELDS) if name == FRAMES else ["frame", "type", "score"]
            table = pq.read_table(place, columns=columns)
            tables.append(table.append_column("job", pa.array([str(number)] * len(table), pa.string())))
    joined = pa.concat_tables(frames)
    _refuse_twice(joined)
    return joined, pa.concat_tables(detections)


def _refuse_twice(frames: pa.Table) -> None:
    known = frames.filter(pc.not_equal(frames["sha256"], ""))
    jobs = known.group_by(["frame", "sha256"]).aggregate([("job", "count_distinct")])
    twice = jobs.filter(pc.greater(jobs["job_count_distinct"], 1))
    if len(twice):
        raise DataError(
            f"{len(twice)} frames are in two of the folders, {twice['frame'][0].as_py()!r} for one: "
            "they would count twice; give each archive's output once"
        )


def _blocks(
    frames: pa.Table, detections: pa.Table, reference: npt.NDArray[np.bool_], settings: DriftSettings
) -> Blocks:
    keys = np.column_stack([_week_numbers(frames), reference, *_cells(frames, settings)]).astype(np.int64)
    unique, block = np.unique(keys, axis=0, return_inverse=True)
    block = block.reshape(-1)
    n = len(unique)
    names, outcome = _codes(frames["outcome"])
    usable = np.array([Outcome.of(name).kind in USABLE for name in names], bool)
    unusable = np.zeros((n, len(names)))
    np.add.at(unusable, (block, outcome), 1.0)
    types, scores = _scores(frames, detections, block, n)
    return Blocks(
        types=types,
        outcomes=(ANY_UNUSABLE, *(name for name, good in zip(names, usable, strict=True) if not good)),
        week=np.array([_week_name(number) for number in unique[:, 0]], dtype=np.str_),
        reference=unique[:, 1].astype(bool),
        place=unique[:, 2:],
        frames=unusable.sum(axis=1),
        usable=unusable[:, usable].sum(axis=1),
        unusable=np.column_stack([unusable[:, ~usable].sum(axis=1), unusable[:, ~usable]]),
        scores=scores,
    )


def _cells(frames: pa.Table, settings: DriftSettings) -> tuple[Numbers, Numbers, Numbers]:
    """Whether a frame's position is known, and its cell of space, or else of time."""
    lat, lon = (frames[name].to_numpy().astype(np.float64) for name in ("lat", "lon"))
    row, column = cell_of(lat, lon, settings.block_m)
    placed = ~np.isnan(lat)
    moment = np.floor(_seconds(frames) / settings.block_s)
    return placed.astype(np.float64), np.where(placed, row, moment), np.where(placed, column, 0.0)


def cell_of(lat: Numbers, lon: Numbers, side_m: float) -> tuple[Numbers, Numbers]:
    """Row and column of the square that a position lies in; NaN where it is NaN."""
    row = np.floor(lat * METRES_PER_DEGREE / side_m)
    cosine = np.cos(np.radians((row + 0.5) * side_m / METRES_PER_DEGREE))
    return row, np.floor(lon * METRES_PER_DEGREE * cosine / side_m)


def _seconds(frames: pa.Table) -> Numbers:
    return np.asarray(pc.cast(frames["captured_at"], pa.int64()).to_numpy() / 1e6)


def _week_numbers(frames: pa.Table) -> Index:
    """Weeks since the Monday before 1970, UTC."""
    return np.asarray(np.floor(_seconds(frames) / 86_400 + 3) // 7, np.int64)


FIRST_MONDAY = date(1969, 12, 29)


def _week_number(name: str) -> int:
    return (monday_of(name) - FIRST_MONDAY).days // 7


def _week_name(number: np.int64) -> str:
    return "{:04d}-W{:02d}".format(*(FIRST_MONDAY + timedelta(weeks=int(number))).isocalendar()[:2])


def _codes(column: pa.ChunkedArray) -> tuple[list[str], Index]:
    """The distinct texts in order, and which of them each row has."""
    names, codes = np.unique(np.array(column.to_pylist(), dtype=object).astype(str), return_inverse=True)
    return names.tolist(), codes.reshape(-1).astype(np.int64)


def _scores(frames: pa.Table, detections: pa.Table, block: Index, n: int) -> tuple[tuple[DistressType, ...], Numbers]:
    def named(table: pa.Table) -> pa.ChunkedArray:
        return pc.binary_join_element_wise(table["job"], table["frame"], "/")

    row = pc.index_in(named(detections), value_set=named(frames).combine_chunks())
    kept = detections.filter(pc.is_valid(row))  # detections of frames without a time are in no week
    names, types = _codes(kept["type"])
    score = kept["score"].to_numpy().astype(np.float64)
    bins = np.clip((score * SCORE_BINS).astype(np.int64), 0, SCORE_BINS - 1)
    scores = np.zeros((n, len(names), SCORE_BINS))
    rows = row.drop_null().to_numpy().astype(np.int64)
    np.add.at(scores, (block[rows], types, bins), 1.0)
    return tuple(map(DistressType, names)), scores


def _models(frames: pa.Table, week: Index, chosen: npt.NDArray[np.bool_]) -> dict[str, dict[str, int]]:
    names, model = _codes(frames["model"])
    pairs, counts = np.unique(np.stack([week, model])[:, chosen], axis=1, return_counts=True)
    found: dict[str, dict[str, int]] = {}
    for number, code, count in zip(*pairs, counts, strict=True):
        found.setdefault(_week_name(number), {})[names[code]] = int(count)
    return found
