from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from roadwarden.errors import DataError
from roadwarden.taxonomy import (
    KNOWN_RDD_CODES,
    TRAINED_TYPES,
    DistressType,
    Language,
    Observability,
    Pavement,
    Standard,
    Status,
    Unit,
    _codes,
    _types,
    candidates,
    codes,
    describe,
    from_astm,
    from_cjj36,
    from_jtg5210,
    from_rdd,
    is_known,
    listed,
    names,
    parse_type,
    to_astm,
    to_cjj36,
    to_jtg5210,
    to_rdd,
)

REPOSITORY = Path(__file__).parent.parent

CJJ36_ASPHALT = [
    "线裂",
    "网裂",
    "龟裂",
    "拥包",
    "车辙",
    "沉陷",
    "翻浆",
    "剥落",
    "坑槽",
    "啃边",
    "路框差",
    "唧浆",
    "泛油",
]
CJJ36_CONCRETE = [
    "线裂",
    "板角断裂",
    "边角裂缝",
    "交叉裂缝和破碎板",
    "接缝料损坏",
    "边角剥落",
    "坑洞",
    "表面纹裂",
    "层状剥落",
    "错台",
    "拱胀",
    "唧浆",
    "路框差",
    "沉陷",
]
JTG5210_ASPHALT = [
    "龟裂",
    "块状裂缝",
    "纵向裂缝",
    "横向裂缝",
    "沉陷",
    "车辙",
    "波浪拥包",
    "坑槽",
    "松散",
    "泛油",
    "修补",
]
JTG5210_CONCRETE = [
    "破碎板",
    "裂缝",
    "板角断裂",
    "错台",
    "拱起",
    "边角剥落",
    "接缝料损坏",
    "坑洞",
    "唧泥",
    "露骨",
    "修补",
]
CJJ36_NAMES = [(Pavement.ASPHALT, name) for name in CJJ36_ASPHALT] + [
    (Pavement.CONCRETE, name) for name in CJJ36_CONCRETE
]

TOLD_BY_DEPTH = [
    DistressType.CORRUGATION,
    DistressType.RUTTING,
    DistressType.SETTLEMENT,
    DistressType.MANHOLE_STEP,
    DistressType.CONCRETE_FAULTING,
    DistressType.CONCRETE_BLOW_UP,
    DistressType.CONCRETE_MANHOLE_STEP,
    DistressType.CONCRETE_SETTLEMENT,
]
OUTLINE_SHOWS = {DistressType.POTHOLE, DistressType.EDGE_BREAK, DistressType.CONCRETE_POPOUT}
EVERY_TYPE = pytest.mark.parametrize("distress", DistressType, ids=str)
EVERY_CODE = pytest.mark.parametrize("code", _codes(), ids=lambda code: f"{code.standard}-{code.pavement}-{code.code}")


def listed_names(standard: Standard, pavement: Pavement) -> list[str]:
    return [code.code for code in listed(standard) if code.pavement in (pavement, Pavement.ANY)]


def test_the_detector_is_trained_on_five_types_in_the_order_of_its_classes():
    assert TRAINED_TYPES == ("longitudinal_crack", "transverse_crack", "alligator_crack", "pothole", "patch")
    assert [distress for distress in DistressType if describe(distress).trained] == list(TRAINED_TYPES)
    assert [to_rdd(distress) for distress in TRAINED_TYPES] == ["D00", "D10", "D20", "D40", "Repair"]
    assert all(describe(distress).observability is Observability.SEEN for distress in TRAINED_TYPES)


def test_the_table_and_the_enum_agree():
    assert list(_types()) == list(DistressType)


