"""The endpoint ``/open311/v2``: reading is open, as the specification has it; filing wants a key that may file."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from roadwarden.access.people import Principal, Way
from roadwarden.access.policy import require
from roadwarden.cases.requests import Channel
from roadwarden.cases.rights import Right
from roadwarden.service.request_updates import take_news, updates_between
from roadwarden.service.requests import Submission, find, listed, submit
from roadwarden.settings import time_zone
from roadwarden.web.identity import MaybeCaller, maybe_caller
from roadwarden.web.limits import Rate
from roadwarden.web.open311 import asked as asks
from roadwarden.web.open311 import shapes
from roadwarden.web.open311.described import NEWS, REPORT, asking, told
from roadwarden.web.open311.faults import Open311Fault, not_found, not_given
from roadwarden.web.open311.forms_in import Fields, of_form, of_xml
from roadwarden.web.open311.forms_out import CONTENT_TYPES, Format, rendered
from roadwarden.web.open311.route import Open311Route
from roadwarden.web.open311.views import Teller
from roadwarden.web.parts import Parts, PartsOf
from roadwarden.web.shown_pictures import picture_path
from roadwarden.web.uploads import files_of, form_with_pictures, take_in

router = APIRouter(prefix="/open311", route_class=Open311Route, tags=["open311"], default_response_class=Response)

_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_XML: Final = frozenset({"text/xml", "application/xml"})
_MOST_KEY: Final = 200


@router.get("/discovery.{form}", include_in_schema=False)
@router.get(
    "/v2/discovery.{form}",
    responses=told("discovery", shapes.Open311Discovery, several=False),
    openapi_extra=asking(),
)
def discovery(request: Request, parts: PartsOf, form: Format, _caller: MaybeCaller) -> Response:
    """Where the endpoint is."""
    fields = _query(request, parts)
    url = f"{parts.settings.public_url}/open311/v2/"
    return _answer("discovery", _teller(request, parts, fields).discovery(url, parts.settings.public_url), form)


@router.get("/v2/services.{form}", responses=told("services", shapes.Open311Service), openapi_extra=asking())
def services(request: Request, parts: PartsOf, form: Format, _caller: MaybeCaller) -> Response:
    """GET Service List."""
    return _answer("services", _teller(request, parts, _query(request, parts)).services(), form)


@router.get(
    "/v2/services/{code}.{form}",
    responses=told("service_definition", shapes.Open311Definition, several=False),
    openapi_extra=asking(),
)
def service(request: Request, parts: PartsOf, code: str, form: Format, _caller: MaybeCaller) -> Response:
    """GET Service Definition."""
    teller = _teller(request, parts, _query(request, parts))
    known = teller.table.service(code)
    if known is None:
        raise not_found("service_code", code)
    return _answer("service_definition", teller.definition(known), form)


@router.post(
    "/v2/requests.{form}",
    responses=told("service_requests", shapes.Open311Created, more=(409, 413, 415)),
    openapi_extra=REPORT,
)
async def post_request(request: Request, parts: PartsOf, form: Format) -> Response:
    """POST Service Request, with pictures where it is multipart."""
    fields, files = await _sent(request)
    client = await _client(request, parts, fields)
    asks.check_jurisdiction(fields, parts.requests.table)
    asked = asks.request_asked(fields, parts.requests.table)
    pictures = await take_in(parts.requests.evidence, files, client.name)
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _MOST_KEY:
        raise Open311Fault(HTTPStatus.BAD_REQUEST, f"Idempotency-Key: 1 to {_MOST_KEY} characters")
    names = tuple(one.sha256 for one in pictures)
    kept = await run_in_threadpool(submit, parts.requests, asked, Submission(Channel.OPEN311, client.name, key, names))
    return _answer("service_requests", [_teller(request, parts, fields).created(kept.id)], form)


@router.get(
    "/v2/requests.{form}",
    responses=told("service_requests", shapes.Open311Request),
    openapi_extra=asking(
        "service_request_id",
        "service_code",
        "status",
        "start_date",
        "end_date",
        "updated_after",
        "page",
        "page_size",
    ),
)
def requests(request: Request, parts: PartsOf, form: Format, _caller: MaybeCaller) -> Response:
    """GET Service Requests."""
    fields = _query(request, parts)
    wanted, (most, offset) = asks.request_filter(fields, parts.now()), asks.page(fields)
    teller = _teller(request, parts, fields)
    rows = [teller.request(one) for one in listed(parts.requests, wanted, most, offset)]
    return _answer("service_requests", rows, form)


@router.get(
    "/v2/requests/{id}.{form}",
    responses=told("service_requests", shapes.Open311Request),
    openapi_extra=asking(),
)
def one_request(request: Request, parts: PartsOf, id: str, form: Format, _caller: MaybeCaller) -> Response:
    """GET Service Request."""
    teller = _teller(request, parts, _query(request, parts))
    return _answer("service_requests", [teller.request(find(parts.requests, id))], form)


@router.get(
    "/v2/tokens/{token}.{form}",
    responses=told("service_requests", shapes.Open311Token),
    openapi_extra=asking(),
)
def token(request: Request, parts: PartsOf, token: str, form: Format, _caller: MaybeCaller) -> Response:
    """GET service_request_id from a token: ours are given at once, and a token is the number itself."""
    _query(request, parts)
    found = find(parts.requests, token).request.id
    return _answer("service_requests", [{"service_request_id": found, "token": token}], form)


@router.get(
    "/v2/servicerequestupdates.{form}",
    responses=told("service_request_updates", shapes.Open311Update),
    openapi_extra=asking("start_date", "end_date"),
)
def updates(request: Request, parts: PartsOf, form: Format, _caller: MaybeCaller) -> Response:
    """FixMyStreet's extension: what was told of requests in a window, the oldest first."""
    fields = _query(request, parts)
    since, until = asks.window(fields, parts.now())
    found = updates_between(parts.requests, since, until)
    return _answer("service_request_updates", _teller(request, parts, fields).updates(found), form)


