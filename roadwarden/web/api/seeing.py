"""Which cases a caller sees, and what of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

from roadwarden.access.people import Principal
from roadwarden.access.policy import Sight, may, require
from roadwarden.cases.event_types import Role
from roadwarden.cases.rights import Right
from roadwarden.errors import Forbidden, UnknownCase
from roadwarden.service.case_views import CaseView, belongs_of, impersonal, view_case
from roadwarden.service.cases import no_such_case
from roadwarden.storage.case_rows import CaseFilter
from roadwarden.storage.case_unit import reading
from roadwarden.storage.engine import writing
from roadwarden.storage.reads import ReadStore
from roadwarden.web.parts import Parts


def visible(parts: Parts, caller: Principal, case: str, right: Right = Right.CASES_READ) -> CaseView:
    """A case on which the caller has a right; raises Forbidden where he has it on none.

    Raises UnknownCase for cases of others, too, in the same words: nobody learns that they exist.
    """
    require(caller, right, parts.permissions)
    view = view_case(parts.desk, case)
    if not may(caller, right, parts.permissions, view.belongs):
        raise UnknownCase(no_such_case(case))
    return view


def read_personal(parts: Parts, caller: Principal, view: CaseView, what: str = "events") -> None:
    """Writes down who reads it, before he does. Raises Forbidden."""
    require(caller, Right.PERSONAL_READ, parts.permissions, view.belongs)
    with writing(parts.engine) as connection:
        ReadStore(connection).add(parts.now(), caller.name, caller.credential, view.row.case_id, what)


def detail(view: CaseView, *, personal: bool) -> dict[str, Any]:
    """A case for whoever may see it."""
    told, now = view.answer.as_json(), view.answer.at
    notes, refused = told["notes"], told["refused"]
    if not personal:  # the reasons name people
        notes, refused = ([{k: v for k, v in one.items() if k != "why"} for one in ones] for ones in (notes, refused))
    return {
        "case": view.row.as_json(now),
        "clocks": told["clocks"],
        "events": [event.as_json() if personal else impersonal(event) for event in view.events],
        "flags": told["flags"],
        "notes": notes,
        "refused": refused,
        "personal": personal,
    }


def may_see(parts: Parts, caller: Principal, names: Collection[str]) -> Callable[[str], bool]:
    """Which of those cases the caller sees."""
    with reading(parts.engine) as unit:
        rows = unit.rows.of_names(names)
    table = parts.permissions
    return {row.case_id for row in rows if may(caller, Right.CASES_READ, table, belongs_of(row))}.__contains__


def seen_by(wanted: CaseFilter, seen: Sight) -> CaseFilter:
    """The same, of what somebody may see."""
    return wanted if seen.everything else dataclasses.replace(wanted, within=seen.parts)


def in_role(caller: Principal, role: Role | None) -> Principal:
    """The caller in one of his roles. Raises Forbidden."""
    if role is None:
        return caller
    if role not in caller.account.roles:
        raise Forbidden(f"{caller.name} is no {role}")
    return dataclasses.replace(caller, account=dataclasses.replace(caller.account, roles=frozenset({role})))
