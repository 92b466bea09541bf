"""One structure as XML or as JSON, by the convention of GeoReport v2: the XML names what JSON leaves unnamed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final
from xml.etree import ElementTree  # writes only; what comes in is read by defusedxml


class Format(StrEnum):
    """The ending of a path."""

    XML = "xml"
    JSON = "json"


CONTENT_TYPES: Final[Mapping[Format, str]] = {
    Format.XML: "text/xml; charset=utf-8",
    Format.JSON: "application/json; charset=utf-8",
}
_ITEMS: Final[Mapping[str, str]] = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
"""What one of a list is called."""
_NOT_IN_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def rendered(root: str, content: Any, form: Format) -> bytes:
    """Mappings, lists, text, numbers, True, False and None, in UTF-8."""
    if form is Format.JSON:
        return json.dumps(content, ensure_ascii=False).encode()
    element = _element(root, content)
    text: bytes = ElementTree.tostring(element, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + text.removeprefix(b"<?xml version='1.0' encoding='utf-8'?>\n")


def _element(name: str, content: Any) -> ElementTree.Element:
    element = ElementTree.Element(name)
    if isinstance(content, Mapping):
        element.extend(_element(key, value) for key, value in content.items())
    elif isinstance(content, list | tuple):
        element.extend(_element(_ITEMS[name], one) for one in content)
    elif isinstance(content, bool):
        element.text = "true" if content else "false"
    elif content is not None:
        element.text = _NOT_IN_XML.sub("\ufffd", str(content))
    return element
