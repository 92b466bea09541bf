"""Blocks as an Excel workbook: a sheet a chapter."""

from __future__ import annotations

import io
from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from roadwarden.csv_cells import as_text
from roadwarden.web.blocks.parts import Block

_BOLD, _SOFT = Font(bold=True), Font(color="5A6670")
_HEAD = PatternFill("solid", fgColor="E9EDEF")
_WIDEST = 60


def workbook(chapters: Sequence[tuple[str, Sequence[Block]]]) -> bytes:
    """Facts with their notes, sentences, tables. Text that looks like a formula stays text."""
    book = Workbook()
    book.remove(book.active)
    for title, blocks in chapters:
        sheet = book.create_sheet(title[:31].replace("/", " "))
        for block in blocks:
            _write(sheet, block)
        _widths(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write(sheet: Worksheet, block: Block) -> None:
    if block["kind"] == "text":
        _row(sheet, [block["text"]])
        return
    _row(sheet, [block["title"]], _BOLD)
    if block["kind"] == "facts":
        for one in block["items"]:
            _row(sheet, [one["label"], one["value"], one["note"]])
    else:
        _row(sheet, [column["label"] for column in block["columns"]], _BOLD, _HEAD)
        for row in block["rows"]:
            _row(sheet, [cell["text"] for cell in row])
        if block["note"]:
            _row(sheet, [block["note"]], _SOFT)
    _row(sheet, [])


def _row(sheet: Worksheet, values: Sequence[str], font: Font | None = None, fill: PatternFill | None = None) -> None:
    sheet.append([_cell(value) for value in values])
    for cell in sheet[sheet.max_row] if values else ():
        if font is not None:
            cell.font = font
        cell.alignment = Alignment(vertical="top")
        if fill is not None:
            cell.fill = fill


def _cell(value: str) -> object:
    """Whole and decimal numbers as numbers, so that they can be summed."""
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        return as_text(value)


def _widths(sheet: Worksheet) -> None:
    for number, column in enumerate(sheet.iter_cols(), start=1):
        longest = max((_width(str(cell.value)) for cell in column if cell.value is not None), default=8)
        sheet.column_dimensions[get_column_letter(number)].width = min(longest + 2, _WIDEST)


def _width(text: str) -> int:
    """Chinese characters are two wide."""
    return sum(2 if ord(sign) > 0x2E80 else 1 for sign in text)
