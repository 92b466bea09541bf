"""The whole matrix of who may do what: every role, every right, every event, every place a case can be.

The two tables below are written by hand from DOMAIN and docs/access.md; a change of tables/permissions.yaml that is not
also made here is a mistake, or was not thought through.
"""

from __future__ import annotations

import itertools

import pytest

from roadwarden.access.people import ALL_AREAS, ANYBODY, EVERY_RIGHT, Account, Principal, Way, account_name
from roadwarden.access.policy import acting, approving, forbids, may, sight
from roadwarden.cases.events import EventType, Role
from roadwarden.cases.permissions import Belongs, Permissions, shipped_permissions
from roadwarden.cases.rights import OF_CASES, Right
from roadwarden.errors import ConfigError, Forbidden

ROLES = tuple(Role)
RIGHTS = """
                     supervisor intake duty dispatcher crew chief auditor admin assessor system citizen
cases.read           x          x      x    x          x    x     x       x     x        x      .
cases.record         x          x      x    x          x    x     .       x     x        x      .
personal.read        .          x      x    x          .    x     x       .     .        .      .
evidence.read        x          x      x    x          x    x     x       .     x        x      .
evidence.add         x          x      x    x          x    .     .       .     .        x      .
originals.read       .          x      .    .          .    .     x       .     .        .      .
tips.settle          .          x      x    .          .    .     .       .     .        .      .
reports.file         .          .      .    .          .    .     .       .     .        .      x
roads.read           x          x      x    x          x    x     x       x     x        x      .
figures.read         x          x      x    x          .    x     x       x     .        x      .
ledger.read          x          x      x    x          .    x     x       x     .        x      .
bundles.read         .          .      x    .          .    .     x       .     .        .      .
models.read          .          .      .    .          .    x     x       x     x        x      .
models.move          .          .      .    .          .    .     .       x     .        .      .
people.manage        .          .      .    .          .    .     .       x     .        .      .
reads.read           .          .      .    .          .    .     x       x     .        .      .
tokens.own           x          x      x    x          x    x     x       x     .        .      .
integrations.manage  .          .      .    .          .    .     .       x     .        .      .
"""
EVENTS = """  x records, a approves what another person records, b both
                     supervisor intake duty dispatcher crew chief auditor admin assessor system citizen
filed                x          x      x    .          .    .     .       x     .        x      x
severity_changed     b          x      b    .          .    b     .       .     .        x      .
dispatched           .          .      x    x          .    .     .       .     .        x      .
accepted             .          .      .    x          x    .     .       .     .        .      .
repair_started       .          .      .    x          x    .     .       .     .        .      .
repair_reported      .          .      .    .          x    .     .       .     .        .      .
self_handled         x          .      .    .          x    .     .       .     .        .      .
assessed             x          x      x    .          .    x     .       .     x        .      .
evidence_requested   x          x      x    .          .    x     .       .     x        .      .
time_accepted        a          .      b    .          .    a     .       .     .        .      .
closed               .          .      x    .          .    .     .       .     .        x      .
reopened             x          x      x    .          .    x     .       .     .        x      .
extended             a          .      b    x          x    b     .       .     .        .      .
parked               a          .      b    x          x    b     .       .     .        .      .
resumed              .          .      x    x          x    x     .       .     .        x      .
handed_back          .          .      .    x          x    .     .       .     .        .      .
transferred          .          x      x    x          .    .     .       .     .        x      .
voided               b          x      b    .          .    b     .       .     .        .      .
absorbed             .          x      x    .          .    .     .       x     .        x      .
released             .          x      x    .          .    .     .       x     .        x      .
merged               .          x      x    .          .    .     .       x     .        x      .
unmerged             .          x      x    .          .    .     .       x     .        x      .
safety_measure       x          .      x    x          x    x     .       .     .        .      .
"""
OF_AREAS = {Role.SUPERVISOR, Role.INTAKE, Role.DUTY_OFFICER, Role.DISPATCHER, Role.ROAD_CHIEF}
PLACES = tuple(
    Belongs(area, department, crew)
    for area, department, crew in itertools.product(
        ("west", "east", None), ("roads", "gas", None), ("r-1", "r-2", None)
    )
)
TABLE = shipped_permissions()


def table(text):
    lines = [line.split() for line in text.strip("\n").splitlines()]
    rows = [line for line in lines if len(line) == len(ROLES) + 1]
    return {row[0]: dict(zip(ROLES, row[1:], strict=True)) for row in rows}


MAY, DOES = table(RIGHTS), table(EVENTS)


def principal(*roles, scopes=EVERY_RIGHT, areas=("west",), department="roads", crew="r-1", **more):
    account = Account("li", "Li", frozenset(roles), frozenset(areas), department, crew, **more)
    return Principal(account, Way.TOKEN, frozenset(scopes), "t")


