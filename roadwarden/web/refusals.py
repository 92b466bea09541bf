"""What rules and services refuse, told in the reader's language.

They say it in English, which is what is kept and what programs get; ``words/refusals.yaml`` says it again for pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

import yaml

from roadwarden.taxonomy import Language
from roadwarden.web.words import words_of

_HOLE: Final = re.compile(r"\{(\w+)\}")
_WORD: Final = r"[\w.]+"
_LIST: Final = rf"{_WORD}(?:(?:, | and ){_WORD})*"
_WORDS_OF: Final = {
    "clock": "clock",
    "event": "event",
    "right": "right",
    "rights": "right",
    "role": "role",
    "roles": "role",
    "severity": "severity",
    "state": "state",
}
"""Holes that words of the pages fill, by the beginning of their keys; those that end with s are lists."""

_NAMES: Final = frozenset({"area", "areas", "held", "mine", "way"})
"""Holes with ids of areas, departments and crews, or with a word that no page has."""

_BETWEEN: Final = re.compile(r", crew |, | and | (?!department\))")

_SENTENCES: Final = frozenset({"why"})
_LONGEST: Final = 2000
_MOST_JOINED: Final = 12
"""Nobody reads more, and every hole may be anywhere in a text: what a stranger sends is not to keep us searching."""

NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})


def in_language(text: str, language: Language, named: Mapping[str, str] = NO_NAMES) -> str:
    """The sentence for a reader; one that nobody has put into his language stays as it is.

    ``named``: what areas, departments and crews are called (``words.named_offices``).
    """
    if language is Language.ENGLISH or len(text) > _LONGEST:
        return text
    return _whole(text, named) or _joined(text, named) or text


def _whole(text: str, named: Mapping[str, str]) -> str | None:
    for one in _table().sentences:
        if found := one.pattern.fullmatch(text):
            return one.chinese.format(**{hole: _filled(hole, said, named) for hole, said in found.groupdict().items()})
    return None


def _joined(text: str, named: Mapping[str, str]) -> str | None:
    """Reasons of several roles, one after the other; a reason may itself have a semicolon."""
    parts = text.split("; ", _MOST_JOINED)
    for taken in range(len(parts) - 1, 0, -1):
        if head := _whole("; ".join(parts[:taken]), named):
            rest = "; ".join(parts[taken:])
            return f"{head}；{_whole(rest, named) or _joined(rest, named) or rest}"
    return None


def _filled(hole: str, said: str, named: Mapping[str, str]) -> str:
    if hole in _SENTENCES:
        return in_language(said, Language.CHINESE, named)
    if hole not in _WORDS_OF and hole not in _NAMES:
        return said
    own = _table().words
    if said in own:
        return own[said]
    prefix = _WORDS_OF.get(hole)
    known = named if prefix is None else words_of(Language.CHINESE).below(f"{prefix}.")
    key = "" if prefix is None else f"{prefix}."
    return "、".join(known.get(key + one, one) for one in _BETWEEN.split(said))


@dataclass(frozen=True, slots=True)
class _Sentence:
    pattern: re.Pattern[str]
    chinese: str


@dataclass(frozen=True, slots=True)
class _Table:
    sentences: tuple[_Sentence, ...]
    words: Mapping[str, str]  # of holes that no catalogue has


@cache
def _table() -> _Table:
    """The sentence that says most by itself is tried first."""
    told = yaml.safe_load((resources.files("roadwarden.web.words") / "refusals.yaml").read_text(encoding="utf-8"))
    order = sorted(told["sentences"], key=lambda english: -len(_HOLE.sub("", english)))
    return _Table(tuple(_Sentence(_pattern(one), told["sentences"][one]) for one in order), told["words"])


def _pattern(english: str) -> re.Pattern[str]:
    pieces = _HOLE.split(english)  # text, hole, text, hole, ..., text
    holes = [f"(?P<{hole}>{_holds(hole)})" for hole in pieces[1::2]]
    texts = list(map(re.escape, pieces[::2]))
    return re.compile("".join(a + b for a, b in zip(texts, [*holes, ""], strict=True)), re.DOTALL)


def _holds(hole: str) -> str:
    if hole not in _WORDS_OF:
        return ".+?"
    return _LIST if hole.endswith("s") else _WORD
