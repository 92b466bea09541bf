"""The rules in force, to be read by whoever works by them: limits, who gets what, who may record what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from roadwarden.access.policy import require
from roadwarden.cases.dispatch_table import DispatchRule
from roadwarden.cases.rights import Right
from roadwarden.cases.tables import Words
from roadwarden.taxonomy import Language
from roadwarden.web.identity import Caller
from roadwarden.web.look import language_of
from roadwarden.web.pages.rendering import render
from roadwarden.web.parts import Parts, PartsOf

router = APIRouter(include_in_schema=False)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@router.get("/policy")
def policy_page(request: Request, caller: Caller, parts: PartsOf) -> HTMLResponse:
    """A city changes its rules in its own tables, with a new version; here they are only shown."""
    require(caller, Right.CASES_READ, parts.permissions)
    language = language_of(request)
    table = parts.dispatch
    return render(
        request,
        "policy.html",
        clocks=_clocks(parts),
        default=parts.desk.policies.default,
        rules=[_rule(parts, one, language) for one in sorted(table.rules, key=lambda one: one.tier)],
        table=table,
        permissions=parts.permissions,
    )


def _clocks(parts: Parts) -> list[dict[str, Any]]:
    """The versions in the order of the table; a case keeps the one of its filing."""
    return [
        {
            "id": one.id,
            "valid_from": one.valid_from,
            "normal_h": one.repair_hours.normal / _HOUR,
            "severe_h": one.repair_hours.severe / _HOUR,
            "assess_h": one.assess_hours / _HOUR,
            "warranty_d": one.warranty_days / _DAY,
            "parks": one.parks.most,
            "parks_d": one.parks.total_days / _DAY,
            "extensions": one.extensions.most,
            "source": one.source,
            "status": one.status.value,
        }
        for one in parts.desk.policies.policies
    ]


def _rule(parts: Parts, rule: DispatchRule, language: Language) -> dict[str, Any]:
    """Its conditions in words; what it leaves out holds for every case."""
    domains = {one.id: one for one in parts.domains.domains}
    what: Iterable[Words] = (
        map(domains.__getitem__, rule.domains) if rule.domains else map(parts.domains.words_of, rule.types)
    )
    return {
        "id": rule.id,
        "tier": rule.tier,
        "what": _said(what, language),
        "owners": rule.owners,
        "areas": rule.areas,
        "severities": [one.value for one in rule.severities] if len(rule.severities) == 1 else [],
        "times": [one.value for one in rule.times] if len(rule.times) == 1 else [],
        "department": rule.department,
        "because": _said([rule.because], language),
    }


def _said(words: Iterable[Words], language: Language) -> str:
    joint = "、" if language is Language.CHINESE else ", "
    return joint.join(one.chinese if language is Language.CHINESE else one.english for one in words)
