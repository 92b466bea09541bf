"""Around every request, as plain ASGI: an id, under which name it asks, how much it sends, what browsers are told."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import HTTPException, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roadwarden.web.problems import MEDIA_TYPE, in_words_of_page
from roadwarden.web.settings import WebSettings

logger = logging.getLogger(__name__)

CSP: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",  # MapLibre draws in a worker that it makes
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
FAULT: Final = "a fault of ours: give the id of this request to the server's people"
HSTS: Final = "max-age=31536000"
TAKES_UPLOADS: Final = ("/api/v1/evidence", "/open311/", "/report", "/crew/")
"""Paths below which pictures are sent."""


class TooLarge(HTTPException):
    """More was sent than may be. FastAPI, reading a body, lets no other exception through."""

    def __init__(self, most: int) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"send at most {most} bytes")


class Guard:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id, https=self._settings.is_https)
        headers = {name.lower(): value for name, value in scope["headers"]}
        if not self._is_ours(headers.get(b"host", b"")):
            await answer.refuse(HTTPStatus.MISDIRECTED_REQUEST, "the server is not asked under that name")
            return
        most = self._most(scope["path"])
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > most:
            said = in_words_of_page(Request(scope), f"send at most {most} bytes")
            await answer.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
            return
        try:
            await self._app(scope, _counted(receive, most), answer)
        except Exception:
            logger.exception("request %s %s failed", request_id, scope["path"])
            if not answer.begun:
                await answer.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, in_words_of_page(Request(scope), FAULT))

    def _is_ours(self, host: bytes) -> bool:
        name = host.decode("latin-1").lower()
        name = name[1 : name.find("]")] if name.startswith("[") else name.rsplit(":", 1)[0] if ":" in name else name
        return name in self._settings.hosts

    def _most(self, path: str) -> int:
        large = path.startswith(TAKES_UPLOADS)
        return self._settings.upload_bytes if large else self._settings.body_bytes


class _Answer:
    """Puts the headers on whatever is sent."""

    def __init__(self, send: Send, request_id: str, *, https: bool) -> None:
        self._send, self._request_id, self._https = send, request_id, https
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
            headers["x-request-id"] = self._request_id
            if self._https:
                headers["strict-transport-security"] = HSTS
        await self._send(message)

    async def refuse(self, status: HTTPStatus, detail: str) -> None:
        told = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
        body = json.dumps(told | {"request": self._request_id}).encode()
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        headers.append((b"connection", b"close"))
        await self({"type": "http.response.start", "status": int(status), "headers": headers})
        await self({"type": "http.response.body", "body": body})


def _counted(receive: Receive, most: int) -> Receive:
    """Also where no length was told."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > most:
                raise TooLarge(most)
        return message

    return counted
