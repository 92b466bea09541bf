"""``roadwarden user``: who may be let in, and what he is."""

from __future__ import annotations

import getpass
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cases.event_types import Role
from roadwarden.cli.case_common import AsJson, split
from roadwarden.cli.database import Database, opened
from roadwarden.errors import ConfigError

if TYPE_CHECKING:
    from roadwarden.access.people import Account
    from roadwarden.service.people import People

Name = Annotated[str, typer.Argument(help="name of the account: the actor of its events")]
Roles = Annotated[list[Role] | None, typer.Option("--role", help="role; may be given again")]
Areas = Annotated[str, typer.Option(help="areas, with commas; * for all")]
Display = Annotated[str | None, typer.Option(help="name that people read; without it the account's")]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    group = typer.Typer(help="People, roles, areas, passwords and tokens.", no_args_is_help=True)
    for act in (init, add):
        group.command()(act)
    group.command("list")(list_people)
    app.add_typer(group, name="user")


def init(name: Name, display: Display = None, database: Database = None, as_json: AsJson = False) -> None:
    """Make the first administrator; asks for a password, or reads it from standard input.

    Example: roadwarden user init wang < password.txt
    """
    account = people(database).first_administrator(name, display or name, read_password())
    tell(account, as_json=as_json)


def add(
    name: Name,
    role: Roles = None,
    areas: Areas = "",
    department: Annotated[str | None, typer.Option(help="where he works")] = None,
    crew: Annotated[str | None, typer.Option(help="his crew")] = None,
    display: Display = None,
    password: Annotated[
        bool, typer.Option("--password/--no-password", help="ask for one, or let him in otherwise")
    ] = True,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Make an account; asks for its password, or reads it from standard input.

    Example: roadwarden user add li --role intake --areas west-lake
    """
    from roadwarden.access.people import Account

    account = Account(name, display or name, frozenset(role or ()), split(areas), department, crew)
    tell(people(database).add(account, operator(), read_password() if password else None), as_json=as_json)


def list_people(database: Database = None, as_json: AsJson = False) -> None:
    """List accounts.

    Example: roadwarden user list
    """
    accounts = people(database).all()
    if as_json:
        print(json.dumps([told(account) for account in accounts], ensure_ascii=False, indent=2))
        return
    for account in accounts:
        print(line_of(account))
    if not accounts:
        print("nobody yet; 'roadwarden user init NAME' makes the first administrator")


def people(database: str | None) -> People:
    """The use cases on a database."""
    from roadwarden.service.people import People  # SQLAlchemy takes its time

    return People(opened(database))


def operator() -> str:
    """Who sits at the machine, for the record of changes."""
    return f"cli:{getpass.getuser()}"


def read_password() -> str:
    """From the terminal, twice; else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    first, second = getpass.getpass("password: "), getpass.getpass("once more: ")
    if first != second:
        raise ConfigError("the two passwords differ; nothing was changed")
    return first


def tell(account: Account, *, as_json: bool) -> None:
    """What he is now."""
    print(json.dumps(told(account), ensure_ascii=False) if as_json else line_of(account))


def told(account: Account) -> dict[str, object]:
    """For machines."""
    return {
        "name": account.name,
        "display_name": account.display_name,
        "roles": sorted(account.roles),
        "areas": sorted(account.areas),
        "department": account.department,
        "crew": account.crew,
        "disabled_at": None if account.disabled_at is None else account.disabled_at.isoformat(),
    }


def line_of(account: Account) -> str:
    """For people."""
    where = " ".join(filter(None, (account.department, account.crew)))
    parts = [
        f"{account.name} ({account.display_name})",
        ", ".join(sorted(account.roles)) or "no role",
        f"areas {', '.join(sorted(account.areas)) or 'none'}",
        where,
        "disabled" if account.disabled_at else "",
    ]
    return "; ".join(filter(None, parts))
