"""Which nodes of a detector's graph must stay in float when the rest is quantised, found by structure, not by name."""

from __future__ import annotations

from typing import Any

ATTENTION_OPS = frozenset({"MatMul", "Softmax"})
FIRST_CONVOLUTIONS = 2


def float_nodes(graph: Any) -> set[str]:
    """Names of the nodes that lose too much in 8 bits, or are no faster in them.

    The head's decoding, where one scale would have to hold pixels and probabilities: all scores collapse to 0. The last
    convolutions, whose outputs are box edges and logits. The first two blocks: few channels do not fill an 8-bit dot
    product. Attention, whose softmax is steep.
    """
    return decode_nodes(graph) | last_convolutions(graph) | first_blocks(graph) | attention_nodes(graph)


def decode_nodes(graph: Any) -> set[str]:
    """The nodes behind the last convolutions, with what makes their anchors: no convolution follows them."""
    before = _leading_to_a_convolution(graph)
    return {node.name for node in graph.node if node.op_type != "Conv" and node.name not in before}


def last_convolutions(graph: Any) -> set[str]:
    """Convolutions that no other follows."""
    before = _leading_to_a_convolution(graph)
    return {node.name for node in graph.node if node.op_type == "Conv" and node.name not in before}


def first_blocks(graph: Any) -> set[str]:
    """The convolution of the picture and the one behind it, each with its activation."""
    names: set[str] = set()
    tensors = {one.name for one in graph.input}
    for _ in range(FIRST_CONVOLUTIONS):
        convolutions = [node for node in graph.node if node.op_type == "Conv" and node.input[0] in tensors]
        activations = [node for one in convolutions for node in _activation(graph, one.output[0])]
        names |= {node.name for node in (*convolutions, *activations)}
        tensors = {node.output[0] for node in activations}
    return names


def attention_nodes(graph: Any) -> set[str]:
    """All but the convolutions of every module that multiplies matrices; a module is the path in a node's name."""
    modules = {_module(node) for node in graph.node if node.op_type in ATTENTION_OPS}
    return {node.name for node in graph.node if _module(node) in modules and node.op_type != "Conv"}


def _activation(graph: Any, tensor: str) -> list[Any]:
    """The Sigmoid and the Mul that make SiLU of a tensor."""
    sigmoids = [node for node in graph.node if node.op_type == "Sigmoid" and node.input[0] == tensor]
    gates = {node.output[0] for node in sigmoids}
    products = [node for node in graph.node if node.op_type == "Mul" and tensor in node.input and gates & {*node.input}]
    return [*sigmoids, *products]


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
