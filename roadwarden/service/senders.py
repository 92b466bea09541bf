"""One message to one destination: signed HTTP, mail, or a line of a file. Nothing here knows the database."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import json
import os
import secrets
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from roadwarden.cases.event_types import format_time
from roadwarden.errors import ConfigError, DataError, OutputError
from roadwarden.service.addresses import PinnedConnection, Resolve, pinned, resolve
from roadwarden.service.destinations import (
    Destination,
    EmailDestination,
    FileDestination,
    Secret,
    Security,
    WebhookDestination,
)
from roadwarden.service.integrations.outgoing import body_for
from roadwarden.service.integrations.partner import Partner
from roadwarden.settings import read_secret
from roadwarden.storage.outbox import Message
from roadwarden.webhook_signatures import WebhookKey, read_key, signed_headers

ANSWER_BYTES = 2000
PING = "ping"
REFUSED_FOR_GOOD = frozenset({400, 410, 413, 415, 422})
"""The same bytes would be refused again. 401, 403 and 404 are tried again: somebody may be setting the receiver up."""
LONGEST_WISH_S = 86_400.0
ASKING_AND_HEARING = 2
"""Times the time-out of one step: with finding the name that is what a lease of a message allows for."""


class NotDelivered(OutputError):
    """The destination did not take a message; ``final`` where trying again cannot help.

    ``wait_s``: how long it asked us to wait, by Retry-After; 0 where it did not.
    """

    def __init__(self, text: str, *, final: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(text)
        self.final = final
        self.wait_s = wait_s


TheirNumber: TypeAlias = Callable[[str, str], str | None]
"""Of a partner and a case of ours: under which number the partner knows it."""


def _nobody_told(_partner: str, _case: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Words:
    """How a partner is written to."""

    partner: Partner
    theirs: TheirNumber

    def body_of(self, message: Message) -> bytes | None:
        """None where the partner's file says nothing of such a message; raises NotDelivered for unknown codes."""
        try:
            return body_for(self.partner, content_of(message), self.theirs(self.partner.name, message.case))
        except DataError as exc:
            raise NotDelivered(f"partner {self.partner.name}: {exc}", final=True) from exc


class Sender(Protocol):
    """Delivers to one destination."""

    def send(self, message: Message, now: datetime) -> None:
        """Returns once the destination has the message; raises NotDelivered."""
        ...


def sender_of(
    destination: Destination, partners: Mapping[str, Partner] = MappingProxyType({}), theirs: TheirNumber = _nobody_told
) -> Sender:
    """``partners`` and ``theirs``: for destinations that are written to in words of their own.

    Raises ConfigError where a secret is missing or too short, or a partner is not known.
    """
    match destination:
        case WebhookDestination():
            return _Webhook(destination, keys_of(destination), _words_of(destination, partners, theirs))
        case EmailDestination():
            return _Email(destination, _secret(destination.password) if destination.password else None)
        case FileDestination():
            return _Lines(destination)


def _words_of(where: WebhookDestination, partners: Mapping[str, Partner], theirs: TheirNumber) -> Words | None:
    if where.partner is None:
        return None
    if where.partner not in partners:
        known = ", ".join(partners) or "none"
        raise ConfigError(f"destination {where.name}: there is no partner '{where.partner}'; known are: {known}")
    return Words(partners[where.partner], theirs)


def ping_of(now: datetime) -> Message:
    """A message that tells nothing, to try a destination with."""
    text = "a test message of roadwarden; 测试消息"
    return Message(f"ping:{secrets.token_hex(8)}", PING, "", {"title": text}, now)


def keys_of(destination: WebhookDestination) -> tuple[WebhookKey, ...]:
    """One key, or two while receivers change over. Raises ConfigError that names the destination."""
    places = (destination.secret, *((destination.next_secret,) if destination.next_secret else ()))
    try:
        keys = tuple(read_key(_secret(place)) for place in places)
        signed_headers(keys, "", datetime.fromtimestamp(0, UTC), b"")
    except ConfigError as exc:
        raise ConfigError(f"destination {destination.name}: {exc}") from exc
    return keys


def body_of(message: Message) -> bytes:
    """What is sent and signed: the same bytes at every attempt."""
    return json.dumps(content_of(message), ensure_ascii=False, sort_keys=True).encode()


def content_of(message: Message) -> dict[str, Any]:
    """What is told."""
    return {
        "id": message.key,
        "topic": message.topic,
        "case": message.case,
        "created_at": format_time(message.created_at),
        "data": dict(message.payload),
    }


