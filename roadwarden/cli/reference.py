"""docs/cli.md, made from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import typer
from typer.core import TyperCommand, TyperGroup


def commands(app: typer.Typer) -> Iterator[tuple[str, TyperCommand]]:
    """(name with its group, command) in the order of the help page."""
    yield from _walk(typer.main.get_command(app), "")


def _walk(command: object, prefix: str) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperCommand):
        yield prefix, command
    elif isinstance(command, TyperGroup):
        context = typer.Context(command)
        for name in command.list_commands(context):
            yield from _walk(command.get_command(context, name), f"{prefix} {name}".strip())


def reference_markdown(app: typer.Typer) -> str:
    """Every command with its help, arguments and options."""
    blocks = ["# Commands\n\nWritten by `scripts/docs-cli` from the commands themselves; a test keeps it current.\n"]
    for name, command in commands(app):
        rows = [
            f"| `{_shown(parameter)}` | {getattr(parameter, 'help', '') or ''} |"
            for parameter in command.params
            if parameter.name != "help"
        ]
        table = "\n".join(["| | |", "| --- | --- |", *rows, ""]) if rows else ""
        blocks.append(f"## roadwarden {name}\n\n{inspect.cleandoc(command.help or '')}\n\n{table}")
    return "\n".join(blocks)


def _shown(parameter: object) -> str:
    options = getattr(parameter, "opts", [])
    if getattr(parameter, "param_type_name", "") == "argument":
        return str(getattr(parameter, "name", "")).upper()
    return ", ".join(options)
