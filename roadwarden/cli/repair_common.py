"""What the commands about repairs have in common: the queue of a database, and what judges its reports."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cli.case_common import open_desk, shown
from roadwarden.repairs.evidence import Condition
from roadwarden.repairs.table import RepairTable, read_repair_table, shipped_repair_table
from roadwarden.settings import blobs_url, city_table, time_zone

if TYPE_CHECKING:
    from roadwarden.repairs.case_assess import CaseAssessor
    from roadwarden.service.assessing import Assessing
    from roadwarden.service.cases import CaseDesk
    from roadwarden.service.kept_pictures import KeptPictures
    from roadwarden.storage.assessments import AssessmentRow

Model = Annotated[
    str | None,
    typer.Option(help="model file, registry:roadwarden@champion or shipped:int8"),
]
Table = Annotated[Path | None, typer.Option(help="repairs.yaml of your own")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads of the model; 0 for all")]


def repair_table(option: Path | None) -> RepairTable:
    """The option's, else a city's own in ROADWARDEN_TABLES, else the one we ship."""
    own = option or city_table("repairs.yaml")
    return read_repair_table(own) if own is not None else shipped_repair_table()


def open_queue(database: str | None, table: RepairTable) -> Assessing:
    """The queue of a database, for this process."""
    from roadwarden.service.assessing import Assessing

    return Assessing(open_desk(database), f"{socket.gethostname()}:{os.getpid()}", table.audit.share)


def judge_of(
    desk: CaseDesk, table: RepairTable, model: str | None, pictures: str | None, threads: int
) -> Callable[[], CaseAssessor]:
    """What makes a judge once one is wanted; raises ModelError then where there is no model."""

    def open_judge() -> CaseAssessor:
        from roadwarden.inference.pictures import looks_in_archives
        from roadwarden.models.load import load_detector, model_path
        from roadwarden.repairs.assess import Assessor
        from roadwarden.repairs.case_assess import CaseAssessor
        from roadwarden.service.shown_pictures import ShownPictures
        from roadwarden.vision.redaction import default_redactor

        assessor = Assessor(load_detector(model_path(model), threads=threads), table)
        shown, looks = ShownPictures(desk.engine), looks_in_archives(desk.engine)
        return CaseAssessor(assessor, kept_pictures(pictures), shown, time_zone(), looks, default_redactor())

    return open_judge


def kept_pictures(option: str | None) -> KeptPictures:
    """Where pictures are kept."""
    from roadwarden.service.kept_pictures import KeptPictures
    from roadwarden.storage.blobs import open_blobs

    return KeptPictures(open_blobs(option or blobs_url()))


def conditions_of(options: Sequence[Condition] | None) -> frozenset[Condition]:
    """Of the road, as the weather or a person says."""
    return frozenset(options or ())


def told(row: AssessmentRow) -> dict[str, Any]:
    """A record for machines: its content, with id, audit and overlay."""
    import json

    content: dict[str, Any] = json.loads(row.content)
    return {"id": row.id, "audited": row.audited, "overlay": row.overlay} | content


def line_of(row: AssessmentRow) -> str:
    """One line for people."""
    return f"{row.id[:12]} {shown(row.recorded_at)} {row.case} report {row.report_seq} {row.kind}: {row.verdict}" + (
        f" {row.score:.0f}/100" if row.kind == "machine" else ""
    )
