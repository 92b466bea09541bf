"""What a role can never record, whatever a city's table of permissions says: part of the contract of the replay.

Histories are judged for years; a permission that is taken away today must not refuse what was recorded under it. So the
replay knows only what nobody may hand out: no crew judges its own work, an auditor changes nothing.
"""

from __future__ import annotations

from typing import Final

from roadwarden.cases.events import EventType, Role

APPROVING: Final = frozenset({Role.DUTY_OFFICER, Role.SUPERVISOR, Role.ROAD_CHIEF})
"""Whose approval counts, if it is another person's."""

MACHINES: Final = frozenset({Role.ASSESSOR, Role.SYSTEM})
"""Whose verdicts give way to any person's."""

DEFECT_ACCEPTING: Final = frozenset({Role.DUTY_OFFICER})
"""Who may accept a repair that has a defect."""

OF_DESKS: Final = frozenset(
    {
        EventType.DISPATCHED,
        EventType.ASSESSED,
        EventType.EVIDENCE_REQUESTED,
        EventType.TIME_ACCEPTED,
        EventType.CLOSED,
        EventType.REOPENED,
        EventType.ABSORBED,
        EventType.RELEASED,
        EventType.MERGED,
        EventType.UNMERGED,
    }
)
"""What those whose work is judged cannot record."""


def never_records(role: Role, kind: EventType) -> str | None:
    """Why a role can never record an event of this type; None if it can."""
    if role is Role.AUDITOR:
        return "an auditor reads and records nothing"
    if role is Role.CITIZEN and kind is not EventType.FILED:
        return f"a citizen can file, but not record {kind}"
    if role is Role.CREW and kind in OF_DESKS:
        return f"a crew cannot record {kind}"
    if kind is EventType.TIME_ACCEPTED and role is not Role.DUTY_OFFICER:
        return "only a duty officer records time_accepted"
    return None
