"""What the commands about people have in common."""

from __future__ import annotations

import getpass
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cli.database import opened
from roadwarden.errors import ConfigError

if TYPE_CHECKING:
    from roadwarden.access.people import Account
    from roadwarden.service.people import People

Name = Annotated[str, typer.Argument(help="name of the account: the actor of its events")]


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
