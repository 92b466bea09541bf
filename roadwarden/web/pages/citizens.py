"""Pages for citizens: report a problem with a photo and a place, follow it by number and secret. No account, no script.

What keeps floods away: few reports an address and an hour, more from everywhere, a field that only programs fill in, a
form that nobody sends within seconds, and pictures that are told by their bytes before they are kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from roadwarden.cases.request_table import LISTS, AnswerType, RequestTable
from roadwarden.cases.requests import MOST_ADDRESS, MOST_TEXT, Asked, Channel
from roadwarden.cases.tables import Words as Both
from roadwarden.errors import DataError, Forbidden, NotAllowed, NotFound, TooMany
from roadwarden.service.evidence import BadPicture
from roadwarden.service.request_updates import updates_of_request
from roadwarden.service.requests import Submission, follow, secret_of, submit
from roadwarden.settings import time_zone
from roadwarden.storage.evidence import KeptEvidence
from roadwarden.taxonomy import Language
from roadwarden.web.identity import MaybeCaller, address_of
from roadwarden.web.limits import Limiter, Rate
from roadwarden.web.look import language_of
from roadwarden.web.open311.asked import answers_of
from roadwarden.web.open311.faults import Open311Fault
from roadwarden.web.open311.forms_in import Fields
from roadwarden.web.pages.rendering import render
from roadwarden.web.parts import Parts, PartsOf
from roadwarden.web.refusals import in_language
from roadwarden.web.shown_pictures import picture_path
from roadwarden.web.uploads import files_of, form_with_pictures, take_in

router = APIRouter(include_in_schema=False)

CLIENT: Final = "page"
TRAP: Final = "website"
"""A field that no person sees."""
LEAST_S: Final = 3.0
"""Nobody fills in a form faster."""
_SALT: Final = secrets.token_hex(16)
"""Of this process: addresses are told apart, and kept nowhere."""


@router.get("/report")
def report_page(request: Request, parts: PartsOf, _caller: MaybeCaller) -> HTMLResponse:
    """The form."""
    return _form(request, parts, {}, "")


@router.post("/report")
async def report(request: Request, parts: PartsOf, _caller: MaybeCaller) -> Response:
    """A report: the number and the secret, or the form again with what is wrong."""
    language = language_of(request)
    try:
        _take(request, "report", Rate(parts.settings.reports_per_hour / 3600, parts.settings.reports_at_once))
    except TooMany as exc:
        return _form(request, parts, {}, _words(language, _TOO_OFTEN), 429, {"Retry-After": str(exc.after_s)})
    _require_own_page(request, parts)
    form = await form_with_pictures(request)
    told = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    if told.get(TRAP) or not _unhurried(told.get("key", ""), parts.now()):
        return _form(request, parts, told, _words(language, _AGAIN), 400)
    try:
        fields = Fields.of(told.items())
        pictures = await take_in(parts.requests.evidence, files_of(form), CLIENT)
        asked = _asked(fields, parts.requests.table, pictures)
        key = fields.wanted("key")
        names = tuple(one.sha256 for one in pictures)
        how = Submission(Channel.PAGE, CLIENT, key, names, followed=True)
        kept = await run_in_threadpool(submit, parts.requests, asked, how)
    except (DataError, NotAllowed, ValueError, Open311Fault) as exc:
        return _form(request, parts, told, _fault(language, exc), 400)
    return render(request, "reported.html", number=kept.id, secret=_grouped(secret_of(key)), joined=not kept.own_tip)


@router.get("/follow")
def follow_page(request: Request, _caller: MaybeCaller) -> HTMLResponse:
    """Asks for number and secret; they never stand in an address."""
    return render(request, "follow.html", told=None, problem="", number="")


@router.post("/follow")
async def followed(request: Request, parts: PartsOf, _caller: MaybeCaller) -> Response:
    """How a report stands."""
    language = language_of(request)
    try:
        _take(request, "follow", Rate(parts.settings.follows_per_hour / 3600, parts.settings.follows_at_once))
    except TooMany as exc:
        page = render(request, "follow.html", 429, told=None, problem=_words(language, _TOO_OFTEN), number="")
        page.headers["Retry-After"] = str(exc.after_s)
        return page
    form = await request.form(max_files=0, max_fields=10, max_part_size=1000)
    number, secret = str(form.get("number", ""))[:40].strip().upper(), str(form.get("secret", ""))[:80]
    try:
        told = await run_in_threadpool(follow, parts.requests, number, secret)
    except NotFound:
        return render(request, "follow.html", 404, told=None, problem=_words(language, _UNKNOWN), number=number)
    steps = await run_in_threadpool(updates_of_request, parts.requests, told.request)
    zone, table = time_zone(), parts.requests.table
    lines = [(one.updated_at.astimezone(zone), _words(language, table.phase(one.phase))) for one in steps]
    values = {
        "number": told.request.id,
        "service": _words(language, parts.domains.words_of(told.request.asked.service)),
        "phase": _words(language, table.phase(told.standing.phase)),
        "status": table.phase(told.standing.phase).status.value,
        "received": told.request.requested_at.astimezone(zone),
        "expected": None if told.standing.expected_at is None else told.standing.expected_at.astimezone(zone),
        "steps": lines,
        "text": told.request.asked.description,
        "pictures": [picture_path(one.public_sha256) for one in told.pictures if one.withheld is None],
    }
    return render(request, "follow.html", told=values, problem="", number=told.request.id)


@router.get("/follow/{anything:path}")
def follow_elsewhere(anything: str) -> RedirectResponse:
    """Old or mistyped links."""
    return RedirectResponse("/follow", 303)


def _form(
    request: Request,
    parts: Parts,
    told: dict[str, str],
    problem: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    language, table = language_of(request), parts.requests.table
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in table.services:
        domain = _words(language, parts.domains.domain_of(one.problem))
        groups.setdefault(domain, []).append((one.problem, _words(language, parts.domains.words_of(one.problem))))
    questions = [
        {
            "id": one.id,
            "text": _words(language, one),
            "choices": [(choice.id, _words(language, choice)) for choice in one.choices],
            "several": one.datatype is AnswerType.SEVERAL,
            "list": one.datatype in LISTS,
        }
        for one in table.questions
    ]
    keep = told.get("key", "") if _issued(told.get("key", "")) is not None else ""
    limits: dict[str, Any] = {"text": MOST_TEXT, "address": MOST_ADDRESS}
    page = render(
        request,
        "report.html",
        status,
        groups=groups,
        questions=questions,
        said=told,
        problem=problem,
        key=keep or f"{int(parts.now().timestamp())}-{secrets.token_urlsafe(18)}",
        trap=TRAP,
        limits=limits,
    )
    page.headers.update(headers or {})
    return page


def _asked(fields: Fields, table: RequestTable, pictures: tuple[KeptEvidence, ...]) -> Asked:
    """What the form says; where it names no place, the one that a picture was taken at."""
    service = fields.wanted("service")
    place = (fields.number("lat"), fields.number("long"))
    if place == (None, None):
        known = next((one.position for one in pictures if one.position is not None), None)
        place = place if known is None else (known.lat, known.lon)
    given = {name.removeprefix("answer-"): (value,) for name, value in fields.pairs if name.startswith("answer-")}
    return Asked(
        service=service,
        description=fields.text("description"),
        answers=answers_of(given, table.questions_of(service)),
        latitude=place[0],
        longitude=place[1],
        address=fields.text("address"),
    )


def _issued(key: str) -> float | None:
    """When a form was made, by its key."""
    made, dash, chance = key.partition("-")
    return float(made) if dash and made.isdigit() and len(made) <= 11 and 20 <= len(chance) <= 64 else None


def _unhurried(key: str, now: datetime) -> bool:
    made = _issued(key)
    return made is not None and LEAST_S <= now.timestamp() - made <= 86_400


def _take(request: Request, what: str, rate: Rate) -> None:
    """One more from an address, told by a hash; of IPv6 the network counts, because everybody has many of the rest."""
    address = address_of(request)
    with contextlib.suppress(ValueError):
        known = ipaddress.ip_address(address)
        address = str(ipaddress.ip_network((known, 64), strict=False) if known.version == 6 else known)
    limiter: Limiter = request.app.state.limiter
    limiter.take(f"{what} {hashlib.sha256((_SALT + address).encode()).hexdigest()}", rate)
    limiter.take(f"{what} everywhere", replace(rate, per_second=rate.per_second * 20, burst=rate.burst * 20))


def _require_own_page(request: Request, parts: Parts) -> None:
    """Raises Forbidden for a form on somebody else's page, which would report in its visitors' names."""
    origin = request.headers.get("origin")
    own = {urlsplit(parts.settings.public_url).netloc, request.headers.get("host", "")}
    if origin is not None and urlsplit(origin).netloc not in own:
        raise Forbidden("the request comes from a page of another site")


_TOO_OFTEN: Final = Both(
    english="Too many for now. Try again in a few minutes.",
    chinese="操作过于频繁，请几分钟后再试。",
)
_AGAIN: Final = Both(
    english="Please look at the form once more and send it again.",
    chinese="请核对表单后再次提交。",
)
_UNKNOWN: Final = Both(
    english="There is no report with this number and secret. Look at both again.",
    chinese="未找到该编号与查询码对应的上报，请核对。",
)
_NO_PLACE: Final = Both(
    english="Where is it? Use your position, write the place down, or send a picture that knows where it was taken.",
    chinese="请填写地点：可使用当前位置、填写文字，或上传带位置信息的照片。",
)
_NO_SERVICE: Final = Both(english="What is it? Choose one.", chinese="请选择问题类型。")
_BAD_PICTURE: Final = Both(
    english="The picture cannot be used: {why}",
    chinese="照片无法使用，请换一张 JPEG、PNG 或 WebP 照片（{why}）。",
)
_OTHER: Final = Both(english="Not sent yet: {why}", chinese="尚未提交，请修改：{why}")


def _fault(language: Language, exc: Exception) -> str:
    why = str(exc)
    if isinstance(exc, BadPicture):
        return _words(language, _BAD_PICTURE).format(why=in_language(why, language))
    if why.startswith("where is it"):
        return _words(language, _NO_PLACE)
    if isinstance(exc, Open311Fault) and why.startswith("service"):
        return _words(language, _NO_SERVICE)
    return _words(language, _OTHER).format(why=in_language(why, language))


def _words(language: Language, words: Both) -> str:
    return words.chinese if language is Language.CHINESE else words.english


def _grouped(secret: str) -> str:
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
