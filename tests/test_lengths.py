"""Short modules and functions: whoever takes over reads them whole."""

from __future__ import annotations

import ast

from tests.conftest import REPOSITORY

MODULE_LINES, FUNCTION_LINES = 500, 60
REASON = "# Long: "


def too_long(source: str) -> list[str]:
    """Names of functions that are too long and give no reason in the line above."""
    lines = source.splitlines()
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            above = lines[first - 2].strip() if first > 1 else ""
            if node.end_lineno - node.lineno >= FUNCTION_LINES and not above.startswith(REASON):
                found.append(node.name)
    return found


def test_a_long_function_without_a_reason_is_found():
    body = "\n".join(["    pass"] * FUNCTION_LINES)
    assert too_long(f"def one():\n{body}\n") == ["one"]
    assert too_long(f"x = 1\n{REASON}a table\ndef one():\n{body}\n") == []


def test_modules_and_functions_are_short():
    sources = {path: path.read_text(encoding="utf-8") for path in (REPOSITORY / "roadwarden").rglob("*.py")}
    assert len(sources) > 100
    assert [path for path, source in sources.items() if source.count("\n") > MODULE_LINES] == []
    assert [(path, names) for path, source in sources.items() if (names := too_long(source))] == []
