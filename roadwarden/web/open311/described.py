"""What the OpenAPI document says of the routes below ``/open311``: parameters, bodies, answers, an example of each."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel

from roadwarden.cases.requests import RequestStatus, UpdateStatus
from roadwarden.web import problems
from roadwarden.web.open311 import shapes
from roadwarden.web.open311.forms_out import Format, rendered

PREFIX: Final = "/open311/"
Said = dict[str, Any]

_REQUEST_ID: Final = "R2026-000001"
_REF: Final = "#/components/schemas/"
_MEDIA: Final[Mapping[Format, str]] = {Format.JSON: "application/json", Format.XML: "text/xml"}
_FORM: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_FAULTS: Final = (400, 403, 404, 429)
_SEEN, _DONE, _DUE = "2026-11-30T16:00:00+08:00", "2026-11-30T17:20:05+08:00", "2026-12-02T16:00:00+08:00"

EXAMPLES: Final[Mapping[type[BaseModel], Said]] = {
    shapes.Open311Discovery: {
        "changeset": "2026-11-30T00:00:00Z",
        "contact": "https://roads.example",
        "key_service": "https://roads.example",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": "https://roads.example/open311/v2/",
                "changeset": "2026-11-30T00:00:00Z",
                "type": "production",
                "formats": ["text/xml", "application/json"],
            }
        ],
    },
    shapes.Open311Service: {
        "service_code": "pothole",
        "service_name": "pothole",
        "description": "pothole (pavement)",
        "metadata": True,
        "type": "realtime",
        "keywords": "hole, pit",
        "group": "pavement",
    },
    shapes.Open311Definition: {
        "service_code": "pothole",
        "attributes": [
            {
                "variable": True,
                "code": "size",
                "datatype": "singlevaluelist",
                "required": False,
                "datatype_description": None,
                "order": 1,
                "description": "How large is it?",
                "values": [{"key": "plate", "name": "about a dinner plate"}],
            }
        ],
    },
    shapes.Open311Created: {
        "service_request_id": _REQUEST_ID,
        "service_notice": "somebody looks at it",
        "account_id": None,
    },
    shapes.Open311Request: {
        "service_request_id": _REQUEST_ID,
        "status": "open",
        "status_notes": "a crew is on its way",
        "service_name": "pothole",
        "service_code": "pothole",
        "description": "deep, before the crossing",
        "agency_responsible": "roads",
        "service_notice": None,
        "requested_datetime": _SEEN,
        "updated_datetime": _DONE,
        "expected_datetime": _DUE,
        "address": None,
        "address_id": None,
        "zipcode": None,
        "lat": 30.2741,
        "long": 120.1551,
        "media_url": "https://roads.example/shown/" + "4b" * 32 + ".jpg",
    },
    shapes.Open311Token: {"service_request_id": _REQUEST_ID, "token": _REQUEST_ID},
    shapes.Open311Update: {
        "update_id": f"{_REQUEST_ID}.3",
        "service_request_id": _REQUEST_ID,
        "status": "ACTION_SCHEDULED",
        "updated_datetime": _DONE,
        "description": "a crew is on its way",
        "media_url": None,
        "external_status_code": "dispatched",
    },
    shapes.Open311Kept: {"update_id": "77", "account_id": None},
    shapes.Open311Error: {"code": 404, "description": "service_code 'hole' was not found"},
}
"""One of each shape, as it is told."""


def told(
    root: str, shape: type[BaseModel], *, several: bool = True, more: tuple[int, ...] = ()
) -> dict[int | str, Said]:
    """For ``responses=`` of a route: the answer in both forms, and the errors that it may give."""
    found: dict[int | str, Said] = {200: _answer("as asked for", root, shape, several=several)}
    for status in sorted({*_FAULTS, *more}):
        found[status] = _answer(HTTPStatus(status).phrase, "errors", shapes.Open311Error, several=True)
    found[503] = {"description": HTTPStatus(503).phrase, "content": {problems.MEDIA_TYPE: _problem()}}
    return found


def asking(*names: str) -> Said:
    """For ``openapi_extra=`` of a route: what its query may hold."""
    return {"parameters": [_QUERY[name] for name in ("jurisdiction_id", "locale", *names)]}


def sending(
    root: str, fields: Mapping[str, Said], wanted: tuple[str, ...], example: Said, *, files: bool = False
) -> Said:
    """For ``openapi_extra=`` of a route: its body as a form, as multipart, as XML."""
    known: Said = {**_KEYS, **fields}
    schema: Said = {"type": "object", "properties": known, "required": list(wanted)}
    pictures = {"media": {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": 5}}
    multipart = schema | {"properties": known | pictures} if files else schema
    element = schema | {"xml": {"name": root}}
    key: Said = {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "makes the POST safe to repeat",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[A-Za-z0-9_.:-]+$"},
    }
    return {
        "parameters": [key] if files else [],
        "requestBody": {
            "required": True,
            "content": {
                _FORM[0]: {"schema": schema, "example": example},
                _FORM[1]: {"schema": multipart, "example": example},
                "text/xml": {"schema": element, "example": rendered(root, example, Format.XML).decode()},
            },
        },
    }


def finish(operation: Said) -> None:
    """What FastAPI adds by itself and these routes tell otherwise."""
    operation["responses"].pop("422", None)
    if "requestBody" in operation:
        operation["security"] = [{"token": []}, {}]  # or api_key, in the body
        operation["responses"]["413"] = {
            "description": HTTPStatus(413).phrase,
            "content": _both("errors", shapes.Open311Error, several=True) | {problems.MEDIA_TYPE: _problem()},
        }
    else:
        operation["security"] = []


def components() -> Said:
    """The schemas that the answers refer to."""
    found: Said = {}
    for shape in EXAMPLES:
        schema = shape.model_json_schema(ref_template=_REF + "{model}")
        found |= schema.pop("$defs", {}) | {shape.__name__: schema}
    return found


def _answer(description: str, root: str, shape: type[BaseModel], *, several: bool) -> Said:
    return {"description": description, "content": _both(root, shape, several=several)}


def _both(root: str, shape: type[BaseModel], *, several: bool) -> Said:
    one: Said = {"$ref": _REF + shape.__name__}
    schema = {"type": "array", "items": one, "xml": {"name": root, "wrapped": True}} if several else one
    example: Any = [EXAMPLES[shape]] if several else EXAMPLES[shape]
    return {
        _MEDIA[Format.JSON]: {"schema": schema, "example": example},
        _MEDIA[Format.XML]: {"schema": schema, "example": rendered(root, example, Format.XML).decode()},
    }


def _problem() -> Said:
    return {"schema": {"$ref": _REF + "Problem"}}


def _asked(name: str, description: str, **schema: Any) -> Said:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string"} | schema}


_TIME: Final[Said] = {"format": "date-time", "examples": [_SEEN]}
_QUERY: Final[Mapping[str, Said]] = {
    one["name"]: one
    for one in (
        _asked("jurisdiction_id", "wanted by nobody; another than the table names is refused"),
        _asked("locale", "language of names", enum=["zh", "en"]),
        _asked("service_request_id", "numbers with commas; overrides the rest", examples=[_REQUEST_ID]),
        _asked("service_code", "with commas", examples=["pothole"]),
        _asked("status", "of the request", enum=[one.value for one in RequestStatus]),
        _asked("start_date", "of a window of 90 days at most", **_TIME),
        _asked("end_date", "inside, in whole seconds", **_TIME),
        _asked("updated_after", "something was told of it since", **_TIME),
        _asked("page", "from 1", type="integer", minimum=1, maximum=1_000_000),
        _asked("page_size", "1,000 at most", type="integer", minimum=1, maximum=1000),
    )
}


def _text(description: str, **more: Any) -> Said:
    return {"type": "string", "description": description} | more


_KEYS: Final[Mapping[str, Said]] = {
    "api_key": _text("a token with the scope reports.file, where Authorization has none"),
    "jurisdiction_id": _text("wanted by nobody; another than the table names is refused"),
}
REPORT: Final = sending(
    "request",
    {
        "service_code": _text("of the list of services", examples=["pothole"]),
        "lat": {"type": "number", "minimum": -90, "maximum": 90, "description": "WGS-84, degrees"},
        "long": {"type": "number", "minimum": -180, "maximum": 180, "description": "WGS-84, degrees"},
        "address_string": _text("where, in words: this, or lat and long", maxLength=500),
        "description": _text("what is to be seen; names and numbers of people are not wanted", maxLength=4000),
        "media_url": _text("a picture elsewhere: shown to intake, never fetched", maxLength=2000, format="uri"),
        "attribute[size]": _text("answer to a question of the service, for each attribute[code]"),
    },
    ("service_code",),
    {"service_code": "pothole", "lat": 30.2741, "long": 120.1551, "description": "deep, before the crossing"},
    files=True,
)
NEWS: Final = sending(
    "request_update",
    {
        "update_id": _text("the sender's own: the same one twice is one update", minLength=1, maxLength=200),
        "service_request_id": _text("of the request", examples=[_REQUEST_ID]),
        "status": _text("by FixMyStreet's words", enum=[one.value for one in UpdateStatus]),
        "updated_datetime": _text("by the sender's clock", **_TIME),
        "description": _text("what is told", maxLength=4000),
        "media_url": _text("a picture elsewhere: shown to intake, never fetched", maxLength=2000, format="uri"),
    },
    ("update_id", "service_request_id", "status", "updated_datetime"),
    {"update_id": "77", "service_request_id": _REQUEST_ID, "status": "FIXED", "updated_datetime": _DONE},
)
