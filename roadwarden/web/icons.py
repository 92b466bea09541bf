"""Icons drawn by hand, ``icons.yaml``: lines on a grid of 24, in the colour of their text."""

from __future__ import annotations

from functools import cache
from importlib import resources

import yaml
from markupsafe import Markup


@cache
def icons() -> dict[str, str]:
    """Name to path."""
    text = (resources.files("roadwarden.web") / "icons.yaml").read_text(encoding="utf-8")
    return {str(name): str(path) for name, path in yaml.safe_load(text).items()}


def icon(name: str) -> Markup:
    """As part of a page; it says nothing to a screen reader, so the words stand beside it."""
    return Markup(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{}"/></svg>'
    ).format(icons()[name])
