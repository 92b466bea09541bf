"""Every sentence by which the source refuses something, found by reading it: what is filled in is ``{}``."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

Names = dict[str, list[ast.expr]]
"""What is assigned to each name."""


@dataclass(frozen=True)
class Source:
    """Modules, and the names of the classes and functions that are handed a sentence for somebody."""

    files: Collection[Path]
    told_to: Collection[str]

    def sentences(self) -> dict[str, str]:
        """Sentence to where it stands."""
        trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in self.files}
        speakers = {name for tree in trees.values() for name in self._speakers(tree)}
        found = [(said, file) for file, tree in trees.items() for said in self._said(tree, speakers)]
        return {said: file.name for said, file in found if " " in said}

    def _speakers(self, tree: ast.Module) -> Iterator[str]:
        """Functions whose answer is handed on: a reason or the text of an error."""
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and _gives(node) == "str | None":
                yield from (call.func.id for one in _returns(node) for call in _calls(one))
            elif isinstance(node, ast.Call) and _called(node) in self.told_to:
                yield from (call.func.id for one in node.args for call in _calls(one))

    def _said(self, tree: ast.Module, speakers: Collection[str]) -> Iterator[str]:
        outside = _assigned(tree.body)
        for scope in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            names = outside | _assigned(ast.walk(scope))
            if _gives(scope) == "str | None" or (_gives(scope) == "str" and scope.name in speakers):
                for value in _returns(scope):
                    yield from _spoken(value, names)
            for node in ast.walk(scope):
                if isinstance(node, ast.Call) and _called(node) in self.told_to:
                    for value in node.args:
                        yield from _spoken(value, names)


def _spoken(value: ast.AST | None, names: Names) -> Iterator[str]:
    match value:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=pieces):
            yield from map("".join, itertools.product(*(_piece(one, names) for one in pieces)))
        case ast.IfExp(body=one, orelse=other):
            yield from itertools.chain(_spoken(one, names), _spoken(other, names))
        case ast.BoolOp(values=values) | ast.Dict(values=values) | ast.Tuple(elts=values):
            yield from itertools.chain.from_iterable(_spoken(one, names) for one in values)
        case ast.Call(func=ast.Attribute(value=ast.Name() as table, attr="get" | "format"), args=args):
            yield from itertools.chain.from_iterable(_spoken(one, names) for one in (table, *args))
        case ast.Name(id=name):
            others = {other: values for other, values in names.items() if other != name}  # why = why or ...
            yield from itertools.chain.from_iterable(_spoken(one, others) for one in names.get(name, ()))


def _piece(piece: ast.expr, names: Names) -> list[str]:
    """A hole is written out where it holds one of a few texts of our own."""
    if isinstance(piece, ast.Constant):
        return [str(piece.value)]
    value = piece.value if isinstance(piece, ast.FormattedValue) else None
    known = names.get(value.id, []) if isinstance(value, ast.Name) else []
    written = all(isinstance(one, ast.IfExp | ast.Constant) for one in known)
    return [text for one in known for text in _spoken(one, names) if written] or ["{}"]


def _assigned(nodes: Iterator[ast.AST] | list[ast.stmt]) -> Names:
    found: Names = {}
    for node in nodes:
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) or node.value is None:
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(name, ast.Name):
                    found.setdefault(name.id, []).append(node.value)
    return found


def _gives(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return "" if function.returns is None else ast.unparse(function.returns)


def _returns(function: ast.AST) -> list[ast.expr]:
    return [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]


def _calls(value: ast.AST) -> list[ast.Call]:
    return [one for one in ast.walk(value) if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)]


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""
