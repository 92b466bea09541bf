"""``roadwarden user token issue|list|rotate|revoke``: tokens for programs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cases.event_types import format_time
from roadwarden.cases.rights import Right
from roadwarden.cli.case_common import AsJson
from roadwarden.cli.database import Database
from roadwarden.cli.user_common import Name, operator, people

if TYPE_CHECKING:
    from roadwarden.access.people import Token
    from roadwarden.service.people import Issued

TokenId = Annotated[str, typer.Argument(help="id of the token, see 'roadwarden user token list'")]


def register(group: typer.Typer) -> None:
    """Adds the group ``roadwarden user token``."""
    tokens = typer.Typer(help="Tokens for programs; a secret is shown once.", no_args_is_help=True)
    tokens.command()(issue)
    tokens.command("list")(list_tokens)
    tokens.command()(rotate)
    tokens.command()(revoke)
    group.add_typer(tokens, name="token")


def issue(
    name: Name,
    scope: Annotated[list[Right], typer.Option(help="what it opens of what he may; may be given again")],
    label: Annotated[str, typer.Option(help="what it is for")] = "",
    days: Annotated[int, typer.Option(min=1, max=366, help="how long it opens anything")] = 90,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Issue a token. Its secret is on standard output, this once.

    Example: roadwarden user token issue li --scope cases.read --label "board in the hall"
    """
    issued = people(database).issue(name, label or "no label", scope, timedelta(days=days), operator())
    _show(issued, as_json=as_json)


def list_tokens(name: Name, database: Database = None, as_json: AsJson = False) -> None:
    """List the tokens of an account, dead ones too.

    Example: roadwarden user token list li
    """
    found = people(database).tokens_of(name)
    if as_json:
        print(json.dumps([_told(token) for token in found], ensure_ascii=False, indent=2))
        return
    for token in found:
        print(_line(token))
    if not found:
        print("no tokens; 'roadwarden user token issue' makes one")


def rotate(
    token: TokenId,
    hours: Annotated[float, typer.Option(min=0, help="how long the old one still opens")] = 24,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Issue a token in place of another one, which still opens for a day.

    Example: roadwarden user token rotate 5f0c91ab77d2e1a4
    """
    _show(people(database).rotate(token, operator(), timedelta(hours=hours)), as_json=as_json)


def revoke(token: TokenId, database: Database = None) -> None:
    """End a token at once.

    Example: roadwarden user token revoke 5f0c91ab77d2e1a4
    """
    people(database).revoke(token, operator())
    print(f"token {token} opens nothing any more")


def _show(issued: Issued, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_told(issued.token) | {"token": issued.secret.text}, ensure_ascii=False))
        return
    print(_line(issued.token))
    print("shown this once:")
    print(issued.secret.text)


def _line(token: Token) -> str:
    state = f"revoked {format_time(token.revoked_at)}" if token.revoked_at else f"until {format_time(token.expires_at)}"
    return f"{token.id} of {token.person} ({token.label}): {' '.join(sorted(token.scopes))}; {state}"


def _told(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "person": token.person,
        "label": token.label,
        "scopes": sorted(token.scopes),
        "created_at": format_time(token.created_at),
        "expires_at": format_time(token.expires_at),
        "revoked_at": None if token.revoked_at is None else format_time(token.revoked_at),
    }
