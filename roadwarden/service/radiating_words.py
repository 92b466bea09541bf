"""What is said of the zones around a case, in plain words of both languages, and for machines."""

from __future__ import annotations

from typing import Any

from roadwarden.cases.event_types import format_time
from roadwarden.cases.tables import Words
from roadwarden.defects.chance import LEVEL, Finding, Spread
from roadwarden.defects.zones import ZoneKind
from roadwarden.service.radiating import Around, Radiation

SCHEMA_VERSION = 1

ZONE_WORDS = {
    ZoneKind.WITHIN_5_M: Words(english="within 5 m", chinese="5 米内"),
    ZoneKind.WITHIN_20_M: Words(english="within 20 m", chinese="20 米内"),
    ZoneKind.WITHIN_50_M: Words(english="within 50 m", chinese="50 米内"),
    ZoneKind.SEGMENT: Words(english="on the same segment", chinese="同一路段"),
    ZoneKind.LANE: Words(english="in the same lane", chinese="同一车道"),
    ZoneKind.UTILITY_LINE: Words(english="along the same utility line", chinese="同一管线沿线"),
}
FINDING_WORDS = {
    Finding.MORE: Words(english="more than chance", chinese="多于随机"),
    Finding.NOT_MORE: Words(english="not more than chance", chinese="不多于随机"),
    Finding.UNKNOWN: Words(english="nothing can be said", chinese="无法判断"),
}
CAVEAT = Words(
    english="The zones of a case are judged together. Whoever picks the case where the map looks crowded "
    "has chosen already: such a case needs a stricter look than one that was asked about beforehand.",
    chinese="各范围合并检验。若因地图上看似密集才选中此案, 即已作选择: 判断应比事先指定的案件更严。",
)


def summary(found: Radiation) -> Words:
    """One sentence about the case."""
    more = [ZONE_WORDS[one.spread.kind] for one in found.zones if one.spread.finding is Finding.MORE]
    if more:
        return Words(
            english="More problems than chance " + ", ".join(one.english for one in more),
            chinese="问题多于随机: " + "、".join(one.chinese for one in more),
        )
    if all(one.spread.finding is Finding.UNKNOWN for one in found.zones):
        return Words(english="Nobody looked here in the window: nothing can be said", chinese="期内无人巡查: 无法判断")
    return Words(english="Not more problems than chance", chinese="周边问题不多于随机")


def sentence(one: Spread) -> Words:
    """What is said of one zone, and how sure it is."""
    if one.finding is Finding.UNKNOWN:
        return Words(english="nobody looked there in the window: nothing can be said", chinese="期内无人巡查, 无法判断")
    expected = f"{one.expected:.2g}" if one.expected < 10 else f"{one.expected:.0f}"
    found = Words(
        english=f"{one.count} where chance would put {expected} ({one.chance_low} to {one.chance_high}): "
        f"{FINDING_WORDS[one.finding].english}",
        chinese=f"{one.count} 处, 随机约 {expected} 处 ({one.chance_low}–{one.chance_high}): "
        f"{FINDING_WORDS[one.finding].chinese}",
    )
    sure = _sure(one)
    return Words(english=f"{found.english}; {sure.english}", chinese=f"{found.chinese}; {sure.chinese}")


def _sure(one: Spread) -> Words:
    if one.finding is Finding.MORE:
        cases = f"{round(1 / one.adjusted):,}"
        return Words(english=f"chance alone does this in 1 case of {cases}", chinese=f"纯属随机时每 {cases} 件约 1 件")
    return Words(english=f"it would have taken {one.needed}", chinese=f"至少 {one.needed} 处才算多")


def as_json(found: Radiation) -> dict[str, Any]:
    """For machines; keys as in docs/radiating.md."""
    asked = found.question
    return {
        "schema": SCHEMA_VERSION,
        "case": found.case,
        "distress": found.distress,
        "segment": found.segment,
        "from": format_time(asked.since),
        "to": format_time(asked.now),
        "same_type": asked.same_type,
        "found_by_one_look": asked.found_by_one,
        "draws": asked.draws,
        "seed": asked.seed,
        "level": LEVEL,
        "problems": found.problems,
        "off_road": found.off_road,
        "unseen": found.unseen,
        "summary": {"en": summary(found).english, "zh": summary(found).chinese},
        "zones": [_zone(one) for one in found.zones],
    }


def _zone(around: Around) -> dict[str, Any]:
    one = around.spread
    words = sentence(one)
    return {
        "zone": one.kind.value,
        "finding": one.finding.value,
        "count": one.count,
        "expected": one.expected,
        "ratio": one.ratio,
        "chance_low": one.chance_low,
        "chance_high": one.chance_high,
        "p": one.p,
        "p_adjusted": one.adjusted,
        "needed": one.needed,
        "looked_at_m": one.looked_at_m,
        "words": {"en": words.english, "zh": words.chinese},
        "neighbours": [
            {"case": near.case, "distress": near.distress, "away_m": near.away_m} for near in around.neighbours
        ],
    }
