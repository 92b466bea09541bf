"""What somebody may do beside recording events: the rights that ``tables/permissions.yaml`` hands out.

The scopes of an API token are rights too.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from roadwarden.cases.event_types import Role


class Right(StrEnum):
    """One thing that somebody may do."""

    CASES_READ = "cases.read"
    CASES_RECORD = "cases.record"  # whatever the role's ``records`` lists
    PERSONAL_READ = "personal.read"  # who acted, and free text, in cases
    EVIDENCE_READ = "evidence.read"
    EVIDENCE_ADD = "evidence.add"
    ORIGINALS_READ = "originals.read"  # pictures as they came, with what their EXIF says
    TIPS_SETTLE = "tips.settle"  # reports that wait for a person
    REPORTS_FILE = "reports.file"  # as a citizen does
    ROADS_READ = "roads.read"  # defects, segments, condition, coverage
    FIGURES_READ = "figures.read"  # key figures and warnings
    LEDGER_READ = "ledger.read"  # checkpoints and proofs, which say nothing of anybody
    BUNDLES_READ = "bundles.read"  # the whole evidence of a case, with its personal data
    MODELS_READ = "models.read"
    MODELS_MOVE = "models.move"
    PEOPLE_MANAGE = "people.manage"  # roles, areas, tokens of others
    READS_READ = "reads.read"  # who has read personal data
    TOKENS_OWN = "tokens.own"  # tokens for oneself, never with more than one has
    INTEGRATIONS_MANAGE = "integrations.manage"  # webhooks, inbox, dead letters


OF_CASES: Final = frozenset(
    {
        Right.CASES_READ,
        Right.CASES_RECORD,
        Right.PERSONAL_READ,
        Right.EVIDENCE_READ,
        Right.EVIDENCE_ADD,
        Right.ORIGINALS_READ,
        Right.BUNDLES_READ,
    }
)
"""Held on the cases of the role's scope; the others are held or not."""

_AUDITORS: Final = frozenset(
    {
        Right.CASES_READ,
        Right.PERSONAL_READ,
        Right.EVIDENCE_READ,
        Right.ORIGINALS_READ,
        Right.ROADS_READ,
        Right.FIGURES_READ,
        Right.LEDGER_READ,
        Right.BUNDLES_READ,
        Right.MODELS_READ,
        Right.READS_READ,
        Right.TOKENS_OWN,
    }
)
_CITIZENS: Final = frozenset({Right.REPORTS_FILE})
_ADMINISTRATORS: Final = frozenset({Right.PEOPLE_MANAGE, Right.INTEGRATIONS_MANAGE})


def never_may(role: Role, right: Right) -> str | None:
    """Why no table of a city's can give that right to that role; None where one can."""
    if role is Role.AUDITOR and right not in _AUDITORS:
        return "an auditor reads and changes nothing"
    if role is Role.CITIZEN and right not in _CITIZENS:
        return "a citizen can only file reports"
    if right in _ADMINISTRATORS and role is not Role.ADMINISTRATOR:
        return "only an administrator can"
    return None