def test_no_type_and_no_code_stands_twice():
    from_table = (REPOSITORY / "roadwarden/tables/taxonomy.csv").read_text(encoding="utf-8").splitlines()
    assert len(from_table) == 1 + len(DistressType)
    keys = [(code.standard, code.pavement, code.code) for code in _codes()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("language", Language, ids=str)
def test_every_type_has_a_name_that_no_other_has(language: Language):
    assert len({names(distress, language) for distress in DistressType} - {""}) == len(DistressType)


def test_an_inspector_and_an_engineer_read_the_same_pothole():
    assert names(DistressType.POTHOLE, Language.CHINESE) == "坑槽"
    assert names(DistressType.POTHOLE, Language.ENGLISH) == "Pothole"
    info = describe(DistressType.POTHOLE)
    assert (info.cjj36_class, info.pavement, info.unit) == ("松散类", Pavement.ASPHALT, Unit.SQUARE_METRE)
    assert (info.min_depth_mm, info.min_area_m2, info.status) == (20, None, Status.VERIFIED)


def test_a_linear_crack_counts_a_fifth_of_a_square_metre_for_each_metre():
    info = describe(DistressType.LINEAR_CRACK)
    assert (info.unit, info.area_m2_per_unit, info.min_length_m, info.min_width_mm) == (Unit.METRE, 0.2, 1, 3)


@EVERY_TYPE
def test_ids_of_slab_damage_say_so(distress: DistressType):
    assert distress.startswith("concrete_") is (describe(distress).pavement is Pavement.CONCRETE)


@pytest.mark.parametrize("distress", TOLD_BY_DEPTH, ids=str)
def test_what_is_told_by_depth_is_only_suspected_in_a_picture(distress: DistressType):
    assert describe(distress).observability is Observability.SUSPECTED


def test_only_where_the_outline_shows_is_a_type_with_a_depth_limit_seen():
    deep = {distress for distress in DistressType if describe(distress).min_depth_mm}
    assert {d for d in deep if describe(d).observability is Observability.SEEN} == OUTLINE_SHOWS


def test_no_picture_shows_a_void_under_the_road():
    assert describe(DistressType.UNDERGROUND_VOID).observability is Observability.NOT_VISIBLE


@pytest.mark.parametrize(
    ("standard", "pavement", "expected"),
    [
        (Standard.CJJ36, Pavement.ASPHALT, CJJ36_ASPHALT),
        (Standard.CJJ36, Pavement.CONCRETE, CJJ36_CONCRETE),
        (Standard.JTG5210, Pavement.ASPHALT, JTG5210_ASPHALT),
        (Standard.JTG5210, Pavement.CONCRETE, JTG5210_CONCRETE),
        (Standard.ASTM_D6433, Pavement.ASPHALT, [str(number) for number in range(1, 21)]),
        (Standard.ASTM_D6433, Pavement.CONCRETE, [str(number) for number in range(21, 40)]),
    ],
    ids=[
        "CJJ asphalt 13",
        "CJJ concrete 14",
        "JTG asphalt 11",
        "JTG concrete 11",
        "ASTM asphalt 20",
        "ASTM concrete 19",
    ],
)
def test_the_list_of_each_standard_is_whole(standard: Standard, pavement: Pavement, expected: list[str]):
    assert sorted(listed_names(standard, pavement)) == sorted(expected)


@pytest.mark.parametrize(("pavement", "name"), CJJ36_NAMES, ids=lambda value: str(value))
def test_every_city_type_comes_back_under_its_name(pavement: Pavement, name: str):
    distress = from_cjj36(name, pavement)
    assert distress is not None
    assert to_cjj36(distress) == name
    assert describe(distress).pavement is pavement


@pytest.mark.parametrize("name", JTG5210_ASPHALT + JTG5210_CONCRETE)
def test_every_highway_type_comes_back_under_its_name(name: str):
    distress = from_jtg5210(name)
    assert distress is not None
    assert to_jtg5210(distress) == name
    assert len(candidates(Standard.JTG5210, name)) == 1


@EVERY_CODE
def test_the_relation_reads_the_same_from_both_ends(code):
    for distress in code.types:
        assert code.code in codes(distress, code.standard)
        assert distress in candidates(code.standard, code.code, code.pavement)
        assert Pavement.ANY in (code.pavement, pavement := describe(distress).pavement) or pavement is code.pavement


@EVERY_TYPE
@pytest.mark.parametrize("standard", Standard, ids=str)
def test_a_type_written_as_a_code_can_be_read_as_that_type(distress: DistressType, standard: Standard):
    pavement = describe(distress).pavement
    assert all(distress in candidates(standard, code, pavement) for code in codes(distress, standard))


def test_written_and_read_back_a_type_is_the_same_but_for_the_cases_we_name():
    changed = {
        (distress, back)
        for distress in DistressType
        for back in (
            from_rdd(to_rdd(distress) or ""),
            from_cjj36(to_cjj36(distress) or "", describe(distress).pavement),
            from_jtg5210(to_jtg5210(distress) or ""),
            from_astm(to_astm(distress) or 0),
        )
        if back not in (None, distress)
    }
    assert changed == {
        (DistressType.LONGITUDINAL_CRACK, DistressType.LINEAR_CRACK),
        (DistressType.TRANSVERSE_CRACK, DistressType.LINEAR_CRACK),
        (DistressType.CONCRETE_MAP_CRACKING, DistressType.CONCRETE_SCALING),
    }


def test_a_crack_of_unknown_direction_has_no_code_where_the_direction_is_asked_for():
    assert to_cjj36(DistressType.LINEAR_CRACK) == "线裂"
    assert to_astm(DistressType.LINEAR_CRACK) == 10
    assert to_rdd(DistressType.LINEAR_CRACK) is None
    assert to_jtg5210(DistressType.LINEAR_CRACK) is None


def test_one_name_on_two_pavements_is_told_apart():
    assert from_cjj36("沉陷", Pavement.ASPHALT) is DistressType.SETTLEMENT
    assert from_cjj36("沉陷", Pavement.CONCRETE) is DistressType.CONCRETE_SETTLEMENT
    assert candidates(Standard.CJJ36, "沉陷") == (DistressType.SETTLEMENT, DistressType.CONCRETE_SETTLEMENT)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("D00", DistressType.LONGITUDINAL_CRACK),
        ("D01", DistressType.LONGITUDINAL_CRACK),
        ("D11", DistressType.TRANSVERSE_CRACK),
        ("Block crack", DistressType.BLOCK_CRACK),
        ("Repair", DistressType.PATCH),
        ("D44", None),
        ("D99", None),
        ("d00", None),
        ("", None),
    ],
)
def test_labels_of_rdd2022(code: str, expected: DistressType | None):
    assert from_rdd(code) is expected


