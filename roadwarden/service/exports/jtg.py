"""Defects of one road in the layout of JTG 5210-2018: a row for every 10 m."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from roadwarden.defects.jtg5210 import level_of
from roadwarden.defects.jtg5210_table import Jtg5210Table, Level, Weight, shipped_jtg5210_table
from roadwarden.defects.jtg_csv import Stretch, jtg_csv, sections
from roadwarden.defects.judging import size_of
from roadwarden.defects.roadways import Roadway
from roadwarden.storage.defects import KeptDefect
from roadwarden.taxonomy import DistressType, Pavement, Unit

STRIP_M, STRIP_TIMES = 0.5, 4.0
"""A patch narrower than this and so many times as long is a strip."""


@dataclass(frozen=True, slots=True)
class JtgFile:
    """The text, how many defects are in it, of how many the level was not measured, and what was left out."""

    text: str
    defects: int
    level_assumed: int
    left_out: Counter[DistressType]  # the form has no column for them on this pavement


def jtg_file(
    defects: Iterable[KeptDefect],
    roadway: Roadway,
    pavement: Pavement,
    unknown_level: Level,
    table: Jtg5210Table | None = None,
) -> JtgFile:
    """The file of a road from its defects. A picture measures neither depth nor the width of a crack in millimetres, so
    where light and heavy differ by those, ``unknown_level`` is written, and counted.
    """
    known = table or shipped_jtg5210_table()
    stretches: list[Stretch] = []
    left_out: Counter[DistressType] = Counter()
    assumed = 0
    for defect in defects:
        columns = [row for row in known.columns(pavement) if row.type is defect.vote.type]
        if not columns or defect.road is None:
            left_out[defect.vote.type] += 1
            continue
        forms = {row.level for row in columns} == {Level.BLOCK, Level.STRIP}
        level = _form(defect) if forms else level_of(defect.vote.type, table=known)
        assumed += level is None
        stretches.append(_stretch(defect, defect.road.chainage_m, _column(columns, level or unknown_level)))
    rows = sections(
        stretches, start_m=0.0, end_m=roadway.length_m, seen_width_m=roadway.width_m, pavement=pavement, table=known
    )
    return JtgFile(jtg_csv(rows, pavement, known), len(stretches), assumed, left_out)


def _form(defect: KeptDefect) -> Level:
    """A patch by its outline; the standard does not say where a block ends and a strip begins, this is our choice."""
    narrow, long = sorted((defect.length_m, defect.width_m))
    return Level.STRIP if narrow < STRIP_M and long >= STRIP_TIMES * narrow else Level.BLOCK


def _column(columns: list[Weight], level: Level) -> Weight:
    return next((row for row in columns if row.level is level), columns[-1])


def _stretch(defect: KeptDefect, chainage_m: float, column: Weight) -> Stretch:
    size, half = size_of(defect), defect.length_m / 2
    amount = size.extent_m.value if column.unit is Unit.METRE else size.area_m2.value
    return Stretch(chainage_m - half, chainage_m + half, column.type, column.level, amount)
