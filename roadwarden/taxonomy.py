"""What can be wrong with a road, and what four standards call it.

The facts are rows of ``tables/taxonomy.csv`` (one a type) and ``tables/codes.csv`` (one a code of a standard, with the
types it can mean). Several codes may mean one type (D00 and D01) and one code several types (线裂), so the relation is
kept whole: ``codes`` lists all codes of a type, ``candidates`` all types of a code, each with the usual one first; the
``to_*`` and ``from_*`` functions give that first one.
"""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from roadwarden.errors import DataError

TAXONOMY_VERSION = "1"
"""Model cards carry it; it changes when a type changes its id or its meaning."""


class DistressType(StrEnum):
    """Ids as they stand in every table and message; those of concrete slabs begin with ``concrete_``."""

    LINEAR_CRACK = "linear_crack"
    LONGITUDINAL_CRACK = "longitudinal_crack"
    TRANSVERSE_CRACK = "transverse_crack"
    BLOCK_CRACK = "block_crack"
    ALLIGATOR_CRACK = "alligator_crack"
    CORRUGATION = "corrugation"
    RUTTING = "rutting"
    SETTLEMENT = "settlement"
    FROST_BOIL = "frost_boil"
    RAVELING = "raveling"
    POTHOLE = "pothole"
    EDGE_BREAK = "edge_break"
    MANHOLE_STEP = "manhole_step"
    PUMPING = "pumping"
    BLEEDING = "bleeding"
    PATCH = "patch"
    CONCRETE_LINEAR_CRACK = "concrete_linear_crack"
    CONCRETE_CORNER_BREAK = "concrete_corner_break"
    CONCRETE_EDGE_CORNER_CRACK = "concrete_edge_corner_crack"
    CONCRETE_SHATTERED_SLAB = "concrete_shattered_slab"
    CONCRETE_JOINT_FILLER_DAMAGE = "concrete_joint_filler_damage"
    CONCRETE_JOINT_SPALLING = "concrete_joint_spalling"
    CONCRETE_POPOUT = "concrete_popout"
    CONCRETE_SCALING = "concrete_scaling"
    CONCRETE_MAP_CRACKING = "concrete_map_cracking"
    CONCRETE_FAULTING = "concrete_faulting"
    CONCRETE_BLOW_UP = "concrete_blow_up"
    CONCRETE_PUMPING = "concrete_pumping"
    CONCRETE_MANHOLE_STEP = "concrete_manhole_step"
    CONCRETE_SETTLEMENT = "concrete_settlement"
    CONCRETE_EXPOSED_AGGREGATE = "concrete_exposed_aggregate"
    MANHOLE_COVER_MISSING = "manhole_cover_missing"
    MANHOLE_COVER_DAMAGED = "manhole_cover_damaged"
    UNDERGROUND_VOID = "underground_void"
    STANDING_WATER = "standing_water"
    ROAD_DEBRIS = "road_debris"


TRAINED_TYPES = (
    DistressType.LONGITUDINAL_CRACK,
    DistressType.TRANSVERSE_CRACK,
    DistressType.ALLIGATOR_CRACK,
    DistressType.POTHOLE,
    DistressType.PATCH,
)
"""What the shipped detector looks for, in the order of its class index."""

KNOWN_RDD_CODES = frozenset(
    {"D00", "D01", "D0w0", "D10", "D11", "D20", "D40", "D43", "D44", "D50", "Block crack", "Repair"}
)
"""Every label seen in RDD2022; ``from_rdd`` gives None for those that are no distress (D43, D44, D50, D0w0)."""


class Language(StrEnum):
    """Languages that every type has a name in."""

    ENGLISH = "en"
    CHINESE = "zh"


class Pavement(StrEnum):
    """What the road is made of."""

    ASPHALT = "asphalt"
    CONCRETE = "concrete"
    ANY = "any"


class Observability(StrEnum):
    """What one picture can say: a type that is told by millimetres of depth can only be suspected."""

    SEEN = "seen"
    SUSPECTED = "suspected"
    NOT_VISIBLE = "not_visible"


class Unit(StrEnum):
    """What is measured."""

    METRE = "metre"
    SQUARE_METRE = "square_metre"
    COUNT = "count"


class Status(StrEnum):
    """UNVERIFIED: from memory or from one secondary source; keep it out of anything labelled normative."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"


class Severity(StrEnum):
    """How fast a defect has to be repaired: 48 hours on average, or 24 hours at most."""

    NORMAL = "normal"
    SEVERE = "severe"


class Standard(StrEnum):
    """Whose codes we speak: the data set, the city code, the highway code and the American practice."""

    RDD2022 = "rdd2022"
    CJJ36 = "cjj36"
    JTG5210 = "jtg5210"
    ASTM_D6433 = "astm_d6433"


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of a standard's list; ``status`` is about the entry, that it agrees with ``types`` is our reading."""

    standard: Standard
    pavement: Pavement
    code: str
    group: str  # the class of CJJ 36-2016; empty elsewhere
    types: tuple[DistressType, ...]  # the usual one first; empty where the entry is known but no type of ours
    meaning: str  # empty where the code is itself a name
    status: Status


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """One type; ``None`` where our sources give no number. ``status`` covers unit, minimum and definition."""

    type: DistressType
    english: str
    chinese: str
    pavement: Pavement
    observability: Observability
    unit: Unit
    area_m2_per_unit: float | None  # what CJJ 36-2016 counts one unit as
    min_length_m: float | None
    min_width_mm: float | None
    min_area_m2: float | None
    min_depth_mm: float | None  # or the height of a rise or step
    status: Status
    definition: str
    codes: tuple[Code, ...]

    @property
    def trained(self) -> bool:
        """Whether the shipped detector looks for it."""
        return self.type in TRAINED_TYPES

    @property
    def cjj36_class(self) -> str | None:
        """The class of CJJ 36-2016, e.g. 裂缝类."""
        return next((code.group for code in self.codes if code.standard is Standard.CJJ36), None)


