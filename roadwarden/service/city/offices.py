"""The city's own rows of the dispatch table: its areas, and one crew of the roads department for each."""

from __future__ import annotations

from functools import cache
from typing import Any

from roadwarden.cases.dispatch_table import Crew, DispatchTable
from roadwarden.cases.read_dispatch import shipped_dispatch_table
from roadwarden.cases.tables import Named

ROADS = "roads"
_AREAS = (
    ("west-lake", "West Lake", "西湖"),
    ("gongshu", "Gongshu", "拱墅"),
    ("shangcheng", "Shangcheng", "上城"),
    ("binjiang", "Binjiang", "滨江"),
)
_NUMBERS = "一二三四"


@cache
def city_dispatch_table() -> DispatchTable:
    """Who gets the cases of the city: the shipped rules with these areas and crews."""
    shipped = shipped_dispatch_table()
    others = [crew for crew in shipped.crews if crew.department != ROADS]
    crews = [Crew.model_validate(_crew(number, area[0])) for number, area in enumerate(_AREAS, start=1)]
    areas = tuple(Named(id=area, english=english, chinese=chinese) for area, english, chinese in _AREAS)
    rows = {"version": f"city of {shipped.version}", "areas": areas, "crews": (*crews, *others)}
    return shipped.model_copy(update=rows)


def _crew(number: int, area: str) -> dict[str, Any]:
    return {
        "id": f"crew-{number}",
        "english": f"crew {number}",
        "chinese": f"{_NUMBERS[number - 1]}班",
        "department": ROADS,
        "areas": [area],
        "skills": ["asphalt", "concrete"],
        "on_duty": ["working", "after_hours"],
        "most_open": 80,
    }
