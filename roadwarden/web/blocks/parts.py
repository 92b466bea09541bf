"""The kinds of blocks: facts, a table, a chart, a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from roadwarden.cases.kpi_values import Share
from roadwarden.cases.tables import Words
from roadwarden.taxonomy import Language
from roadwarden.web.definitions import definitions
from roadwarden.web.refusals import in_language
from roadwarden.web.words import words_of

Block = dict[str, Any]
NOTHING = "–"


class Tone(StrEnum):
    """How a figure is coloured; what the colour says stands beside it in words."""

    PLAIN = ""
    GOOD = "green"
    WATCH = "yellow"
    BAD = "red"


@dataclass(frozen=True, slots=True)
class Column:
    """Of a table; ``key`` is that of the rows, and of the CSV file."""

    key: str
    label: str
    show: Callable[[Any], str] = lambda value: NOTHING if value is None else str(value)
    number: bool = False
    link: Callable[[Mapping[str, Any]], str | None] = lambda _row: None


@dataclass(frozen=True, slots=True)
class Teller:
    """Words and numbers in one language."""

    language: Language
    offices: Mapping[str, Words] = field(default_factory=dict)  # departments, crews and areas by id

    def __call__(self, key: str, /, **values: object) -> str:
        """A word of the pages."""
        return words_of(self.language)(key, **values)

    def of(self, words: Words) -> str:
        """The half of a pair."""
        return words.chinese if self.language is Language.CHINESE else words.english

    def word(self, prefix: str, key: str) -> str:
        """The word of an enum's value; the value itself where it has none."""
        return words_of(self.language).of(prefix, key)

    def office(self, key: str) -> str:
        """What a department, crew or area is called; its id where the city's table does not know it."""
        return self.of(self.offices[key]) if key in self.offices else key

    def refusal(self, text: str) -> str:
        """What a rule says, which it says in English."""
        return in_language(text, self.language, {key: self.of(words) for key, words in self.offices.items()})

    def name(self, key: str) -> str:
        """What a figure is called."""
        return definitions()[key].name(self.language)


def fact(t: Teller, key: str, value: str, note: str = "", tone: Tone = Tone.PLAIN) -> Block:
    """One figure; its name leads to its definition."""
    return {"key": key, "label": t.name(key), "value": value, "note": note, "tone": tone.value}


def facts(title: str, items: Sequence[Block]) -> Block:
    """Figures side by side."""
    return {"kind": "facts", "title": title, "items": list(items)}


def text(said: str, tone: Tone = Tone.PLAIN) -> Block:
    """A sentence."""
    return {"kind": "text", "text": said, "tone": tone.value}


def table(
    name: str, title: str, columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], note: str = "", most: int = 200
) -> Block:
    """Rows as they are shown; the CSV file of that name has all of them."""
    every = list(rows)
    shown = [[{"text": c.show(row[c.key]), "href": c.link(row)} for c in columns] for row in every[:most]]
    heads = [{"label": column.label, "number": column.number} for column in columns]
    left_out = max(0, len(every) - most)
    return {
        "kind": "table", "name": name, "title": title, "columns": heads, "rows": shown, "note": note, "more": left_out,
    }  # fmt: skip


def chart(
    name: str, title: str, says: str, traces: Sequence[Block], layout: Mapping[str, Any] | None = None, csv: str = ""
) -> Block:
    """For Plotly; colours are names of the page's own. ``says``: what it shows, for whoever cannot see it."""
    return {
        "kind": "chart", "name": name, "title": title, "says": says, "traces": list(traces),
        "layout": dict(layout or {}), "csv": csv,
    }  # fmt: skip


def percent(value: float | None, digits: int = 1) -> str:
    """94.1 %"""
    return NOTHING if value is None else f"{100 * value:.{digits}f} %"


def share(value: Share) -> str:
    """Part of whole."""
    return f"{value.part} / {value.whole}"


def hours(value: float | None) -> str:
    """31.4 h"""
    return NOTHING if value is None else f"{value:.1f} h"


def days(value: float | None) -> str:
    """31.4 d"""
    return NOTHING if value is None else f"{value:.1f} d"


def small(value: float | None) -> str:
    """A p-value."""
    return NOTHING if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