@router.post(
    "/v2/servicerequestupdates.{form}",
    responses=told("service_request_updates", shapes.Open311Kept, more=(409, 413, 415)),
    openapi_extra=NEWS,
)
async def post_update(request: Request, parts: PartsOf, form: Format) -> Response:
    """FixMyStreet's extension: another system tells us of a request; the same ``update_id`` is one update."""
    fields, _files = await _sent(request)
    client = await _client(request, parts, fields)
    asks.check_jurisdiction(fields, parts.requests.table)
    kept = await run_in_threadpool(take_news, parts.requests, asks.news(fields, client.name))
    row = {"update_id": kept.news.update_id, "account_id": None}
    return _answer("service_request_updates", [row], form)


@router.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
def nothing(rest: str, _caller: MaybeCaller) -> Response:
    """Anything else."""
    raise not_found("path", rest)


def _query(request: Request, parts: Parts) -> Fields:
    fields = Fields.of(request.query_params.multi_items())
    asks.check_jurisdiction(fields, parts.requests.table)
    return fields


def _teller(request: Request, parts: Parts, fields: Fields) -> Teller:
    table, url = parts.requests.table, parts.settings.public_url
    return Teller(
        table=table,
        domains=parts.domains,
        dispatch=parts.dispatch,
        language=asks.language(fields, request.headers.get("accept-language"), table),
        zone=time_zone(),
        picture_url=lambda sha256: url + picture_path(sha256),
    )


def _answer(root: str, content: Any, form: Format) -> Response:
    answer = Response(rendered(root, content, form), media_type=CONTENT_TYPES[form])
    answer.headers["access-control-allow-origin"] = "*"  # what is read here is public, and cookies are not sent
    return answer


async def _sent(request: Request) -> tuple[Fields, list[UploadFile]]:
    """A body in one of the three forms."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _MULTIPART:
        form = await form_with_pictures(request)
        return Fields.of((name, value) for name, value in form.multi_items() if isinstance(value, str)), files_of(form)
    if kind == _FORM:
        return of_form(await request.body()), []
    if kind in _XML:
        return of_xml(await request.body()), []
    raise Open311Fault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {_FORM}, {_MULTIPART} or text/xml")


async def _client(request: Request, parts: Parts, fields: Fields) -> Principal:
    """Whose key it is: ``api_key``, or a token in ``Authorization``. Raises Open311Fault, NotLoggedIn, Forbidden."""
    principal = await maybe_caller(request)
    if principal.way is Way.NONE:
        key = fields.text("api_key")
        if key is None:
            raise not_given("api_key")
        principal = await run_in_threadpool(parts.access.of_token, key)
        rate = Rate(parts.settings.per_second, parts.settings.burst)
        request.app.state.limiter.take(f"person {principal.name}", rate)
    require(principal, Right.REPORTS_FILE, parts.permissions)
    return principal
