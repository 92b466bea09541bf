"""``roadwarden user``: who may be let in, and what he is."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from roadwarden.cases.event_types import Role
from roadwarden.cli import user_change, user_token
from roadwarden.cli.case_common import AsJson, split
from roadwarden.cli.database import Database
from roadwarden.cli.user_common import Name, operator, people, read_password, tell, told

Roles = Annotated[list[Role] | None, typer.Option("--role", help="role; may be given again")]
Areas = Annotated[str, typer.Option(help="areas, with commas; * for all")]
Display = Annotated[str | None, typer.Option(help="name that people read; without it the account's")]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    group = typer.Typer(help="People, roles, areas, passwords and tokens.", no_args_is_help=True)
    for act in (init, add):
        group.command()(act)
    group.command("list")(list_people)
    user_change.register(group)
    user_token.register(group)
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
        tell(account, as_json=False)
    if not accounts:
        print("nobody yet; 'roadwarden user init NAME' makes the first administrator")
