"""Where messages go: a YAML file of destinations. Secrets stand in an environment variable or a file, never in it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from roadwarden.service.addresses import Allowance, is_address, why_forbidden
from roadwarden.settings import read_strict_yaml


class Security(StrEnum):
    """Of the connection to a mail server."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Secret(_Strict):
    """Where a secret stands: in an environment variable, or in a file of which the last line break does not count."""

    env: str | None = Field(default=None, min_length=1, description="name of an environment variable")
    file: Path | None = Field(default=None, description="path of a file that only we may read")

    @model_validator(mode="after")
    def _one_of_both(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("wanted one of 'env: NAME' and 'file: PATH'")
        return self


class Retries(_Strict):
    """How long to try: pauses double from the first to the longest, each drawn between its half and itself."""

    first_s: float = Field(default=10.0, gt=0, description="pause after the first failure, seconds")
    longest_s: float = Field(default=3600.0, gt=0, description="longest pause, seconds")
    give_up_after_h: float = Field(
        default=72.0, gt=0, description="hours from the first attempt, after which a message becomes a dead letter"
    )

    @property
    def give_up_after(self) -> timedelta:
        """From the first attempt on."""
        return timedelta(hours=self.give_up_after_h)


class _Destination(_Strict):
    name: str = Field(min_length=1, pattern=r"^[a-z0-9_-]+$", description="lower-case letters, digits, _ and -")
    topics: tuple[str, ...] = Field(
        default=("*",), min_length=1, description="patterns such as 'warning.*' or 'case.closed'"
    )
    timeout_s: float = Field(default=10.0, gt=0, le=300, description="of one step of a connection, seconds")
    retries: Retries = Field(default=Retries(), description="how long to try")

    def wants(self, topic: str) -> bool:
        """Whether a message of that topic is for it."""
        return any(fnmatchcase(topic, pattern) for pattern in self.topics)


class WebhookDestination(_Destination):
    """An HTTP server of somebody else."""

    kind: Literal["webhook"]
    url: str = Field(description="https:// address that takes POST; it is not redirected")
    secret: Secret = Field(description="key of the signature: 16 bytes or more, or whsk_ and an Ed25519 key")
    next_secret: Secret | None = Field(default=None, description="signs as well, while receivers change from one to it")
    allow: tuple[Allowance, ...] = Field(
        default=(), description="for this host: private-address (also loopback), plain-http"
    )

    partner: str | None = Field(
        default=None,
        min_length=1,
        description="whose file says how messages are written; without it as docs/webhooks.md",
    )

    @property
    def allowed(self) -> frozenset[Allowance]:
        """What is refused otherwise."""
        return frozenset(self.allow)

    @model_validator(mode="after")
    def _address(self) -> WebhookDestination:
        if why := _wrong_address(self.url, self.allowed):
            raise ValueError(f"url: {why}")
        return self


class EmailDestination(_Destination):
    """A mail server."""

    kind: Literal["email"]
    host: str = Field(min_length=1, description="name of the mail server")
    port: int = Field(default=587, ge=1, le=65535, description="its port")
    security: Security = Field(default=Security.STARTTLS, description="tls, starttls or none")
    username: str | None = Field(default=None, min_length=1, description="to log in with; none: no login")
    password: Secret | None = Field(default=None, description="to log in with")
    sender: str = Field(min_length=3, pattern=r"^[^@\s]+@[^@\s]+$", description="address that mails come from")
    to: tuple[str, ...] = Field(min_length=1, description="addresses that mails go to")

    @field_validator("to")
    @classmethod
    def _addresses(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [one for one in to if one.count("@") != 1 or any(char.isspace() for char in one)]:
            raise ValueError(f"'{wrong[0]}' is no mail address")
        return to

    @model_validator(mode="after")
    def _login(self) -> EmailDestination:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        if self.username is not None and self.security is Security.NONE:
            raise ValueError("a password does not travel in clear: security must be tls or starttls")
        return self


class FileDestination(_Destination):
    """A file of JSON Lines, for programs on the same machine and for the records."""

    kind: Literal["file"]
    path: Path = Field(description="written to at its end, made where it is missing")


Destination = WebhookDestination | EmailDestination | FileDestination


class Destinations(_Strict):
    """The file."""

    version: Literal["1"] = Field(description="of this file's form")
    destinations: tuple[Annotated[Destination, Field(discriminator="kind")], ...] = Field(
        description="each with a name of its own"
    )

    @model_validator(mode="after")
    def _names(self) -> Destinations:
        names = [one.name for one in self.destinations]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"destination '{min(twice)}' is listed twice")
        return self


def _wrong_address(url: str, allowed: frozenset[Allowance]) -> str | None:
    """What is wrong with the address of a webhook, as far as it can be told without asking for the name."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        return str(exc)
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        return "wanted https://HOST/…"
    if parts.username or parts.password:
        return "no user or password in the address: the signature says who sends"
    if parts.scheme == "http" and Allowance.PLAIN_HTTP not in allowed:
        return f"http:// is read by everybody on the way; write https://, or 'allow: [{Allowance.PLAIN_HTTP}]'"
    return why_forbidden(parts.hostname, allowed) if is_address(parts.hostname) else None


def read_destinations(path: Path) -> tuple[Destination, ...]:
    """The destinations of a file; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, Destinations).destinations
