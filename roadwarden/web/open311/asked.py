"""From the fields of a client to what it asks for; each fault is named as the specification does. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

from roadwarden.cases.request_table import LISTS, AnswerType, Question, RequestTable
from roadwarden.cases.requests import Asked, News, RequestStatus, UpdateStatus
from roadwarden.storage.requests import RequestFilter
from roadwarden.taxonomy import Language
from roadwarden.web.open311.faults import not_found, not_given, not_understood
from roadwarden.web.open311.forms_in import Fields

LONGEST_WINDOW: Final = timedelta(days=90)
MOST_ON_A_PAGE: Final = 1000
MOST_IDS: Final = 200
MOST_ANSWER: Final = 500
MOST_URL: Final = 2000
SECOND: Final = timedelta(seconds=1)
_Choice = TypeVar("_Choice", RequestStatus, UpdateStatus)


def check_jurisdiction(fields: Fields, table: RequestTable) -> None:
    """Raises Open311Fault for another one than ours; none is as good as ours."""
    named = fields.text("jurisdiction_id")
    if named is not None and table.jurisdiction is not None and named != table.jurisdiction:
        raise not_found("jurisdiction_id", named)


def language(fields: Fields, accepted: str | None, table: RequestTable) -> Language:
    """``locale``, else what the client accepts, else the table's."""
    wanted = [fields.text("locale") or "", *(part.partition(";")[0] for part in (accepted or "").split(","))]
    known = (one.strip().lower()[:2] for one in wanted)
    return next((Language(one) for one in known if one in set(Language)), table.language)


def request_asked(fields: Fields, table: RequestTable) -> Asked:
    """A new request."""
    code = fields.wanted("service_code")
    if table.service(code) is None:
        raise not_found("service_code", code)
    address = fields.text("address_string") or fields.text("address_id")
    try:
        return Asked(
            service=code,
            description=fields.text("description"),
            answers=answers_of(fields.answers(), table.questions_of(code)),
            latitude=fields.number("lat"),
            longitude=fields.number("long"),
            address=address,
            media_url=_url(fields.text("media_url")),
        )
    except ValueError as exc:
        raise not_understood("request", str(exc)) from exc


def request_filter(fields: Fields, now: datetime) -> RequestFilter:
    """Which requests; without a window those of the last 90 days. Numbers of requests override everything else."""
    if ids := fields.several("service_request_id"):
        return RequestFilter(ids=ids[:MOST_IDS])
    start, end = fields.time("start_date"), fields.time("end_date")
    news = fields.time("updated_after")
    if start is None and news is None:
        start = (end or now) - LONGEST_WINDOW
    if start is not None and end is not None:
        _check_window(start, end)
    status = [_choice(RequestStatus, "status", one.lower()) for one in fields.several("status")]
    return RequestFilter(
        services=fields.several("service_code"),
        requested_from=start,
        requested_until=None if end is None else _whole(end),
        news_since=news,
        status=status[0] if len(set(status)) == 1 else None,
    )


def page(fields: Fields) -> tuple[int, int]:
    """How many, and how many are passed over."""
    size = fields.count("page_size", MOST_ON_A_PAGE, MOST_ON_A_PAGE)
    return size, (fields.count("page", 1, 1_000_000) - 1) * size


def window(fields: Fields, now: datetime) -> tuple[datetime, datetime]:
    """Of updates; without one the last day. The second that it ends in is inside, as times are told in seconds."""
    end = fields.time("end_date") or now
    start = fields.time("start_date") or end - timedelta(days=1)
    _check_window(start, end)
    return start.replace(microsecond=0), _whole(end)


def news(fields: Fields, client: str) -> News:
    """An update that another system tells us."""
    update_id = fields.text("update_id") or fields.text("update_id_ext")
    if update_id is None:
        raise not_given("update_id")
    updated_at = fields.time("updated_datetime")
    if updated_at is None:
        raise not_given("updated_datetime")
    status = _choice(UpdateStatus, "status", fields.wanted("status").upper())
    try:
        return News(
            client=client,
            update_id=update_id[:200],
            request=fields.wanted("service_request_id"),
            status=status,
            updated_at=updated_at,
            description=fields.text("description"),
            media_url=_url(fields.text("media_url")),
        )
    except ValueError as exc:
        raise not_understood("update", str(exc)) from exc


def answers_of(given: Mapping[str, tuple[str, ...]], questions: tuple[Question, ...]) -> dict[str, tuple[str, ...]]:
    """Answers to questions that are asked; attributes that nobody asked for are left aside, as other servers do."""
    found: dict[str, tuple[str, ...]] = {}
    for question in questions:
        values = given.get(question.id, ())
        if not values and question.required:
            raise not_given(f"attribute[{question.id}]")
        for value in values:
            _check_answer(question, value)
        if len(values) > 1 and question.datatype is not AnswerType.SEVERAL:
            raise not_understood(f"attribute[{question.id}]", "one answer is wanted")
        if values:
            found[question.id] = values
    return found


def _check_answer(question: Question, value: str) -> None:
    name = f"attribute[{question.id}]"
    if len(value) > MOST_ANSWER:
        raise not_understood(name, f"at most {MOST_ANSWER} characters")
    if question.datatype in LISTS and value not in {one.id for one in question.choices}:
        known = ", ".join(one.id for one in question.choices)
        raise not_understood(name, f"'{value[:40]}' is none of {known}")
    if question.datatype is AnswerType.NUMBER:
        Fields(((name, value),)).number(name)
    if question.datatype is AnswerType.DATETIME:
        Fields(((name, value),)).time(name)


def _choice(kind: type[_Choice], name: str, value: str) -> _Choice:
    try:
        return kind(value)
    except ValueError as exc:
        raise not_understood(name, f"'{value[:40]}' is none of {', '.join(kind)}") from exc


def _url(text: str | None) -> str | None:
    """Kept for people of intake to look at; nobody here fetches it."""
    if text is not None and (
        not text.startswith(("https://", "http://")) or len(text) > 2000 or not text.isprintable()
    ):
        raise not_understood("media_url", "wanted an address that begins with https://")
    return text


def _check_window(start: datetime, end: datetime) -> None:
    if start > end:
        raise not_understood("start_date", "later than end_date")
    if end - start > LONGEST_WINDOW + timedelta(days=1):
        raise not_understood("start_date", f"at most {LONGEST_WINDOW.days} days before end_date")


def _whole(end: datetime) -> datetime:
    return end.replace(microsecond=0) + SECOND - timedelta(microseconds=1)
