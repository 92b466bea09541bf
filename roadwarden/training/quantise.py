"""The small files of a model: 8-bit for CPUs, 16-bit for GPUs, each with its card inside.

What stays in float, and why, is measured in ``docs/quantisation.md``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from roadwarden.detections import Image
from roadwarden.errors import MissingExtra
from roadwarden.models.card import ModelCard, NumberFormat
from roadwarden.training.export import stamp_onnx
from roadwarden.training.float_nodes import decode_nodes, float_nodes
from roadwarden.training.ranges import calibrate, fitted_to_silu, shared_where_joined

QUANTISED_OPS = ("Add", "Concat", "Conv", "MaxPool", "Mul", "Resize", "Sigmoid", "Split")


def quantise_int8(source: Path, images: Iterable[Image], place: Path, card: ModelCard) -> Path:
    """Writes ``source`` with 8-bit convolutions, calibrated on ``images``; same bytes for the same input.

    Activations are unsigned with one scale a tensor, weights signed with one scale a channel: what VNNI multiplies.
    """
    try:
        from onnxruntime.quantization import CalibrationMethod, QDQQuantizer, QuantType
        from onnxruntime.quantization.calibrate import TensorsData
        from onnxruntime.quantization.quant_utils import load_model_with_shape_infer
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as exc:
        raise _missing() from exc
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        # Symbolic shapes are not needed and would drag in sympy.
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        model = load_model_with_shape_infer(prepared)
        ranges = calibrate(prepared, images, card.input_size)
    in_float = float_nodes(model.graph)
    ranges = shared_where_joined(fitted_to_silu(ranges, model.graph), model.graph, in_float)
    quantizer = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, ranges),
        nodes_to_quantize=[],
        nodes_to_exclude=sorted(in_float),
        op_types_to_quantize=list(QUANTISED_OPS),
        extra_options={},
    )
    quantizer.quantize_model()
    quantised = quantizer.model.model
    ask_shapes_of_eight_bits(quantised.graph)
    return _save(quantised, place, card, NumberFormat.INT8)


def ask_shapes_of_eight_bits(graph: Any) -> None:
    """Lets every Shape look at the 8-bit tensor: a feature map would be made float for nothing but its size."""
    made_by = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        source = made_by.get(node.input[0]) if node.op_type == "Shape" else None
        if source is not None and source.op_type == "DequantizeLinear":
            node.input[0] = source.input[0]


def to_float16(source: Path, place: Path, card: ModelCard) -> Path:
    """Writes ``source`` in 16-bit floats; input, output and the head's decoding keep 32 bits.

    A box edge beyond 512 px in 16 bits would stand on a grid of half a pixel.
    """
    try:
        import onnx
        from onnxruntime.transformers.float16 import convert_float_to_float16
    except ImportError as exc:
        raise _missing() from exc
    model = onnx.load(str(source))
    kept = sorted(decode_nodes(model.graph))
    return _save(
        convert_float_to_float16(model, keep_io_types=True, node_block_list=kept), place, card, NumberFormat.FP16
    )


def _save(model: Any, place: Path, card: ModelCard, precision: NumberFormat) -> Path:
    import onnx

    place.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(place))
    stamp_onnx(place, card.model_copy(update={"precision": precision}))
    return place


def _missing() -> MissingExtra:
    return MissingExtra("8- and 16-bit files need onnx: pip install 'roadwarden[train]'")
