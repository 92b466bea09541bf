"""A small file of the model: a third of the size, the same defects, and it still says what it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from roadwarden.data.splits import SplitRow
from roadwarden.data.synthetic.as_roads import RiddenStreet, write_synthetic_roads
from roadwarden.errors import DataError
from roadwarden.eval.parity import agreement
from roadwarden.models.card import NumberFormat
from roadwarden.models.load import shipped_model
from roadwarden.models.onnx import OnnxDetector, sha256_of
from roadwarden.training.float_nodes import decode_nodes, float_nodes, last_convolutions
from roadwarden.training.quantise import quantise_int8, to_float16
from roadwarden.training.ranges import SILU_LOWEST, fitted_to_silu, shared_where_joined, silus
from roadwarden.training.recipe import Recipe
from roadwarden.training.small import calibration_rows, write_small
from tests.conftest import REPOSITORY

onnx = pytest.importorskip("onnx", reason="small files are written with roadwarden[train]")

FLOOR = 0.05
LARGE = shipped_model()


@pytest.fixture(scope="module")
def frames(street: Path) -> list[np.ndarray]:
    return [cv2.imread(str(path)) for path in sorted((street / "frames").iterdir())[::3]]


@pytest.fixture(scope="module")
def int8(frames: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("small") / "small-int8.onnx"
    return quantise_int8(LARGE, frames, place, OnnxDetector(LARGE).card)


@pytest.fixture(scope="module")
def fp16(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return to_float16(LARGE, tmp_path_factory.mktemp("small") / "small-fp16.onnx", OnnxDetector(LARGE).card)


@pytest.fixture(params=["int8", "fp16"])
def small(request: pytest.FixtureRequest) -> Path:
    place: Path = request.getfixturevalue(request.param)
    return place


def seen(model: Path, images: list[np.ndarray]) -> list[Any]:
    return OnnxDetector(model, threads=1, floor=FLOOR).detect(images)


def test_it_knows_what_it_is(small):
    card, large = OnnxDetector(small).card, OnnxDetector(LARGE).card
    assert card.precision is NumberFormat(small.stem.rpartition("-")[2])
    assert card == large.model_copy(update={"precision": card.precision})


def test_a_card_from_before_there_were_small_files_means_fp32():
    assert OnnxDetector(LARGE).card.precision is NumberFormat.FP32


@pytest.mark.parametrize(("precision", "share"), [("int8", 0.45), ("fp16", 0.60)])
def test_it_is_small(request, precision, share):
    assert request.getfixturevalue(precision).stat().st_size < share * LARGE.stat().st_size


def test_it_sees_what_the_large_one_sees(small, frames):
    ours, theirs = seen(LARGE, frames), seen(small, frames)
    surest = [one.take(np.flatnonzero(one.scores >= 0.25)) for one in ours]
    agreed = agreement(surest, theirs)
    assert agreed.boxes >= 5, "the frames must show something, or nothing is compared"
    assert agreed.share >= 0.8
    assert agreed.mean_score_difference < 0.1
    assert max(one.scores.max(initial=0) for one in theirs) > 0.3, "scores have not collapsed"


def test_it_takes_any_shape_and_any_batch(small, frames):
    tall, wide = frames[0][:, 300:700], cv2.resize(frames[0], (1024, 576))
    assert all(len(one) >= 0 for one in seen(small, [tall, wide, *frames[:2]]))
    raw = OnnxDetector(small)._session
    for height, width in ((288, 512), (416, 416), (64, 320)):
        (out,) = raw.run(None, {"images": np.full((2, 3, height, width), 0.4, np.float32)})
        assert out.shape == (2, 9, height * width * 21 // 1024)
        assert out.dtype == np.float32
        assert np.isfinite(out).all()


def test_the_same_frames_give_the_same_bytes(int8, street, tmp_path):
    """In another process with another seed of hashes: sets must not decide the order of anything."""
    code = (
        "import cv2, sys; from pathlib import Path; from roadwarden.models.load import shipped_model as large\n"
        "from roadwarden.models.onnx import OnnxDetector; from roadwarden.training.quantise import quantise_int8\n"
        "frames = [cv2.imread(str(path)) for path in sorted(Path(sys.argv[1]).iterdir())[::3]]\n"
        "quantise_int8(large(), frames, Path(sys.argv[2]), OnnxDetector(large()).card)"
    )
    again = tmp_path / "again.onnx"
    subprocess.run(
        [sys.executable, "-c", code, str(street / "frames"), str(again)],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": str(REPOSITORY)},
    )
    assert sha256_of(again) == sha256_of(int8)


def test_the_decoding_of_the_head_stays_in_float(int8):
    large, small = onnx.load(str(LARGE)).graph, onnx.load(str(int8)).graph
    kept = decode_nodes(large)
    assert {node.op_type for node in large.node if node.name in kept} >= {"Concat", "Sigmoid", "Sub", "Mul", "Range"}
    made_by = {output: node.op_type for node in small.node for output in node.output}
    found = [node for node in small.node if node.name in kept]
    assert len(found) > 50
    assert not [node.name for node in found if "DequantizeLinear" in {made_by.get(one) for one in node.input}]


def test_most_convolutions_are_in_eight_bits(int8):
    graph = onnx.load(str(int8)).graph
    made_by = {output: node.op_type for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    eight = [node for node in convolutions if made_by.get(node.input[1]) == "DequantizeLinear"]
    assert len(eight) > 0.6 * len(convolutions)


def test_without_frames_nothing_can_be_calibrated(tmp_path):
    with pytest.raises(DataError, match="no frame to calibrate on"):
        quantise_int8(LARGE, [], tmp_path / "none.onnx", OnnxDetector(LARGE).card)
    assert not (tmp_path / "none.onnx").exists()


def graph_of(*nodes: tuple[str, str, list[str], list[str]]) -> Any:
    """A graph from (name, operator, inputs, outputs), reading ``picture`` and giving ``out``."""
    value = onnx.helper.make_tensor_value_info
    made = [onnx.helper.make_node(operator, ins, outs, name) for name, operator, ins, outs in nodes]
    return onnx.helper.make_graph(made, "toy", [value("picture", 1, [1, 3, 8, 8])], [value("out", 1, None)])


def test_what_loses_most_or_gains_nothing_stays_in_float():
    graph = graph_of(
        ("/model.1/conv/Conv", "Conv", ["picture", "w1"], ["a"]),
        ("/model.1/act/Sigmoid", "Sigmoid", ["a"], ["gated"]),
        ("/model.1/act/Mul", "Mul", ["a", "gated"], ["b"]),
        ("/model.3/conv/Conv", "Conv", ["b", "w2"], ["c"]),
        ("/model.3/act/Sigmoid", "Sigmoid", ["c"], ["gated2"]),
        ("/model.3/act/Mul", "Mul", ["gated2", "c"], ["d"]),
        ("/model.23/cv3.0/Conv", "Conv", ["d", "w3"], ["e"]),
        ("/attention/weigh", "MatMul", ["e", "e"], ["f"]),
        ("/attention/scale", "Mul", ["f", "s"], ["g"]),
        ("/attention/mix", "Conv", ["g", "w4"], ["h"]),
        ("last", "Conv", ["h", "w5"], ["i"]),
        ("size", "Shape", ["h"], ["pixels"]),
        ("score", "Sigmoid", ["i"], ["likely"]),
        ("shaped", "Reshape", ["likely", "pixels"], ["out"]),
    )
    decoding = {"size", "score", "shaped"}
    assert decode_nodes(graph) == decoding
    assert last_convolutions(graph) == {"last"}
    fine = {"/model.1/conv/Conv", "/model.1/act/Sigmoid", "/model.1/act/Mul", "/model.23/cv3.0/Conv"}
    assert float_nodes(graph) == decoding | {"last"} | fine | {"/attention/weigh", "/attention/scale"}
    assert silus(graph) == [("a", "gated"), ("c", "gated2")], "the sigmoid of a score is no activation"


def test_the_tail_of_silu_gets_no_steps_and_its_gate_all():
    graph = graph_of(
        ("g1", "Sigmoid", ["x"], ["sx"]), ("m1", "Mul", ["x", "sx"], ["a"]),
        ("g2", "Sigmoid", ["y"], ["sy"]), ("m2", "Mul", ["sy", "y"], ["b"]),
        ("g3", "Sigmoid", ["z"], ["out"]),
    )  # fmt: skip
    low, high, opened = np.float32(-30), np.float32(4), (np.float32(0.1), np.float32(0.8))
    ranges = {"x": (low, high), "sx": opened, "y": (np.float32(-2), high), "z": (low, high), "out": opened}
    fitted = fitted_to_silu(ranges, graph)
    assert fitted == {**ranges, "x": (SILU_LOWEST, high), "sx": (0, 1)}, "a score is no gate"


def test_what_is_joined_shares_one_range():
    graph = graph_of(
        ("half", "Split", ["a", "sizes"], ["a1", "a2"]),
        ("pool", "MaxPool", ["a2"], ["b"]),
        ("join", "Concat", ["a1", "b", "c"], ["d"]),
        ("elsewhere", "Concat", ["e", "f"], ["out"]),
    )
    each = {"a": (0, 1), "a1": (0, 1), "a2": (-1, 1), "b": (0, 2), "c": (-3, 0), "d": (-3, 2), "e": (0, 9), "f": (0, 5)}
    ranges = {name: (np.float32(low), np.float32(high)) for name, (low, high) in each.items()}
    shared = shared_where_joined(ranges, graph, {"elsewhere"})
    assert shared == {**dict.fromkeys(("a", "a1", "a2", "b", "c", "d"), (-3, 2)), "e": (0, 9), "f": (0, 5)}


def rows_of(**sizes: int) -> list[SplitRow]:
    return [SplitRow(f"{group}{i}", "s", "train", group, "") for group, size in sizes.items() for i in range(size)]


def test_every_street_has_its_say_in_the_calibration():
    chosen = calibration_rows(rows_of(long=100, short=2, other=40), 12)
    assert [row.image for row in chosen] == [
        *("long0", "long20", "long40", "long60", "long80"), *("other0", "other8", "other16", "other24", "other32"),
        *("short0", "short1"),
    ]  # fmt: skip


def test_few_frames_are_all_taken():
    rows = rows_of(a=2, b=1)
    assert calibration_rows(rows, 128) == rows


@pytest.mark.slow
def test_one_call_writes_the_small_files_with_their_parity(tmp_path):
    roads = write_synthetic_roads(
        tmp_path / "roads", [RiddenStreet("street", "train", "g1", 1, 4), RiddenStreet("street", "val", "g2", 2, 6)]
    )
    recipe = Recipe.model_validate(
        {
            "name": "tiny", "seed": 1, "sources": [{"source": "street", "part": "train"}],
            "validation": [{"source": "street", "part": "val"}], "classes": list(OnnxDetector(LARGE).card.classes),
        }
    )  # fmt: skip
    large = tmp_path / "model.onnx"
    large.write_bytes(LARGE.read_bytes())
    told: list[str] = []
    written = write_small(
        large, recipe, roads, [NumberFormat.FP32, NumberFormat.INT8, NumberFormat.FP16], rounds=2, tell=told.append
    )
    assert [one.place.name for one in written] == ["model-int8.onnx", "model-fp16.onnx"]
    for one in written:
        report = json.loads(one.place.with_suffix(".parity.json").read_text())
        assert report["candidate"]["sha256"] == one.sha256 == sha256_of(one.place)
        assert report["reference"]["sha256"] == sha256_of(large)
        assert report["passed"] is one.parity.passed
        assert report["frames"] == 6
    assert [speed.batch for speed in written[0].parity.speeds] == [1, 16]
    assert len(told) == 4