def in_scope(role, place):
    """By hand: where a role of somebody of crew r-1 of the department roads, area west, acts."""
    if role in OF_AREAS:
        return place.area == "west"
    if role is Role.CREW:
        return place.department == "roads" and place.crew in ("r-1", None)
    return True


def test_the_tables_name_every_right_every_event_and_every_role():
    assert set(MAY) == {right.value for right in Right}
    assert set(DOES) == {kind.value for kind in EventType}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("right", tuple(Right))
def test_every_right_of_every_role_on_every_case(role, right):
    who, has = principal(role), MAY[right.value][role] == "x"
    assert may(who, right, TABLE) == has
    for place in PLACES:
        wanted = has and (right not in OF_CASES or in_scope(role, place))
        assert may(who, right, TABLE, place) == wanted, place
        assert not may(principal(role, scopes=EVERY_RIGHT - {right}), right, TABLE, place)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", tuple(EventType))
def test_every_event_of_every_role_on_every_case(role, kind):
    who, word = principal(role), DOES[kind.value][role]
    records = MAY["cases.record"][role] == "x"
    for place in PLACES:
        here = records and in_scope(role, place)
        assert allowed(acting, who, kind, place) == (here and word in "xb"), place
        assert allowed(approving, who, kind, place) == (here and word in "ab"), place


def allowed(ask, who, kind, place):
    try:
        person = ask(who, kind, TABLE, place)
    except Forbidden:
        return False
    return (person.actor, person.role) == ("li", next(iter(who.account.roles)))


@pytest.mark.parametrize(("one", "other"), tuple(itertools.combinations(ROLES, 2)))
def test_two_roles_may_what_either_may_and_see_what_either_sees(one, other):
    both = principal(one, other)
    for right, place in itertools.product(Right, PLACES):
        either = may(principal(one), right, TABLE, place) or may(principal(other), right, TABLE, place)
        assert may(both, right, TABLE, place) == either


@pytest.mark.parametrize("role", ROLES)
def test_what_a_list_shows_is_what_may_be_read(role):
    """The same question asked of one case, and of a list, has one answer."""
    who = principal(role)
    if MAY["cases.read"][role] != "x":
        with pytest.raises(Forbidden):
            sight(who, TABLE)
        return
    seen = sight(who, TABLE)
    for place in PLACES:
        listed = seen.everything or any(
            (part.areas is None or place.area in part.areas)
            and (part.department is None or place.department == part.department)
            and (part.crew is None or place.crew in (part.crew, None))
            for part in seen.parts
        )
        assert listed == may(who, Right.CASES_READ, TABLE, place), place


def test_all_areas_none_and_nobody():
    assert sight(principal(Role.INTAKE, areas=(ALL_AREAS,)), TABLE).everything
    assert sight(principal(Role.INTAKE, areas=()), TABLE).parts == ()
    assert sight(principal(Role.CREW, department=None), TABLE).parts == ()
    assert not may(principal(), Right.CASES_READ, TABLE)
    gone = principal(Role.DUTY_OFFICER, disabled_at=1)
    assert "disabled" in forbids(gone, Right.CASES_READ, TABLE)
    assert [right for right in Right if may(ANYBODY, right, TABLE)] == [Right.REPORTS_FILE]


def test_a_role_that_is_named_must_be_held():
    both = principal(Role.SUPERVISOR, Role.DUTY_OFFICER)
    here = Belongs("west")
    assert acting(both, EventType.CLOSED, TABLE, here).role is Role.DUTY_OFFICER
    assert acting(both, EventType.VOIDED, TABLE, here).role is Role.SUPERVISOR
    assert acting(both, EventType.VOIDED, TABLE, here, Role.DUTY_OFFICER).role is Role.DUTY_OFFICER
    with pytest.raises(Forbidden, match="is no administrator"):
        acting(both, EventType.FILED, TABLE, here, Role.ADMINISTRATOR)


@pytest.mark.parametrize(
    ("role", "right", "why"),
    [
        (Role.AUDITOR, Right.CASES_RECORD, "changes nothing"),
        (Role.CITIZEN, Right.CASES_READ, "only file reports"),
        (Role.CREW, Right.PEOPLE_MANAGE, "only an administrator"),
    ],
)
def test_no_citys_table_hands_out_what_nobody_may_have(role, right, why):
    rows = [row.model_dump(mode="json") for row in TABLE.roles]
    for row in rows:
        if row["role"] == role:
            row["may"] = [*row["may"], right.value]
    with pytest.raises(ValueError, match=why):
        Permissions.model_validate({"version": "mine", "roles": rows}, strict=False)


@pytest.mark.parametrize("name", ["", " ", "a:b", "a/b", "a b", "x" * 65, "-a", "a\nb", "anybody", "a@b", "<b>"])
def test_a_name_that_events_and_approvals_cannot_carry_is_refused(name):
    with pytest.raises(ConfigError, match="no name for an account"):
        account_name(name)
    assert account_name(" 李伟.2 ") == "李伟.2"
