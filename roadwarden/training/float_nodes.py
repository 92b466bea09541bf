"""Which nodes of a detector's graph must stay in float when the rest is quantised."""

from __future__ import annotations

import re
from typing import Any

ATTENTION_OPS = frozenset({"MatMul", "Softmax"})
CLASS_BRANCH = "/cv3."
"""In the names of the nodes of the head's branch of types, as Ultralytics exports them."""
FINE_MODULES = frozenset({0, 1, 2, 4})
"""Of the network's modules in order, those that 8 bits gain little in or lose most in (``docs/quantisation.md``).

The first two have too few channels to fill an 8-bit dot product; of all others, 2 and 4, the blocks at a quarter and an
eighth of the picture's size, put the most noise on the scores."""


def float_nodes(graph: Any) -> set[str]:
    """Names of the nodes that lose too much in 8 bits, or are no faster in them.

    The head's decoding, where one scale would have to hold pixels and probabilities: all scores collapse to 0. The last
    convolutions, whose outputs are box edges and logits, and the branch of the logits, whose depthwise convolutions are
    no faster in 8 bits. The fine modules. Attention, whose softmax is steep.
    """
    fine = {node.name for node in graph.node if _number(node) in FINE_MODULES or CLASS_BRANCH in node.name}
    return decode_nodes(graph) | last_convolutions(graph) | attention_nodes(graph) | fine


def decode_nodes(graph: Any) -> set[str]:
    """The nodes behind the last convolutions, with what makes their anchors: no convolution follows them."""
    before = _leading_to_a_convolution(graph)
    return {node.name for node in graph.node if node.op_type != "Conv" and node.name not in before}


def last_convolutions(graph: Any) -> set[str]:
    """Convolutions that no other follows."""
    before = _leading_to_a_convolution(graph)
    return {node.name for node in graph.node if node.op_type == "Conv" and node.name not in before}


def attention_nodes(graph: Any) -> set[str]:
    """All but the convolutions of every module that multiplies matrices; a module is the path in a node's name."""
    modules = {_module(node) for node in graph.node if node.op_type in ATTENTION_OPS}
    return {node.name for node in graph.node if _module(node) in modules and node.op_type != "Conv"}


def _leading_to_a_convolution(graph: Any) -> set[str]:
    """Names of the nodes whose output reaches a convolution; nodes stand in topological order, as ONNX demands."""
    wanted: set[str] = set()
    names: set[str] = set()
    for node in reversed(graph.node):
        leads = bool(wanted & {*node.output})
        if leads:
            names.add(node.name)
        if leads or node.op_type == "Conv":
            wanted |= {*node.input}
    return names


def _module(node: Any) -> str:
    return str(node.name).rpartition("/")[0]


def _number(node: Any) -> int | None:
    """Where a node's module stands in the network, as the exporter names it: ``/model.4/cv1/conv/Conv``."""
    named = re.match(r"/model\.(\d+)/", node.name)
    return int(named[1]) if named else None