@dataclass(frozen=True, slots=True)
class _Webhook:
    destination: WebhookDestination
    keys: tuple[WebhookKey, ...]
    words: Words | None = None
    resolved: Resolve = resolve

    def send(self, message: Message, now: datetime) -> None:
        plain = self.words is None or message.topic == PING
        body = body_of(message) if plain or self.words is None else self.words.body_of(message)
        if body is None:
            return
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "roadwarden",
            "Idempotency-Key": _ascii(message.key),
            **signed_headers(self.keys, _ascii(message.key), now, body),
        }
        try:
            status, answer, wait_s = self._post(body, headers)
        except (OSError, http.client.HTTPException, UnicodeError) as exc:
            raise NotDelivered(f"no answer: {type(exc).__name__}: {exc}") from exc
        if not 200 <= status < 300:
            raise NotDelivered(f"answered {status}: {answer}", final=status in REFUSED_FOR_GOOD, wait_s=wait_s)

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, float]:
        """Redirects are not followed, and no proxy is asked: whoever is named in the file gets it, or nobody."""
        parts = urlsplit(self.destination.url)
        tls = ssl.create_default_context() if parts.scheme == "https" else None
        host, port = str(parts.hostname), parts.port or (80 if tls is None else 443)
        address = pinned(host, port, self.destination.allowed, self.resolved)
        connection = PinnedConnection(host, port, address, self.destination.timeout_s, tls)
        with _ended_after(connection, ASKING_AND_HEARING * self.destination.timeout_s):
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, headers)
            response = connection.getresponse()
            answer = response.read(ANSWER_BYTES).decode("utf-8", "replace")[:200]
            return response.status, answer, _seconds(response.getheader("Retry-After"))


@contextmanager
def _ended_after(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """A time-out is of one step; who answers a byte a second would hold us for ever."""

    def end() -> None:
        with suppress(OSError):
            if connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        connection.close()


@dataclass(frozen=True, slots=True)
class _Email:
    destination: EmailDestination
    password: str | None

    def send(self, message: Message, now: datetime) -> None:
        mail = self._mail(message, now)
        try:
            with self._connect() as server:
                refused = server.send_message(mail, self.destination.sender, list(self.destination.to))
        except (OSError, smtplib.SMTPException) as exc:
            raise NotDelivered(self._without_password(f"{type(exc).__name__}: {exc}"), final=_permanent(exc)) from exc
        if refused:
            raise NotDelivered(f"refused for {', '.join(sorted(refused))}; the others have it", final=True)

    def _connect(self) -> smtplib.SMTP:
        where, context = self.destination, ssl.create_default_context()
        if where.security is Security.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(where.host, where.port, timeout=where.timeout_s, context=context)
        else:
            server = smtplib.SMTP(where.host, where.port, timeout=where.timeout_s)
        try:
            if where.security is Security.STARTTLS:
                server.starttls(context=context)
            if where.username is not None and self.password is not None:
                server.login(where.username, self.password)
        except BaseException:
            server.close()
            raise
        return server

    def _mail(self, message: Message, now: datetime) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self.destination.sender
        mail["To"] = ", ".join(self.destination.to)
        mail["Subject"] = " ".join(f"{message.case}: {subject_of(message)}".split())
        mail["Date"] = now
        name = hashlib.sha256(message.key.encode()).hexdigest()[:32]
        mail["Message-ID"] = f"<{name}@{self.destination.sender.partition('@')[2]}>"  # the same at every attempt
        mail["Idempotency-Key"] = _ascii(message.key)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
        mail.set_content(_text_of(message))
        return mail

    def _without_password(self, text: str) -> str:
        return text.replace(self.password, "***") if self.password else text


@dataclass(frozen=True, slots=True)
class _Lines:
    destination: FileDestination

    def send(self, message: Message, now: datetime) -> None:
        """One line, whole and on the disk, or none: what a crash or a full disk left of a line is cut off."""
        line = body_of(message) + b"\n"
        try:
            self.destination.path.parent.mkdir(parents=True, exist_ok=True)
            with self.destination.path.open("a+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # another scheduler may write to it
                _append_whole(file, line)
        except OSError as exc:
            raise NotDelivered(f"{self.destination.path}: cannot be written: {exc.strerror or exc}") from exc


def _append_whole(file: Any, line: bytes) -> None:
    end = _end_of_whole_lines(file)
    file.truncate(end)
    try:
        file.seek(end)
        if file.write(line) != len(line):
            raise OSError("only a part of the line was written: is the disk full?")
        os.fsync(file.fileno())
    except OSError:
        file.truncate(end)
        raise


def _end_of_whole_lines(file: Any, step: int = 4096) -> int:
    end = int(file.seek(0, os.SEEK_END))
    while end > 0:
        start = max(0, end - step)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + int(found) + 1
        end = start
    return 0


def subject_of(message: Message) -> str:
    """A line for people."""
    return str(message.payload.get("title") or message.topic)


def _text_of(message: Message) -> str:
    words = str(message.payload.get("text") or subject_of(message))
    details = json.dumps(dict(message.payload), ensure_ascii=False, indent=2, sort_keys=True)
    return f"{words}\n\n{details}\n"


def _permanent(exc: Exception) -> bool:
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in exc.recipients.values())
    return isinstance(exc, smtplib.SMTPResponseException) and exc.smtp_code >= 550


def _seconds(retry_after: str | None) -> float:
    """Of a Retry-After header; dates and nonsense count as nothing said."""
    return (
        min(float(retry_after), LONGEST_WISH_S)
        if retry_after and retry_after.isascii() and retry_after.isdigit()
        else 0.0
    )


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()


def _secret(place: Secret) -> str:
    return read_secret(place.env, place.file)