def describe(distress: DistressType) -> TypeInfo:
    """All we know of one type."""
    return _types()[distress]


def names(distress: DistressType, language: Language) -> str:
    """The name to show; unlike the standards' own names it is unique in its language."""
    info = describe(distress)
    return info.english if language is Language.ENGLISH else info.chinese


def parse_type(text: str) -> DistressType:
    """The type with that id; raises DataError with a suggestion."""
    try:
        return DistressType(text)
    except ValueError as exc:
        near = difflib.get_close_matches(text, list(DistressType), n=1)
        hint = f"did you mean '{near[0]}'?" if near else "the ids are listed in docs/taxonomy.md"
        raise DataError(f"unknown distress type '{text}'; {hint}") from exc


@cache
def listed(standard: Standard) -> tuple[Code, ...]:
    """The list of one standard, also the entries that are no type of ours."""
    return tuple(code for code in _codes() if code.standard is standard)


def codes(distress: DistressType, standard: Standard) -> tuple[str, ...]:
    """Every code that means this type, the one to write first; empty where the standard has none."""
    return tuple(code.code for code in describe(distress).codes if code.standard is standard)


@cache
def candidates(standard: Standard, code: str, pavement: Pavement = Pavement.ANY) -> tuple[DistressType, ...]:
    """Every type the code can mean, the usual one first; empty for a code that is unknown or no distress."""
    return tuple(
        distress
        for entry in listed(standard)
        if entry.code == code and (pavement is entry.pavement or Pavement.ANY in (pavement, entry.pavement))
        for distress in entry.types
    )


def is_known(standard: Standard, code: str) -> bool:
    """Whether the standard has the code at all; tells a label that is no distress from a typing error."""
    return any(entry.code == code for entry in listed(standard))


def from_rdd(code: str) -> DistressType | None:
    """None both for a label that is no distress and for an unknown one, see ``KNOWN_RDD_CODES``."""
    return next(iter(candidates(Standard.RDD2022, code)), None)


def to_rdd(distress: DistressType) -> str | None:
    """The RDD2022 label; None for a linear crack of unknown direction, which has two."""
    return next(iter(codes(distress, Standard.RDD2022)), None)


def from_cjj36(name: str, pavement: Pavement) -> DistressType | None:
    """The pavement tells apart names that CJJ 36-2016 uses twice (线裂, 沉陷, 唧浆, 路框差)."""
    return next(iter(candidates(Standard.CJJ36, name, pavement)), None)


def to_cjj36(distress: DistressType) -> str | None:
    """The name in CJJ 36-2016; longitudinal and transverse cracks are both 线裂."""
    return next(iter(codes(distress, Standard.CJJ36)), None)


def from_jtg5210(name: str) -> DistressType | None:
    """Names of JTG 5210-2018 tell the pavement themselves."""
    return next(iter(candidates(Standard.JTG5210, name)), None)


def to_jtg5210(distress: DistressType) -> str | None:
    """The name in JTG 5210-2018; None for a linear crack of unknown direction, which has two."""
    return next(iter(codes(distress, Standard.JTG5210)), None)


def from_astm(number: int) -> DistressType | None:
    """The type of an ASTM D6433 distress number, 1 to 39."""
    return next(iter(candidates(Standard.ASTM_D6433, str(number))), None)


def to_astm(distress: DistressType) -> int | None:
    """The ASTM D6433 distress number."""
    return next((int(code) for code in codes(distress, Standard.ASTM_D6433)), None)


def _rows(table: str) -> list[dict[str, str]]:
    text = (resources.files("roadwarden") / "tables" / table).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _codes() -> tuple[Code, ...]:
    return tuple(map(_read_code, _rows("codes.csv")))


def _read_code(row: dict[str, str]) -> Code:
    standard, pavement, status = Standard(row["standard"]), Pavement(row["pavement"]), Status(row["status"])
    types = tuple(map(DistressType, row["types"].split()))
    return Code(standard, pavement, row["code"], row["group"], types, row["meaning"], status)


@cache
def _types() -> dict[DistressType, TypeInfo]:
    return {info.type: info for info in map(_read_type, _rows("taxonomy.csv"))}


def _read_type(row: dict[str, str]) -> TypeInfo:
    distress = DistressType(row["id"])
    return TypeInfo(
        type=distress,
        english=row["english"],
        chinese=row["chinese"],
        pavement=Pavement(row["pavement"]),
        observability=Observability(row["observability"]),
        unit=Unit(row["unit"]),
        area_m2_per_unit=_number(row["area_m2_per_unit"]),
        min_length_m=_number(row["min_length_m"]),
        min_width_mm=_number(row["min_width_mm"]),
        min_area_m2=_number(row["min_area_m2"]),
        min_depth_mm=_number(row["min_depth_mm"]),
        status=Status(row["status"]),
        definition=row["definition"],
        codes=tuple(code for code in _codes() if distress in code.types),
    )


def _number(text: str) -> float | None:
    return float(text) if text else None
