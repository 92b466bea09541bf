"""The delivery file of JTG 5210-2018: one row for every 10 m, one column for every type and level of the form."""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from roadwarden.defects.jtg5210 import Damage, column, condition
from roadwarden.defects.jtg5210_table import Jtg5210Table, Level, Weight, Words, shipped_jtg5210_table
from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType, Pavement, Unit, to_jtg5210

SECTION_M = 10.0

Column = tuple[DistressType, Level]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A damage between two chainages, metres; its level is known, because the file has a column for each."""

    from_m: float
    to_m: float
    type: DistressType
    level: Level
    amount: float  # metres or square metres, as its column has it

    def __post_init__(self) -> None:
        if not (self.from_m <= self.to_m and math.isfinite(self.amount) and self.amount >= 0):
            raise ValueError(f"{self}: from is not behind to, and amounts are not negative")


@dataclass(frozen=True, slots=True)
class Section:
    """A row of the file: where it begins, how wide the road was seen, the damage rate, the amounts by column."""

    chainage_m: float
    length_m: float
    seen_width_m: float
    rate_pct: float
    amounts: Mapping[Column, float] = field(default_factory=dict)


def sections(
    stretches: Sequence[Stretch],
    *,
    start_m: float,
    end_m: float,
    seen_width_m: float,
    pavement: Pavement,
    table: Jtg5210Table | None = None,
) -> list[Section]:
    """Cuts a road into rows of 10 m; the last may be shorter.

    What reaches over several rows is shared among them by length; what reaches over an end of the road counts whole
    within it. Raises DataError for a road without length or width, and for a column that the form does not have.
    """
    if not (end_m > start_m and seen_width_m > 0):
        raise DataError(f"a road from {start_m} to {end_m} m, {seen_width_m} m wide, has no sections")
    known = table or shipped_jtg5210_table()
    count = math.ceil((end_m - start_m) / SECTION_M)
    amounts: list[dict[Column, float]] = [defaultdict(float) for _ in range(count)]
    for stretch in stretches:
        column(stretch.type, stretch.level, pavement, known)
        for row, share in _shares(stretch, start_m, end_m, count):
            amounts[row][stretch.type, stretch.level] += stretch.amount * share
    return [
        _section(start_m + row * SECTION_M, end_m, seen_width_m, held, pavement, known)
        for row, held in enumerate(amounts)
    ]


def coarser(rows: Sequence[Section], every_m: float) -> list[tuple[float, float]]:
    """Chainage and damage rate of longer sections (100 m, 1000 m): the mean of the 10 m rates in each."""
    if not rows:
        return []
    grouped: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        grouped[int((row.chainage_m - rows[0].chainage_m) // every_m)].append(row.rate_pct)
    return [(rows[0].chainage_m + key * every_m, math.fsum(rates) / len(rates)) for key, rates in grouped.items()]


def jtg_csv(rows: Sequence[Section], pavement: Pavement, table: Jtg5210Table | None = None) -> str:
    """The file's text, lines ended by CR LF; write it as UTF-8 with a byte order mark, as spreadsheets want it."""
    known = table or shipped_jtg5210_table()
    columns = known.columns(pavement)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            known.words.chainage,
            known.words.seen_width,
            known.words.rate,
            *(_header(one, known.words) for one in columns),
        ]
    )
    for row in rows:
        amounts = [row.amounts.get((one.type, one.level), 0.0) for one in columns]
        writer.writerow(
            [chainage_text(row.chainage_m), f"{row.seen_width_m:.2f}", f"{row.rate_pct:.3f}", *map(_plain, amounts)]
        )
    return out.getvalue()


def chainage_text(metres: float) -> str:
    """A chainage as roads are marked: kilometres and metres, such as ``K12+340``."""
    millimetres = round(metres * 1000)
    kilometres, rest = divmod(millimetres, 1_000_000)
    whole, fraction = divmod(rest, 1000)
    return f"K{kilometres}+{whole:03d}" + (f".{fraction:03d}".rstrip("0") if fraction else "")


def _section(
    start_m: float,
    end_m: float,
    width_m: float,
    amounts: Mapping[Column, float],
    pavement: Pavement,
    table: Jtg5210Table,
) -> Section:
    length = min(SECTION_M, end_m - start_m)
    damages = [Damage(distress, level, amount) for (distress, level), amount in amounts.items()]
    rate = condition(damages, length * width_m, pavement, table).rate_pct.high
    return Section(start_m, length, width_m, rate, dict(amounts))


def _shares(stretch: Stretch, start_m: float, end_m: float, count: int) -> list[tuple[int, float]]:
    """Rows that the stretch lies in, with the share of it in each; the shares add up to one."""
    low, high = (min(max(place, start_m), end_m) for place in (stretch.from_m, stretch.to_m))
    first = min(int((low - start_m) // SECTION_M), count - 1)
    if high == low:
        return [(first, 1.0)]
    last = min(int((high - start_m) // SECTION_M), count - 1)
    edges = [low, *(start_m + row * SECTION_M for row in range(first + 1, last + 1)), high]
    return [(first + number, (edges[number + 1] - edges[number]) / (high - low)) for number in range(len(edges) - 1)]


def _header(one: Weight, words: Words) -> str:
    name, level = to_jtg5210(one.type), getattr(words, one.level)
    unit = words.metre if one.unit is Unit.METRE else words.square_metre
    return f"{name}{level}({unit})"


def _plain(amount: float) -> str:
    return f"{amount:.3f}".rstrip("0").rstrip(".")
