"""The operations of the API. Every one of them is compared with the OpenAPI document of the server by a test."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from roadwarden.client.errors import ApiError
from roadwarden.client.times import ServerTime, time_of
from roadwarden.client.transport import Answer, Http, Patient, Request, Send

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
Told = dict[str, Any]


class Step(StrEnum):
    """What may happen to a case, as the last part of its path."""

    DISPATCH = "dispatch"
    ACCEPT = "accept"
    START = "start"
    REPORT = "report"
    MEND = "mend"
    ASSESS = "assess"
    ASK_EVIDENCE = "ask-evidence"
    CLOSE = "close"
    REOPEN = "reopen"
    RESUME = "resume"
    SEVERITY = "severity"
    SAFETY = "safety"
    HANDBACK = "handback"
    TRANSFER = "transfer"
    MERGE = "merge"
    UNMERGE = "unmerge"


@dataclass(frozen=True, slots=True)
class Seen:
    """A case as it was seen; ``version`` is what a step on it names."""

    case: str
    version: int
    told: Told


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command. ``repeated``: it had been done before under the same key."""

    case: str
    version: int
    repeated: bool
    told: Told


class Client:
    """Of one server. Reads are tried again by themselves; writes too, each under one idempotency key.

    Raises ApiError and what is below it, see ``roadwarden.client.errors``.
    """

    def __init__(
        self, url: str, token: str | None = None, *, send: Send | None = None, timeout_s: float = 30.0
    ) -> None:
        """``url``: https, or this machine, because a token passes; ``send``: another way to send, for tests."""
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and (parts.hostname in LOOPBACK or send)):
            raise ApiError(f"{url}: wanted https; over http anybody on the way reads the token")
        self._url = url.rstrip("/")
        self._token = token
        self._send: Send = Patient(send or Http(timeout_s)) if not isinstance(send, Patient) else send

    def cases(self, **filters: Any) -> Iterator[Told]:
        """All cases that one may see and the filters hold for, page by page: area, state, open, overdue, order …"""
        return self._pages("/api/v1/cases", filters)

    def case(self, case: str, *, personal: bool = False) -> Seen:
        """One case with its clocks and events. ``personal``: with names and free text, which is written down."""
        told = self._get(f"/api/v1/cases/{quote(case, safe='')}", {"personal": personal} if personal else {})
        return Seen(told["case"]["case_id"], told["case"]["version"], told)

    def file(self, key: str | None = None, **data: Any) -> Done:
        """立案. ``data``: distress, severity, area, latitude, longitude …"""
        return self._write("/api/v1/cases", data, key)

    def do(self, seen: Seen | Done, step: Step, key: str | None = None, **data: Any) -> Done:
        """A step of the workflow on a case as it was seen. Raises Moved where it has moved on since."""
        place = f"/api/v1/cases/{quote(seen.case, safe='')}/{step}"
        return self._write(place, data, key, {"If-Match": f'"{seen.version}"'})

    def wish(self, seen: Seen | Done, type: str, data: Mapping[str, Any], key: str | None = None) -> Told:
        """What somebody else has to approve: parked, extended, voided, severity_changed down, time_accepted."""
        place = f"/api/v1/cases/{quote(seen.case, safe='')}/wishes"
        headers = {"If-Match": f'"{seen.version}"'}
        return self._json(self._post(place, {"type": type, "data": dict(data)}, key, headers))

    def approve(self, wish: str, version: int, key: str | None = None) -> Done:
        """Approves a wish of somebody else, on the case at that version."""
        return self._write(f"/api/v1/wishes/{quote(wish, safe='')}/approve", {}, key, {"If-Match": f'"{version}"'})

    def wishes(self, **filters: Any) -> list[Told]:
        """Those that one may see; ``state``: waiting, approved, refused."""
        return list(self._get("/api/v1/wishes", filters)["items"])

    def defects(self, **filters: Any) -> Iterator[Told]:
        """Defects of the map, page by page: type, severity, presence, segment."""
        return self._pages("/api/v1/defects", filters)

    def segments(self) -> Iterator[Told]:
        """Roads between two junctions, page by page."""
        return self._pages("/api/v1/segments", {})

    def kpi(self, since: str, until: str) -> Told:
        """The figures of a period; days such as 2026-03-01."""
        return self._get("/api/v1/kpi", {"from": since, "to": until})

    def me(self) -> Told:
        """Whose token it is, and what it opens."""
        return self._get("/api/v1/me", {})

    def bundle(self, case: str, out: Path, *, personal: bool = False) -> Path:
        """The evidence bundle of a case, into a file; 'roadwarden ledger verify' checks it without the server."""
        query = {"personal": personal} if personal else {}
        out.write_bytes(self._ask("GET", f"/api/v1/cases/{quote(case, safe='')}/bundle", query).body)
        return out

    def time(self, trusted: str | None = None) -> ServerTime:
        """The server's time, checked: signed for a number that we have just drawn. Raises Untrusted."""
        nonce = secrets.token_hex(16)
        return time_of(self._get("/api/v1/time", {"nonce": nonce}), nonce, trusted)

    def _pages(self, path: str, filters: Mapping[str, Any]) -> Iterator[Told]:
        after: str | None = None
        while True:
            page = self._get(path, {**filters, "after": after})
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def _get(self, path: str, query: Mapping[str, Any]) -> Told:
        return self._json(self._ask("GET", path, query))

    def _write(
        self, path: str, body: Mapping[str, Any], key: str | None, headers: Mapping[str, str] | None = None
    ) -> Done:
        told = self._json(self._post(path, body, key, headers or {}))
        return Done(told["case_id"], told["version"], told["repeated"], told)

    def _post(self, path: str, body: Mapping[str, Any], key: str | None, headers: Mapping[str, str]) -> Answer:
        own = {"Idempotency-Key": key or secrets.token_urlsafe(24), "Content-Type": "application/json"}
        told = json.dumps({name: one for name, one in body.items() if one is not None}, ensure_ascii=False)
        return self._ask("POST", path, {}, told.encode(), {**own, **headers})

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        asked = {name: _text(one) for name, one in query.items() if one is not None}
        url = f"{self._url}{path}" + (f"?{urlencode(asked)}" if asked else "")
        own = {"Accept": "application/json", "User-Agent": "roadwarden-client"}
        if self._token:
            own["Authorization"] = f"Bearer {self._token}"
        return self._send(Request(method, url, {**own, **(headers or {})}, body))

    def _json(self, answer: Answer) -> Told:
        try:
            told = json.loads(answer.body)
        except ValueError as exc:
            raise ApiError("the server's answer is no JSON", answer.status) from exc
        if not isinstance(told, dict):
            raise ApiError("the server's answer is no JSON object", answer.status)
        return told


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
