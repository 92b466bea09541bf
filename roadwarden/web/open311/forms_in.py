"""What clients send: fields by name, out of a query, a form or XML, all strictly bounded."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from roadwarden.cases.event_types import parse_text, parse_time
from roadwarden.web.open311.faults import Open311Fault, not_given, not_understood

MOST_FIELDS: Final = 200
MOST_BYTES: Final = 64 * 1024
"""Of a form or an XML body; pictures come as multipart."""
_ATTRIBUTE: Final = re.compile(r"attribute\[([A-Za-z0-9_.-]{1,64})\](?:\[\])?")
_REQUESTS: Final = frozenset({"service_requests", "request", "service_request", "request_update"})
_UPDATES: Final = frozenset({"service_request_updates", "request_update"})


@dataclass(frozen=True, slots=True)
class Fields:
    """Names and values as they came; an empty value is as if it had not been sent (GeoReport v2)."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Fields:
        """Raises Open311Fault for text that no store holds."""
        kept = tuple((name, value) for name, value in pairs if value.strip())
        for name, value in kept:
            try:
                parse_text(value)
            except ValueError as exc:
                raise not_understood(name, str(exc)) from exc
        return cls(kept)

    def text(self, name: str) -> str | None:
        """The first value."""
        return next((value.strip() for key, value in self.pairs if key == name), None)

    def wanted(self, name: str) -> str:
        """The first value; raises Open311Fault where there is none."""
        value = self.text(name)
        if value is None:
            raise not_given(name)
        return value

    def several(self, name: str) -> tuple[str, ...]:
        """All of them, those with commas taken apart."""
        values = (part.strip() for key, value in self.pairs if key == name for part in value.split(","))
        return tuple(dict.fromkeys(part for part in values if part))

    def number(self, name: str) -> float | None:
        """Raises Open311Fault for what is none."""
        value = self.text(name)
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise not_understood(name, f"'{value[:40]}' is no number")
        return number

    def count(self, name: str, otherwise: int, most: int) -> int:
        """A whole number from 1; one beyond ``most`` is ``most``."""
        value = self.text(name)
        if value is None:
            return otherwise
        if not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) < 1:
            raise not_understood(name, f"'{value[:40]}' is no whole number from 1")
        return min(int(value), most)

    def time(self, name: str) -> datetime | None:
        """W3C's form of ISO 8601, always with its offset."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return parse_time(value)
        except ValueError as exc:
            raise not_understood(name, f"{exc}") from exc

    def answers(self) -> dict[str, tuple[str, ...]]:
        """``attribute[code]=value``, and ``attribute[code][]=value`` several times."""
        found: dict[str, list[str]] = {}
        for name, value in self.pairs:
            if match := _ATTRIBUTE.fullmatch(name):
                found.setdefault(match.group(1), []).append(value.strip())
        return {name: tuple(values) for name, values in found.items()}


def of_form(body: bytes) -> Fields:
    """``application/x-www-form-urlencoded``."""
    _bounded(body)
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except UnicodeDecodeError as exc:
        raise not_understood("body", "not UTF-8") from exc
    except ValueError as exc:
        raise not_understood("body", f"at most {MOST_FIELDS} fields") from exc
    return Fields.of(pairs)


def of_xml(body: bytes) -> Fields:
    """The fields as elements of ``request`` or ``request_update``, alone or within their list.

    Attributes of a service are ``attributes/attribute`` with ``code`` and ``value``. No DTD, no entities: raises
    Open311Fault for them, and for whatever is not well-formed.
    """
    _bounded(body)
    try:
        root = fromstring(body, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as exc:
        raise not_understood("body", "XML with a DTD or entities is not read") from exc
    except (ParseError, ValueError, LookupError) as exc:
        raise not_understood("body", "not well-formed XML in UTF-8") from exc
    if root.tag not in _REQUESTS | _UPDATES:
        raise not_understood("body", f"wanted <request> or <request_update>, found <{root.tag[:40]}>")
    single = root[0] if root.tag in {"service_requests", "service_request_updates"} and len(root) == 1 else root
    if len(list(root.iter())) > MOST_FIELDS * 3:
        raise not_understood("body", f"at most {MOST_FIELDS} fields")
    return Fields.of(_pairs(single))


def _pairs(element: Element) -> Sequence[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for child in element:
        if child.tag == "attributes":
            found += [pair for one in child for pair in _attribute(one)]
        elif len(child):
            raise not_understood(child.tag[:40], "elements within it are not understood")
        else:
            found.append((child.tag, child.text or ""))
    return found


def _attribute(element: Element) -> list[tuple[str, str]]:
    code = element.findtext("code") or element.get("code") or ""
    values = [one.text or "" for one in element.findall("value")] or [element.text or ""]
    return [(f"attribute[{code}]", value) for value in values]


def _bounded(body: bytes) -> None:
    if len(body) > MOST_BYTES:
        raise Open311Fault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has {len(body)} bytes; at most {MOST_BYTES}")
