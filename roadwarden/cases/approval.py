"""Whether an event that needs an approval has one: another person than the actor, in an approving role."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from roadwarden.cases.events import Approver, CaseEvent, Role
from roadwarden.cases.ordering import Flag, Note
from roadwarden.cases.roles import APPROVING

RolesOf = Mapping[str, frozenset[Role]]
"""In which roles people act in one case."""


def roles_of(events: Iterable[CaseEvent]) -> RolesOf:
    """In which roles people act in these events."""
    found: defaultdict[str, set[Role]] = defaultdict(set)
    for event in events:
        found[event.actor].add(event.role)
    return {actor: frozenset(roles) for actor, roles in found.items()}


def not_approved(event: CaseEvent, approver: Approver | None, known: RolesOf) -> str | None:
    """Why the approval does not count; None if it does.

    A role that is not told is sought among those in which the person acts elsewhere in the case. One who never acts
    there is believed (``doubt`` says so): our own service always writes the role.
    """
    if approver is None:
        return "not approved: 'approved_by' is missing"
    if approver.actor == event.actor:
        return f"not approved: {approver.actor} cannot approve what {approver.actor} asks for"
    roles = known.get(approver.actor, APPROVING) if approver.role is None else {approver.role}
    if APPROVING.isdisjoint(roles):
        return f"not approved: {approver.actor} is {' and '.join(sorted(roles))}, which cannot approve"
    return None


def doubt(event: CaseEvent, approver: Approver | None, known: RolesOf) -> Note | None:
    """What to tell a reader about an approval that counts."""
    if approver is None or approver.role is not None or approver.actor in known:
        return None
    why = f"nothing in the case says in what role {approver.actor} approved"
    return Note(event.seq, Flag.APPROVER_ROLE_UNKNOWN, why)
