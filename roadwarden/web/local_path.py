"""Paths of our own, so that no link to us sends anybody elsewhere."""

from __future__ import annotations


def local(then: str) -> str:
    """The path if it is one of ours, else the first page."""
    plain = then.startswith("/") and not then.startswith(("//", "/\\")) and then.isprintable() and "\\" not in then
    return then if plain else "/"
