"""What can be wrong with a pavement: the types, their names, and their codes in four standards.

The table lies in ``tables/taxonomy.csv``; docs/taxonomy.md shows it with its sources. A type can have several codes in
a standard, and several types can share one: the first code of a type is the one it is written as, and the first type
that lists a code is the one it is read as.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from roadwarden.errors import DataError

TAXONOMY_VERSION = "1"


class DistressType(StrEnum):
    """Every type that people, cameras and other sensors can report."""

    LINEAR_CRACK = "linear_crack"
    LONGITUDINAL_CRACK = "longitudinal_crack"
    TRANSVERSE_CRACK = "transverse_crack"
    BLOCK_CRACK = "block_crack"
    ALLIGATOR_CRACK = "alligator_crack"
    REFLECTION_CRACK = "reflection_crack"
    SLIPPAGE_CRACK = "slippage_crack"
    CORRUGATION = "corrugation"
    RUTTING = "rutting"
    SETTLEMENT = "settlement"
    FROST_BOIL = "frost_boil"
    BUMP = "bump"
    SWELL = "swell"
    RAVELING = "raveling"
    POTHOLE = "pothole"
    EDGE_BREAK = "edge_break"
    MANHOLE_STEP = "manhole_step"
    PUMPING = "pumping"
    BLEEDING = "bleeding"
    PATCH = "patch"
    POLISHED_AGGREGATE = "polished_aggregate"
    LANE_SHOULDER_DROP = "lane_shoulder_drop"
    RAILROAD_CROSSING = "railroad_crossing"
    CONCRETE_LINEAR_CRACK = "concrete_linear_crack"
    CORNER_BREAK = "corner_break"
    EDGE_CORNER_CRACK = "edge_corner_crack"
    SHATTERED_SLAB = "shattered_slab"
    JOINT_FILLER_DAMAGE = "joint_filler_damage"
    JOINT_SPALLING = "joint_spalling"
    CONCRETE_POTHOLE = "concrete_pothole"
    MAP_CRACKING = "map_cracking"
    SCALING = "scaling"
    EXPOSED_AGGREGATE = "exposed_aggregate"
    FAULTING = "faulting"
    BLOW_UP = "blow_up"
    CONCRETE_PUMPING = "concrete_pumping"
    CONCRETE_MANHOLE_STEP = "concrete_manhole_step"
    CONCRETE_SETTLEMENT = "concrete_settlement"
    MANHOLE_COVER_DAMAGE = "manhole_cover_damage"
    STANDING_WATER = "standing_water"
    ROAD_DEBRIS = "road_debris"


TRAINED_TYPES = (
    DistressType.LONGITUDINAL_CRACK,
    DistressType.TRANSVERSE_CRACK,
    DistressType.ALLIGATOR_CRACK,
    DistressType.POTHOLE,
    DistressType.PATCH,
)
"""What the detector is trained on; the others come from people and other sensors."""


class Standard(StrEnum):
    """Whose codes; the values are columns of the table."""

    RDD2022 = "rdd2022"  # D00 ... , Repair
    CJJ36 = "cjj36"  # CJJ 36-2016, as pavement/name: its asphalt and concrete types share names
    JTG5210 = "jtg5210"  # JTG 5210-2018, likewise
    ASTM_D6433 = "astm_d6433"  # numbers of the asphalt types, Appendix X1


class Camera(StrEnum):
    """What a 2-D picture can say of a type."""

    SEEN = "seen"
    SUSPECTED = "suspected"  # defined by millimetres of height: a picture never proves it, a person or sensor must


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """One row of the table."""

    type: DistressType
    english: str
    chinese: str
    pavement: str  # asphalt, concrete or any
    group: str  # the class CJJ 36 puts it in, or facility
    camera: Camera
    unit: str  # m, m2 or count
    codes: Mapping[Standard, tuple[str, ...]]
    minimum: str  # what CJJ 36 asks for before it counts, in words; empty where nothing is said

    @property
    def trained(self) -> bool:
        """Whether the detector knows it."""
        return self.type in TRAINED_TYPES


KNOWN_RDD_CODES_WITHOUT_TYPE = frozenset({"D43", "D44", "D50", "D0w0"})
"""Labels of RDD that name no distress: worn crossings and lane lines, manholes (an even cover is no step), a slip."""


@cache
def table() -> Mapping[DistressType, TypeInfo]:
    """The whole table, in its order."""
    with (files("roadwarden") / "tables" / "types.csv").open(encoding="utf-8") as handle:
        infos = [_read_row(row) for row in csv.DictReader(handle)]
    return {info.type: info for info in infos}


def describe(distress: DistressType) -> TypeInfo:
    """The row of a type."""
    return table()[distress]


def parse_type(text: str) -> DistressType:
    """A type by its id; DataError with the nearest one where there is none."""
    try:
        return DistressType(text)
    except ValueError as exc:
        near = difflib.get_close_matches(text, list(DistressType), n=1)
        raise DataError(f"unknown distress type '{text}'" + (f"; did you mean '{near[0]}'?" if near else "")) from exc


def code_of(distress: DistressType, standard: Standard) -> str | None:
    """How a standard writes a type; None where it does not know it."""
    codes = describe(distress).codes[standard]
    return codes[0] if codes else None


def type_of(code: str, standard: Standard) -> DistressType | None:
    """How we read a standard's code; None for one that is not in the table."""
    return _readings(standard).get(code)


def from_rdd(code: str) -> DistressType | None:
    """The type of an RDD2022 label; None for labels that name no distress and for unknown ones."""
    return type_of(code, Standard.RDD2022)


@cache
def _readings(standard: Standard) -> Mapping[str, DistressType]:
    readings: dict[str, DistressType] = {}
    for info in table().values():
        for code in info.codes[standard]:
            readings.setdefault(code, info.type)
    return readings


def _read_row(row: dict[str, str]) -> TypeInfo:
    return TypeInfo(
        type=DistressType(row["id"]),
        english=row["english"],
        chinese=row["chinese"],
        pavement=row["pavement"],
        group=row["group"],
        camera=Camera(row["camera"]),
        unit=row["unit"],
        codes={standard: tuple(filter(None, row[standard].split(";"))) for standard in Standard},
        minimum=row["minimum"],
    )


def taxonomy_markdown() -> str:
    """The table as docs/taxonomy.md shows it."""
    head = ["id", "English", "中文", "pavement", "camera", "trained", "RDD2022", "CJJ 36-2016", "JTG 5210-2018", "ASTM"]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] * len(head)) + " |"]
    for info in table().values():
        codes = [", ".join(info.codes[standard]) or "–" for standard in Standard]
        cells = [f"`{info.type}`", info.english, info.chinese, info.pavement, str(info.camera)]
        lines.append("| " + " | ".join([*cells, "yes" if info.trained else "", *codes]) + " |")
    return "\n".join(lines) + "\n"
