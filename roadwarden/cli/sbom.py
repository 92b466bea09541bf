"""``roadwarden sbom``: what is installed here because of us, as a bill of materials that scanners read."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from roadwarden.cli.packages import OURS, UNKNOWN, Package, packages
from roadwarden.errors import OutputError

_SERIALS = uuid.uuid5(uuid.NAMESPACE_URL, "pkg:pypi/roadwarden")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(sbom)


def sbom(
    out: Annotated[Path | None, typer.Option(help="file to write; without it to standard output")] = None,
    extra: Annotated[
        list[str] | None, typer.Option(help="also what this extra needs, such as postgres; may be given again")
    ] = None,
) -> None:
    """Write a bill of materials (SBOM, CycloneDX 1.6 as JSON): what is installed here, licences, who needs whom.

    Example: roadwarden sbom --extra postgres --extra stream --out sbom.json
    """
    text = json.dumps(bill(packages(extra or ())), indent=1) + "\n"
    if out is None:
        print(text, end="")
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise OutputError(f"{out}: cannot be written: {exc.strerror or exc}") from exc


def bill(installed: Sequence[Package]) -> dict[str, Any]:
    """CycloneDX 1.6. The same packages give the same bytes: no time of writing, a serial number out of the content."""
    (ours,) = (one for one in installed if one.name == OURS)
    by_name = {one.name: one.purl for one in installed}
    serial = uuid.uuid5(_SERIALS, "\n".join(sorted(by_name.values())))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": _component(ours, "application")},
        "components": [_component(one, "library") for one in installed if one is not ours],
        "dependencies": [{"ref": one.purl, "dependsOn": [by_name[need] for need in one.needs]} for one in installed],
    }


def _component(one: Package, kind: str) -> dict[str, Any]:
    known = {"licenses": [{"expression": one.licence}]} if one.licence != UNKNOWN else {}
    return {"type": kind, "bom-ref": one.purl, "name": one.name, "version": one.version, "purl": one.purl} | known
