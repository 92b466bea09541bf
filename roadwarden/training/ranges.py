"""Which values each tensor of a network is to hold in 8 bits: looked at on frames, then arranged."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from roadwarden.detections import Image
from roadwarden.errors import DataError
from roadwarden.vision.letterbox import Letterbox

logger = logging.getLogger(__name__)

SILU_LOWEST = np.float32(-6)
"""Below this x * sigmoid(x) is 0 to within 0.015: steps of the 256 spent there are lost to where it matters."""
JOINING_OPS = frozenset({"Concat", "MaxPool", "Resize", "Split"})

Ranges = dict[str, tuple[np.float32, np.float32]]
"""Tensor to the lowest and highest value it is to hold."""


def calibrate(model: Path, images: Iterable[Image], input_size: int) -> Ranges:
    """For every tensor the mean over frames of each frame's lowest and highest value.

    The extremes of all frames would be those of the oddest one. Raises DataError where there is no frame.
    """
    from onnxruntime.quantization import CalibrationMethod, create_calibrator

    with tempfile.TemporaryDirectory() as folder:
        calibrator = create_calibrator(
            model,
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"moving_average": True},  # over frames given at once it is their mean
        )
        reader = _Reader(calibrator.infer_session.get_inputs()[0].name, images, input_size)
        try:
            calibrator.collect_data(reader)
        except ValueError as exc:
            raise DataError("no frame to calibrate on: 8-bit weights need some of the streets trained on") from exc
        found = calibrator.compute_data()
    logger.info("calibrated on %d frames", reader.frames)
    return {name: _edges(data.range_value) for name, data in sorted(found.items())}


class _Reader:
    """Feeds frames, letterboxed as the detector does, to ONNX Runtime's calibrator."""

    def __init__(self, name: str, images: Iterable[Image], input_size: int) -> None:
        self._name, self._images, self._size = name, iter(images), input_size
        self.frames = 0

    def get_next(self) -> dict[str, Any] | None:
        """The next input, or None at the end."""
        image = next(self._images, None)
        if image is None:
            return None
        self.frames += 1
        return {self._name: Letterbox.of(image.shape[0], image.shape[1], self._size).apply(image)[None]}


def fitted_to_silu(ranges: Ranges, graph: Any) -> Ranges:
    """The ranges with the inputs of SiLU cut off where its output is nothing, and its gates from 0 to 1.

    A gate that frames open to 0.8 on average would else take a fifth from the strongest of all activations.
    """
    pairs = silus(graph)
    cut = {name: (max(ranges[name][0], SILU_LOWEST), ranges[name][1]) for name, _ in pairs if name in ranges}
    gates = {name: (np.float32(0), np.float32(1)) for _, name in pairs if name in ranges}
    return {**ranges, **cut, **gates}


def silus(graph: Any) -> list[tuple[str, str]]:
    """Tensors (x, sigmoid(x)) of every x * sigmoid(x), in the order of the graph."""
    products = {frozenset(node.input) for node in graph.node if node.op_type == "Mul"}
    pairs = [(node.input[0], node.output[0]) for node in graph.node if node.op_type == "Sigmoid"]
    return [pair for pair in pairs if frozenset(pair) in products]


def shared_where_joined(ranges: Ranges, graph: Any, in_float: Collection[str]) -> Ranges:
    """One range for all that is joined or divided: then 8-bit values are copied instead of looked up anew.

    ``in_float`` are names of nodes that stay in float, whose tensors have nothing to share.
    """
    joined = DisjointSet(ranges)
    for node in graph.node:
        if node.op_type in JOINING_OPS and node.name not in in_float:
            tensors = [name for name in (*_data_inputs(node), *node.output) if name in ranges]
            for name in tensors[1:]:
                joined.merge(tensors[0], name)
    return {name: _union([ranges[one] for one in group]) for group in joined.subsets() for name in group}


def _data_inputs(node: Any) -> tuple[str, ...]:
    return tuple(node.input) if node.op_type == "Concat" else tuple(node.input[:1])


def _union(ranges: list[tuple[np.float32, np.float32]]) -> tuple[np.float32, np.float32]:
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _edges(values: tuple[Any, Any]) -> tuple[np.float32, np.float32]:
    low, high = (np.float32(np.asarray(value).item()) for value in values)
    return low, high
