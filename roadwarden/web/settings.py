"""How a server is set up."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

KIB = 1024
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", "testserver"})


class WebSettings(BaseModel):
    """Strict; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    public_url: str = Field(default="http://127.0.0.1:8000", description="where people reach the server")
    more_hosts: tuple[str, ...] = Field(default=(), description="other names under which it may be asked")
    plain_http: bool = Field(default=False, description="accept passwords over plain http beyond this machine")
    body_bytes: int = Field(default=256 * KIB, ge=KIB, description="largest body, where a path says nothing else")
    upload_bytes: int = Field(default=24 * KIB * KIB, ge=KIB, description="largest body of paths that take pictures")
    per_second: float = Field(default=50, gt=0, description="requests a second of one caller, for long")
    burst: int = Field(default=200, ge=1, description="requests of one caller at once")
    anonymous_per_second: float = Field(default=5, gt=0, description="of one address that says not who it is")
    anonymous_burst: int = Field(default=40, ge=1, description="of such an address at once")
    reports_per_hour: float = Field(default=30, gt=0, description="reports of citizens of one address, for long")
    reports_at_once: int = Field(default=10, ge=1, description="such reports at once")
    follows_per_hour: float = Field(default=240, gt=0, description="looks at reports by number of one address")
    follows_at_once: int = Field(default=30, ge=1, description="such looks at once")
    threads: int = Field(default=4, ge=1, le=64, description="requests that are worked on at once")

    @field_validator("public_url")
    @classmethod
    def _url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise ValueError("wanted an address such as https://roads.example.org")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if not self.is_https and not self.plain_http and urlsplit(self.public_url).hostname not in LOOPBACK:
            raise ValueError("passwords and tokens would pass in the clear: give an https address, or say plain_http")
        return self

    @property
    def is_https(self) -> bool:
        """Whether browsers reach us by https, be it through a proxy."""
        return self.public_url.startswith("https://")

    @property
    def hosts(self) -> frozenset[str]:
        """Names in the Host header that are ours."""
        own = urlsplit(self.public_url).hostname or ""
        more = LOOPBACK if own in LOOPBACK else frozenset()
        return frozenset({own, *self.more_hosts}) | more
