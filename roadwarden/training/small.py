"""What ``roadwarden export --precision`` adds: the small files beside the large one, each held against it on val."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from roadwarden.data.splits import SplitRow, read_splits, select
from roadwarden.detections import Image
from roadwarden.errors import DataError
from roadwarden.eval.bench_precision import ROUNDS, Speed, compare_speed
from roadwarden.eval.parity import Parity, compare
from roadwarden.eval.truth import TrueFrame
from roadwarden.inference.settings import BATCH_FRAMES
from roadwarden.models.card import ModelCard, NumberFormat
from roadwarden.models.onnx import OnnxDetector, sha256_of
from roadwarden.training.export import validation_frames
from roadwarden.training.quantise import quantise_int8, to_float16
from roadwarden.training.recipe import Recipe
from roadwarden.vision.decode import decode

CALIBRATION_FRAMES = 128
TIMED_FRAMES = 16
TIMED_BATCHES = (1, BATCH_FRAMES)
"""A camera's single frame, and what the batch job runs at once."""


@dataclass(frozen=True, slots=True)
class SmallFile:
    """One file and how it stands to the large one."""

    place: Path
    sha256: str
    precision: NumberFormat
    parity: Parity


def write_small(
    onnx: Path,
    recipe: Recipe,
    roads: Path,
    precisions: Sequence[NumberFormat],
    *,
    rounds: int = ROUNDS,
    tell: Callable[[str], None] = lambda _: None,
) -> list[SmallFile]:
    """Writes ``NAME-int8.onnx`` and the like beside ``NAME.onnx``, each with a ``.parity.json``; fp32 is passed over.

    Eight bits are calibrated on streets trained on, and every file is held against the large one on the recipe's
    validation frames, at the thresholds of the card.
    """
    card = OnnxDetector(onnx, threads=1).card
    truth = validation_frames(recipe, roads)
    written = []
    for precision in (one for one in precisions if one is not NumberFormat.FP32):
        tell(f"{precision}: converting")
        place = _convert(onnx, card, recipe, roads, precision)
        tell(f"{precision}: looking at {len(truth)} frames with both files")
        speeds = _speeds(onnx, place, truth, rounds) if precision is NumberFormat.INT8 else ()
        parity = compare(onnx, place, truth, speeds=speeds)
        report = json.dumps(parity.to_json(), indent=2, ensure_ascii=False)
        place.with_suffix(".parity.json").write_text(report + "\n", encoding="utf-8")
        written.append(SmallFile(place, sha256_of(place), precision, parity))
    return written


def _speeds(onnx: Path, place: Path, truth: Sequence[TrueFrame], rounds: int) -> list[Speed]:
    images = [_read(frame.annotated.path) for frame in truth[:TIMED_FRAMES]]
    return [
        compare_speed(onnx, place, images, batch=size, rounds=max(1, rounds if size == 1 else rounds // 6))
        for size in TIMED_BATCHES
    ]


def _convert(onnx: Path, card: ModelCard, recipe: Recipe, roads: Path, precision: NumberFormat) -> Path:
    place = onnx.with_name(f"{onnx.stem}-{precision}.onnx")
    if precision is NumberFormat.FP16:
        return to_float16(onnx, place, card)
    return quantise_int8(onnx, calibration_images(recipe, roads), place, card)


def calibration_images(recipe: Recipe, roads: Path) -> Iterator[Image]:
    """Train frames of the source that the recipe is validated on, few of each street."""
    rows = select(read_splits(roads), recipe.validation[0].source, ["train"])
    return (_read(roads / row.image) for row in calibration_rows(rows, CALIBRATION_FRAMES))


def calibration_rows(rows: Sequence[SplitRow], count: int) -> list[SplitRow]:
    """At most ``count`` rows, shared out among the groups as evenly as they allow, spread over each group.

    The same rows always: no chance is in it.
    """
    groups: dict[str, list[SplitRow]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    quota = dict.fromkeys(sorted(groups), 0)
    left = min(count, len(rows))
    while left:
        for group in [name for name in quota if quota[name] < len(groups[name])][:left]:
            quota[group] += 1
            left -= 1
    return [row for group, share in quota.items() for row in _spread(groups[group], share)]


def _spread(rows: Sequence[SplitRow], count: int) -> list[SplitRow]:
    """``count`` rows at even distances."""
    return [rows[index * len(rows) // count] for index in range(count)]


def _read(path: Path) -> Image:
    try:
        return decode(path.read_bytes())
    except OSError as exc:
        raise DataError(f"{path}: cannot be read: {exc.strerror}") from exc
