"""Reads what was seen, at the edge: from the table of a batch job, or by running a model on the frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from roadwarden.errors import DataError, ModelError
from roadwarden.eval.judged import JudgedFrame, Seen
from roadwarden.eval.truth import TrueFrame
from roadwarden.models.onnx import OnnxDetector
from roadwarden.taxonomy import DistressType, parse_type
from roadwarden.vision.decode import decode

FLOOR = 0.05
"""Average precision needs the doubtful detections too."""
ABSTENTIONS = frozenset({"", "unknown"})
"""What the column ``type`` says where no type was said; null is one too."""
COLUMNS = ("frame", "x1", "y1", "x2", "y2", "type", "score")
NOTHING = Seen(np.zeros((0, 4), np.float32), (), np.zeros(0, np.float32))
JUDGED_OUTCOMES = ("detected", "clean")
BATCH = 8


def read_detections(place: Path) -> dict[str, Seen]:
    """Frame to what was seen in it, best score first; raises DataError for a type that is neither ours nor unknown."""
    try:
        columns = pq.read_table(place, columns=list(COLUMNS)).to_pydict()
    except (OSError, pa.ArrowException) as exc:
        raise DataError(f"{place}: not a detections.parquet with {', '.join(COLUMNS)}: {exc}") from exc
    types = {text: _type(text, place) for text in set(columns["type"])}
    rows = defaultdict(list)
    for row, frame in enumerate(columns["frame"]):
        rows[frame].append(row)
    scores = np.array(columns["score"], np.float32)
    boxes = np.array([columns[edge] for edge in COLUMNS[1:5]], np.float32).T.reshape(-1, 4)
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise DataError(f"{place}: a box or score is null or not finite")
    said = [types[text] for text in columns["type"]]
    return {frame: _best_first(np.array(own), boxes, said, scores) for frame, own in rows.items()}


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model said on its frames, frame by frame; no sightings of defects yet."""

    seen: dict[str, Seen]
    complete: bool  # whether every frame that was looked at stands in ``seen``, also the clean ones
    notes: tuple[str, ...] = ()


def read_job(detections: Path) -> Predictions:
    """A detections.parquet with the frames.parquet beside it, which says what was looked at and found clean."""
    seen = read_detections(detections)
    frames = detections.with_name("frames.parquet")
    if not frames.is_file():
        note = "no frames.parquet lies beside the detections: frames without a row pass for looked at and clean"
        return Predictions(seen, complete=False, notes=(note,))
    table = pq.read_table(frames, columns=["frame", "outcome"]).to_pydict()
    lost = sum(not outcome.startswith(JUDGED_OUTCOMES) for outcome in table["outcome"])
    notes = (f"{lost} frames of the job were unreadable or of poor quality: nothing was seen in them",) if lost else ()
    return Predictions(dict.fromkeys(table["frame"], NOTHING) | seen, complete=True, notes=notes)


def read_jobs(tables: Sequence[Path]) -> Predictions:
    """Several jobs as one, such as out-of-fold predictions; raises DataError where two looked at the same frame."""
    jobs = [read_job(table) for table in tables]
    seen: dict[str, Seen] = {}
    for table, job in zip(tables, jobs, strict=True):
        twice = job.seen.keys() & seen.keys()
        if twice:
            raise DataError(f"{table}: frame '{min(twice)}' stands in another table too; give each frame once")
        seen |= job.seen
    notes = dict.fromkeys(note for job in jobs for note in job.notes)
    return Predictions(seen, complete=all(job.complete for job in jobs), notes=tuple(notes))


def models_of(table: Path) -> tuple[str, ...]:
    """Names of the models that wrote a detections.parquet; empty where it does not say."""
    if "model" not in pq.read_schema(table).names:
        return ()
    return tuple(sorted(set(pq.read_table(table, columns=["model"])["model"].drop_null().to_pylist())))


def join(truth: Sequence[TrueFrame], seen: Mapping[str, Seen], *, complete: bool = False) -> list[JudgedFrame]:
    """Each true frame with what was seen in it; ``complete`` says that clean frames stand in ``seen`` too.

    Names may be relative to different folders: where one ends with the other they are the same frame. Raises DataError
    where no name fits, one fits two frames, or, if complete, a frame was never looked at.
    """
    names = _same_frames([frame.name for frame in truth], seen)
    if seen and not names:
        raise DataError(
            f"no detection lies in a frame of the truth: '{next(iter(seen))}' against '{truth[0].name}'; "
            "run 'roadwarden detect' on the folder that --truth names, or one above or below it"
        )
    missing = [frame.name for frame in truth if frame.name not in names]
    if missing and complete:
        raise DataError(f"{len(missing)} of {len(truth)} true frames were never looked at, such as '{missing[0]}'")
    return [judged(frame, seen[names[frame.name]] if frame.name in names else NOTHING) for frame in truth]


def judged(frame: TrueFrame, seen: Seen) -> JudgedFrame:
    """One frame for the protocols."""
    one = frame.annotated
    return JudgedFrame(
        name=frame.name,
        group=frame.group,
        place=frame.place,
        width=one.width,
        height=one.height,
        true_boxes=one.boxes_xyxy,
        true_types=one.types,
        seen=seen,
    )


def look(
    model: Path,
    truth: Sequence[TrueFrame],
    *,
    threads: int = 0,
    floor: float = FLOOR,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[list[JudgedFrame], dict[DistressType, float]]:
    """Runs an ONNX model on the frames, down to ``floor`` or to its card's thresholds, which are given too."""
    if model.suffix != ".onnx":
        raise ModelError(f"{model}: only ONNX files are judged, what is judged is what runs; see 'roadwarden export'")
    detector = OnnxDetector(model, threads=threads, floor=floor)
    frames: list[JudgedFrame] = []
    for start in range(0, len(truth), BATCH):
        batch = truth[start : start + BATCH]
        images = [_read(frame.annotated.path) for frame in batch]
        found = detector.detect([decode(data) for data in images])
        frames += [judged(frame, Seen.of(one)) for frame, one in zip(batch, found, strict=True)]
        tell(len(frames), len(truth))
    return frames, dict(detector.card.thresholds)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise DataError(f"{path}: cannot be read: {exc.strerror}") from exc


def _type(text: str | None, place: Path) -> DistressType | None:
    if text is None or text in ABSTENTIONS:
        return None
    try:
        return parse_type(text)
    except DataError as exc:
        raise DataError(f"{place}: {exc}; 'unknown' or null stands for no type said") from exc


def _best_first(rows: np.ndarray, boxes: np.ndarray, types: Sequence[DistressType | None], scores: np.ndarray) -> Seen:
    order = rows[np.argsort(-scores[rows], kind="stable")]
    return Seen(boxes[order], tuple(types[row] for row in order), scores[order])


def _same_frames(true_names: Sequence[str], seen_names: Iterable[str]) -> dict[str, str]:
    """True name to seen name."""
    by_end = defaultdict(list)
    for name in true_names:
        by_end[name.rsplit("/", 1)[-1]].append(name)
    pairs: dict[str, str] = {}
    for seen in seen_names:
        fits = [name for name in by_end[seen.rsplit("/", 1)[-1]] if _is_same(name, seen)]
        exact = [name for name in fits if name == seen]
        for name in exact or fits:
            if len(exact or fits) > 1 or (name in pairs and pairs[name] != seen):
                raise DataError(f"'{seen}' fits more than one frame, such as '{name}'; name frames from one folder")
            pairs[name] = seen
    return pairs


def _is_same(ours: str, theirs: str) -> bool:
    return ours == theirs or ours.endswith("/" + theirs) or theirs.endswith("/" + ours)
