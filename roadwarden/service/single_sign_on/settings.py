"""The file that says which server vouches for people, and what its groups mean here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from roadwarden.cases.event_types import Role
from roadwarden.service.destinations import Secret
from roadwarden.service.integrations.fields import MISSING, Strict, look
from roadwarden.settings import read_strict_yaml

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Algorithm(StrEnum):
    """Of signatures of ID tokens: public keys only, never a shared secret or none."""

    RS256 = "RS256"
    PS256 = "PS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"


class GroupRow(Strict):
    """What a group of theirs means here."""

    group: str = Field(min_length=1, description="as it stands in the claim")
    role: Role = Field(description="that its members have")
    areas: tuple[str, ...] = Field(default=(), description="ids of areas; '*' for all")
    department: str | None = Field(default=None, description="of a crew")
    crew: str | None = Field(default=None, description="of that department")


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is here by his groups there."""

    roles: frozenset[Role] = frozenset()
    areas: frozenset[str] = frozenset()
    department: str | None = None
    crew: str | None = None


class SignOnSettings(Strict):
    """The file."""

    version: Literal["1"] = Field(description="of this file's form")
    english: str = Field(min_length=1, description="what the button says")
    chinese: str = Field(min_length=1, description="the same in Chinese")
    issuer: str = Field(description="https address of the server, as its tokens have it")
    client_id: str = Field(min_length=1, description="our name there")
    client_secret: Secret | None = Field(default=None, description="ours there; none: a public client, PKCE alone")
    scopes: tuple[str, ...] = Field(default=("openid", "profile"), description="that are asked for")
    algorithms: tuple[Algorithm, ...] = Field(default=tuple(Algorithm), min_length=1, description="of its signatures")
    groups: str = Field(default="groups", min_length=1, description="place of the groups in the claims")
    user_name: str = Field(default="preferred_username", min_length=1, description="place of a name for a new account")
    display_name: str = Field(default="name", min_length=1, description="place of the name that people read")
    roles: tuple[GroupRow, ...] = Field(min_length=1, description="who is in none of these groups is not let in")

    @model_validator(mode="after")
    def _check(self) -> SignOnSettings:
        parts = urlsplit(self.issuer)
        if parts.query or parts.fragment or not parts.hostname:
            raise ValueError("issuer: wanted https://HOST/…")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError("issuer: wanted https; http is for a server on this machine")
        if "openid" not in self.scopes:
            raise ValueError("scopes: openid has to be among them")
        return self

    def standing(self, claims: Mapping[str, Any]) -> Standing:
        """What the groups in the claims make of somebody; nothing where none of them is listed here."""
        told = look(claims, self.groups)
        names = {told} if isinstance(told, str) else {*map(str, told)} if isinstance(told, list) else set()
        rows = [row for row in self.roles if row.group in names]
        return Standing(
            frozenset(row.role for row in rows),
            frozenset(area for row in rows for area in row.areas),
            next((row.department for row in rows if row.department), None),
            next((row.crew for row in rows if row.crew), None),
        )

    def told(self, claims: Mapping[str, Any], place: str) -> str:
        """A text of the claims; empty where there is none."""
        found = look(claims, place)
        return "" if found is MISSING else str(found).strip()


def read_sign_on(path: Path) -> SignOnSettings:
    """Raises ConfigError that lists every fault."""
    return read_strict_yaml(path, SignOnSettings)
