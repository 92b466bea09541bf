"""Every word of the pages, one catalogue a language; templates and modules name a word by its key."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import yaml

from roadwarden.cases.dispatch_table import DispatchTable
from roadwarden.taxonomy import DistressType, Language, names


class Words:
    """Of one language: ``w("map.title")``, ``w("common.failed", why=...)``."""

    def __init__(self, language: Language, words: Mapping[str, str]) -> None:
        self.language = language
        self._words = words

    def __call__(self, key: str, /, **values: object) -> str:
        """Raises KeyError for a key that no catalogue has: a test asks for all that are named anywhere."""
        text = self._words[key]
        return text.format(**values) if values else text

    def of(self, prefix: str, key: str) -> str:
        """The word of what a city's tables name; the name itself where no catalogue has it: an old table may have."""
        return self._words.get(f"{prefix}.{key}", key)

    def more(self, words: Mapping[str, str]) -> Words:
        """With words that are a city's own."""
        return Words(self.language, {**self._words, **words})

    def below(self, *prefixes: str) -> dict[str, str]:
        """The words whose keys begin with one of the prefixes: what a module is handed."""
        return {key: text for key, text in self._words.items() if key.startswith(prefixes)}


@cache
def words_of(language: Language) -> Words:
    """The catalogue of a language, with the names of all types of distress under ``type.``."""
    text = (resources.files("roadwarden.web.words") / f"{language.value}.yaml").read_text(encoding="utf-8")
    named = {f"type.{kind.value}": names(kind, language) for kind in DistressType}
    return Words(language, MappingProxyType(dict(_flat("", yaml.safe_load(text))) | named))


def named_offices(table: DispatchTable, language: Language) -> dict[str, str]:
    """What areas, departments, crews and owners are called; their ids are for programs."""
    rows = (*table.areas, *table.departments, *table.crews, *table.owners)
    return {one.id: one.chinese if language is Language.CHINESE else one.english for one in rows}


def _flat(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [
            pair for key, inner in value.items() for pair in _flat(f"{prefix}.{key}" if prefix else str(key), inner)
        ]
    return [(prefix, str(value))]
