"""``roadwarden user role|area|password|disable|enable|link|log``: what changes about people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cases.event_types import Role, format_time
from roadwarden.cli.case_common import AsJson, split
from roadwarden.cli.database import Database, opened
from roadwarden.cli.user_common import Name, operator, people, read_password, tell
from roadwarden.errors import ConfigError
from roadwarden.settings import SIGN_ON_VARIABLE, sign_on_file


def register(group: typer.Typer) -> None:
    """Adds the commands to ``roadwarden user``."""
    for act in (role, area, password, disable, enable, link, log):
        group.command()(act)


def role(
    name: Name,
    roles: Annotated[list[Role] | None, typer.Argument(help="these and no others; none takes all away")] = None,
    department: Annotated[str | None, typer.Option(help="where he works from now on")] = None,
    crew: Annotated[str | None, typer.Option(help="his crew in it")] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Set the roles of an account, and where it works.

    Example: roadwarden user role han crew --department roads --crew roads-2
    """
    change = people(database).change(name, operator(), roles=roles or (), department=department, crew=crew)
    tell(change, as_json=as_json)


def area(
    name: Name,
    areas: Annotated[str, typer.Argument(help="with commas, these and no others; * for all")],
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Set the areas of an account.

    Example: roadwarden user area li west-lake,east
    """
    tell(people(database).change(name, operator(), areas=split(areas)), as_json=as_json)


def password(name: Name, database: Database = None) -> None:
    """Set a password: asks for it, or reads it from standard input; who was logged in with the old one is not any more.

    Example: roadwarden user password li < password.txt
    """
    people(database).set_password(name, read_password(), operator())
    print(f"{name} has a new password; sessions with the old one have ended")


def disable(name: Name, database: Database = None) -> None:
    """Let somebody in no more: sessions and tokens end at once, what he did stays in his name.

    Example: roadwarden user disable li
    """
    people(database).disable(name, operator())
    print(f"{name} is disabled; sessions and tokens have ended")


def enable(name: Name, database: Database = None) -> None:
    """Let somebody in again; his tokens stay revoked.

    Example: roadwarden user enable li
    """
    people(database).enable(name, operator())
    print(f"{name} may log in again")


def link(
    name: Name,
    subject: Annotated[str, typer.Argument(help="his subject (sub) at the login server, which never changes")],
    sign_on: Annotated[
        Path | None, typer.Option(help="YAML file of the login server; without it ROADWARDEN_SIGN_ON")
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody who has an account here log in through the login server; what he may stays as it is here.

    Example: roadwarden user link li 5f2d7c1e-8a55-4c0a-9f0e-0e9d6c1b2a3f --sign-on sign-on.yaml
    """
    from roadwarden.service.single_sign_on.accounts import SignOn
    from roadwarden.service.single_sign_on.settings import read_sign_on

    file = sign_on or sign_on_file()
    if file is None:
        raise ConfigError(f"which login server? Give --sign-on FILE, or name it in {SIGN_ON_VARIABLE}")
    tell(SignOn(opened(database), read_sign_on(file)).link(name, subject, operator()), as_json=as_json)


def log(
    name: Annotated[str | None, typer.Argument(help="only of this account")] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Show who changed what about whom.

    Example: roadwarden user log li
    """
    from roadwarden.storage.engine import reading
    from roadwarden.storage.people import PeopleStore

    with reading(opened(database)) as connection:
        found = PeopleStore(connection).recorded(name)
    for one in found:
        told = {"at": format_time(one.at), "actor": one.actor, "person": one.person, "what": one.what}
        if as_json:
            print(json.dumps(told | {"details": dict(one.details)}, ensure_ascii=False))
        else:
            print(*told.values(), json.dumps(dict(one.details), ensure_ascii=False))
