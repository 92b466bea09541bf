"""The log: its checkpoints and proofs, for other departments; the evidence bundle of a case."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from roadwarden.access.policy import may, require
from roadwarden.cases.event_types import format_time
from roadwarden.cases.rights import Right
from roadwarden.errors import Forbidden, NotFound
from roadwarden.ledger.bundle import BundleLeaf
from roadwarden.ledger.key_files import ring_of
from roadwarden.ledger.leaves import read_leaf
from roadwarden.ledger.verify import verify_bundle
from roadwarden.service.ledger import Ledger
from roadwarden.service.ledger_bundles import Enclosed, bundle_case
from roadwarden.storage.engine import reading
from roadwarden.storage.ledger_store import CheckpointRow, LedgerStore
from roadwarden.web.answers import answer
from roadwarden.web.api.fields import CaseName
from roadwarden.web.api.seeing import read_personal, visible
from roadwarden.web.identity import Caller
from roadwarden.web.parts import PartsOf, no_picture
from roadwarden.web.problems import answers

router = APIRouter(prefix="/api/v1", tags=["ledger"])
FAILS: Final = answers(401, 403, 404, 409, 422)
NOTE_EXAMPLE: Final = "roads.example.org/log\n42\nq1x…\n\n— roads.example.org/log 1c5b…\n"
CHECKPOINT_EXAMPLE: Final[dict[str, Any]] = {
    "number": 7,
    "size": 42,
    "note": NOTE_EXAMPLE,
    "made_at": "2026-03-02T08:00:00Z",
}


class CheckpointItem(BaseModel):
    """A signed checkpoint (C2SP) of the log."""

    model_config = ConfigDict(json_schema_extra={"examples": [CHECKPOINT_EXAMPLE]})
    number: int
    size: int = Field(description="leaves")
    note: str
    made_at: datetime


class CheckpointList(BaseModel):
    """The oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [CHECKPOINT_EXAMPLE]}]})
    items: list[CheckpointItem]


class Consistency(BaseModel):
    """That the log of ``old`` leaves is the beginning of that of ``new`` (RFC 6962)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"old": 40, "new": 42, "proof": ["q1x…"]}]})
    old: int
    new: int
    proof: list[str] = Field(description="hashes, base64")


class LeafItem(BaseModel):
    """A leaf with its inclusion proof."""

    index: int
    leaf: dict[str, Any] = Field(description="public part; personal data is a salted hash")
    proof: list[str] = Field(description="hashes, base64")


class CaseProof(BaseModel):
    """The leaves of a case in the newest checkpoint."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"checkpoint": NOTE_EXAMPLE, "leaves": [{"index": 40, "leaf": {"kind": "event"}, "proof": ["q1x…"]}]}
            ]
        }
    )
    checkpoint: str
    leaves: list[LeafItem]


@router.get("/ledger/checkpoint", response_model=CheckpointItem, responses=FAILS)
def checkpoint(caller: Caller, parts: PartsOf) -> Response:
    """The newest checkpoint."""
    require(caller, Right.LEDGER_READ, parts.permissions)
    with reading(parts.engine) as connection:
        row = LedgerStore(connection).last_checkpoint()
    if row is None:
        raise NotFound("there is no checkpoint yet; 'roadwarden ledger checkpoint' makes one")
    return answer(_checkpoint(row))


@router.get("/ledger/checkpoints", response_model=CheckpointList, responses=FAILS)
def checkpoints(
    caller: Caller, parts: PartsOf, after: Annotated[int, Query(ge=0, lt=2**31, description="number")] = 0
) -> Response:
    """Every checkpoint behind a number, so that a witness can follow."""
    require(caller, Right.LEDGER_READ, parts.permissions)
    with reading(parts.engine) as connection:
        rows = LedgerStore(connection).checkpoints(after)
    return answer({"items": [_checkpoint(row) for row in rows]})


@router.get("/ledger/consistency", response_model=Consistency, responses=FAILS)
def consistency(
    caller: Caller,
    parts: PartsOf,
    old: Annotated[int, Query(ge=1, lt=2**53, examples=[40])],
    new: Annotated[int, Query(ge=1, lt=2**53, examples=[42])],
) -> Response:
    """The proof that the log was only added to between two sizes."""
    require(caller, Right.LEDGER_READ, parts.permissions)
    proof = Ledger(parts.engine).consistency(old, new)
    return answer({"old": old, "new": new, "proof": _hashes(proof)})


@router.get("/cases/{case}/proof", response_model=CaseProof, responses=FAILS)
def prove(case: CaseName, caller: Caller, parts: PartsOf) -> Response:
    """The leaves of a case with their inclusion proofs; without personal data."""
    require(caller, Right.LEDGER_READ, parts.permissions)
    visible(parts, caller, case)
    ledger = Ledger(parts.engine)
    with reading(parts.engine) as connection:
        rows = LedgerStore(connection).leaves_of_case(case)
    if not rows:
        raise NotFound(f"the log has nothing of case {case} yet; 'roadwarden ledger checkpoint' brings it up to date")
    proved = ledger.prove(rows)
    leaves = [
        BundleLeaf(one.leaf.number, read_leaf(one.leaf.body.encode(), f"leaf {one.leaf.number}"), one.proof).as_json()
        for one in proved
    ]
    return answer({"checkpoint": proved[0].checkpoint.note, "leaves": leaves})


@router.get(
    "/cases/{case}/bundle",
    response_class=Response,
    responses=FAILS | {200: {"content": {"application/zip": {}}, "description": "evidence bundle (docs/ledger.md)"}},
)
def bundle(
    case: CaseName,
    caller: Caller,
    parts: PartsOf,
    personal: Annotated[
        bool,
        Query(
            description="with names and free text, and for whoever may see them with the pictures as they came; "
            "that is written down"
        ),
    ] = False,
) -> Response:
    """The evidence bundle of a case, which 'roadwarden ledger verify' checks with the public key alone."""
    view = visible(parts, caller, case, Right.BUNDLES_READ)
    if personal:
        read_personal(parts, caller, view, "bundle")
    originals = personal and may(caller, Right.ORIGINALS_READ, parts.permissions, view.belongs)
    key = parts.ledger_key
    if key is None:
        raise Forbidden(
            "this server has no key of the log: start it with --ledger-key, or use 'roadwarden ledger bundle'"
        )
    enclosed = Enclosed(parts.pictures if originals else no_picture, personal=personal)
    content = bundle_case(Ledger(parts.engine), case, key, enclosed)
    report = verify_bundle(content, ring_of(key))
    if not report.verified:
        raise NotFound(f"no bundle of case {case} that verifies can be made: run 'roadwarden ledger audit'")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(case, safe='')}.zip"}
    return Response(content, media_type="application/zip", headers=headers)


def _checkpoint(row: CheckpointRow) -> dict[str, Any]:
    return {"number": row.number, "size": row.size, "note": row.note, "made_at": format_time(row.made_at)}


def _hashes(proof: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in proof]
