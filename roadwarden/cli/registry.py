"""``roadwarden registry``: versions of the model, the alias that says which one works, and who moved it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from roadwarden.errors import ModelError
from roadwarden.models import promotion
from roadwarden.models import registry as versions
from roadwarden.models.history import Entry, place
from roadwarden.models.mlflow_store import MlflowStore, StoredVersion
from roadwarden.models.registry import CHAMPION, MODEL_NAME, ModelFiles, Tag
from roadwarden.settings import registry_uri

registry_app = typer.Typer(help="Versions of the model, and which one works.", no_args_is_help=True)

Registry = Annotated[
    str | None,
    typer.Option(help="MLflow server or database; without it ROADWARDEN_REGISTRY, or sqlite:///var/mlflow.db"),
]
Alias = Annotated[str, typer.Option(help="the name to move")]
Why = Annotated[str, typer.Option(help="the reason, for those who read the history")]
By = Annotated[str, typer.Option(help="who decides it")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(registry_app, name="registry")


@registry_app.command()
def push(
    model: Annotated[Path, typer.Argument(help="ONNX file with its model card inside")],
    card: Annotated[Path, typer.Option(help="model card for people, Markdown")],
    report: Annotated[Path, typer.Option(help="evaluation report, JSON")],
    gate: Annotated[Path | None, typer.Option(help="result of the file gate, JSON; none, no promotion")] = None,
    registry: Registry = None,
    as_json: AsJson = False,
) -> None:
    """Register a model file as a new version, with all that speaks for it.

    Example: roadwarden registry push model.onnx --card models/model.md --report report.json --gate gate-file.json
    """
    version = versions.push(_store(registry), ModelFiles(model, card, report, gate))
    if as_json:
        print(json.dumps(_version_json(version, {}), ensure_ascii=False))
    else:
        print(f"{version.name} version {version.number}, gate {version.tags[Tag.GATE]}")


@registry_app.command(name="list")
def list_versions(registry: Registry = None, as_json: AsJson = False) -> None:
    """Show the versions with their gates, and where the aliases stand.

    Example: roadwarden registry list
    """
    store = _store(registry)
    found, aliases = store.versions(MODEL_NAME), store.aliases(MODEL_NAME)
    rows = [_version_json(version, aliases) for version in found]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("version", "alias", "model", "gate", "sha256", "taxonomy", "commit", "pushed (UTC)")
    for row in rows:
        table.add_row(
            str(row["version"]),
            " ".join(row["aliases"]),
            row["model"],
            row["gate"],
            row["sha256"][:12],
            row["taxonomy_version"],
            row["git_commit"][:8],
            row["pushed_at"][:16],
        )
    _console().print(table if rows else "no version yet; 'roadwarden registry push' registers one")


@registry_app.command()
def promote(
    version: Annotated[int, typer.Argument(min=1, help="number of the version")],
    why: Why,
    by: By,
    alias: Alias = CHAMPION,
    registry: Registry = None,
) -> None:
    """Move an alias to a version; refused unless that very file has passed its gate.

    Example: roadwarden registry promote 3 --alias champion --why "patches found 0.71" --by "duty engineer"
    """
    _tell(promotion.promote(_store(registry), version, _order(alias, why, by)))


@registry_app.command()
def rollback(why: Why, by: By, alias: Alias = CHAMPION, registry: Registry = None) -> None:
    """Move an alias back to the version promoted before; the gate rules here too.

    Example: roadwarden registry rollback --alias champion --why "shadows taken for cracks" --by "duty engineer"
    """
    _tell(promotion.rollback(_store(registry), _order(alias, why, by)))


@registry_app.command()
def history(
    verify: Annotated[
        bool, typer.Option("--verify", help="check that nothing was edited and the aliases stand where it says")
    ] = False,
    registry: Registry = None,
    as_json: AsJson = False,
) -> None:
    """Show who moved an alias, when, from where to where, and why; --verify fails where that is not the whole truth.

    Example: roadwarden registry history --verify
    """
    verdict = promotion.verify(_store(registry))
    if as_json:
        entries = [entry.as_json() for entry in verdict.entries]
        told = {"entries": entries, "faults": list(verdict.faults), "head": verdict.head}
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _console().print(_history_table(verdict.entries))
    if verdict.faults and (verify or not verdict.entries):
        raise ModelError(f"the registry's history is not to be trusted: {'; '.join(verdict.faults)}")
    if verify and not as_json:
        print(f"{len(verdict.entries)} entries, unbroken; newest sha256 {verdict.head}")


def _history_table(entries: tuple[Entry, ...]) -> Table:
    table = Table("", "when (UTC)", "who", "move", "alias", "from", "to", "step", "why")
    for entry in entries:
        when = entry.when.astimezone(UTC).isoformat(sep=" ", timespec="seconds")[:19]
        ends = (place(entry.from_version), place(entry.to_version))
        table.add_row(str(entry.number), when, entry.who, entry.move, entry.alias, *ends, entry.step, entry.why)
    return table


def _version_json(version: StoredVersion, aliases: dict[str, int]) -> dict[str, Any]:
    tags = {str(tag): version.tags.get(tag, "") for tag in Tag}
    return {
        "version": version.number,
        "aliases": sorted(alias for alias, number in aliases.items() if number == version.number),
        **tags,
        "pushed_at": version.created_at.isoformat(),
    }


def _order(alias: str, why: str, by: str) -> promotion.Order:
    return promotion.Order(alias=alias, who=by, why=why, at=datetime.now(UTC))


def _tell(entry: Entry) -> None:
    ends = f"{place(entry.from_version)} -> {place(entry.to_version)}"
    print(f"{entry.alias}: {ends}, entry {entry.number} of the history")


def _store(registry: str | None) -> MlflowStore:
    return MlflowStore(registry or registry_uri())


def _console() -> Console:
    """As wide as the terminal; where the output is piped no cell is cut."""
    console = Console()
    return console if console.is_terminal else Console(width=200)