def test_a_worn_marking_is_known_and_a_typing_error_is_not():
    assert {code.code for code in listed(Standard.RDD2022)} == KNOWN_RDD_CODES
    assert is_known(Standard.RDD2022, "D43")
    assert not is_known(Standard.RDD2022, "D99")
    assert {code for code in KNOWN_RDD_CODES if from_rdd(code) is None} == {"D43", "D44", "D50", "D0w0"}


def test_facts_from_memory_stay_marked():
    assert {code.status for code in listed(Standard.ASTM_D6433)} == {Status.UNVERIFIED}
    assert {code.status for code in listed(Standard.CJJ36)} == {Status.VERIFIED}
    verified = {code.code for code in listed(Standard.RDD2022) if code.status is Status.VERIFIED}
    assert verified == {"D00", "D10", "D20", "D40", "Repair", "Block crack"}


def test_an_unknown_id_is_refused_with_a_suggestion():
    assert parse_type("pothole") is DistressType.POTHOLE
    with pytest.raises(DataError, match=r"unknown distress type 'pothle'; did you mean 'pothole'\?"):
        parse_type("pothle")
    with pytest.raises(DataError, match=r"docs/taxonomy\.md"):
        parse_type("qqq")


def test_importing_reads_no_table():
    silent = "import roadwarden.taxonomy as t; assert t._rows and not t._codes.cache_info().currsize"
    subprocess.run([sys.executable, "-c", silent], check=True, cwd=REPOSITORY)


def test_the_page_for_people_is_current():
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    check = [sys.executable, "scripts/docs-taxonomy", "--check"]
    done = subprocess.run(check, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_for_people_has_every_type_and_every_section():
    page = (REPOSITORY / "docs/taxonomy.md").read_text(encoding="utf-8")
    assert [distress for distress in DistressType if page.count(f"| `{distress}`") < 1] == []
    assert all(page.count(f"<!-- {part} -->") == 1 for part in ["types", *Standard])
    assert page.count("<!-- end -->") == 1 + len(Standard)


def test_the_glossary_has_every_word_of_the_map():
    page = (REPOSITORY / "docs/glossary.md").read_text(encoding="utf-8")
    words = [
        "frame",
        "detection",
        "sighting",
        "defect",
        "severity",
        "case",
        "clock",
        "assessment",
        "cell",
        "segment",
        "ledger",
    ]
    assert [word for word in [*words, "repair report"] if f"| {word} |" not in page] == []
