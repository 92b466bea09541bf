"""A gate's outcome as a page of Markdown that people can read."""

from __future__ import annotations

import math

from roadwarden.eval.gate import Check, Gate, GateKind, TypeShown

TITLES = {GateKind.RECIPE: "Recipe gate", GateKind.FILE: "File gate"}


def gate_markdown(gate: Gate) -> str:
    """The checks, the types one by one, the thresholds."""
    facts = ", ".join(f"{name} {value}" for name, value in gate.facts.items() if value is not None)
    parts = [
        f"# {TITLES[gate.kind]}: {gate.model} {'passed' if gate.passed else 'FAILED'}",
        facts + (f". sha256 `{gate.model_sha256}`" if gate.model_sha256 else ""),
        "\n".join(["| check | value | limit | |", "| --- | --- | --- | --- |", *map(_check_row, gate.checks)]),
        "Types, none averaged away (coverage protocol; proven = found often enough, in enough streets):",
        "\n".join(
            [
                "| type | true | found | called right | found, share | type accuracy | groups | places | proven |",
                "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
                *map(_type_row, gate.types),
            ]
        ),
        "Thresholds, frozen: " + ", ".join(f"{one} {value:g}" for one, value in gate.thresholds.items()),
    ]
    return "\n\n".join(parts) + "\n"


def gate_line(gate: Gate) -> str:
    """One line: what was judged, and every check that failed."""
    failed = [f"{check.name} {check.value:.3f} (limit {check.sense} {check.limit:g})" for check in gate.checks
              if not check.passed]  # fmt: skip
    outcome = "passed" if gate.passed else "FAILED: " + "; ".join(failed)
    return f"{TITLES[gate.kind]} of {gate.model}, {len(gate.checks)} checks: {outcome}"


def _check_row(check: Check) -> str:
    value = "not measured" if math.isnan(check.value) else f"{check.value:.4g}"
    return f"| {check.name} | {value} | {check.sense} {check.limit:g} | {'pass' if check.passed else '**fail**'} |"


def _type_row(shown: TypeShown) -> str:
    found = f"{shown.found / shown.true:.3f}" if shown.true else "-"
    accuracy = f"{shown.correct / shown.found:.3f}" if shown.found else "-"
    cells = (
        *(str(shown.type).replace("_", " "), shown.true, shown.found, shown.correct, found, accuracy),
        *(shown.groups, shown.places, "yes" if shown.proven else "no"),
    )
    return "| " + " | ".join(map(str, cells)) + " |"
