"""``roadwarden inbox``: what other systems have told us, what became of it, and what a message would do."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cases.events import format_time
from roadwarden.cli.case_common import AsJson, open_desk, shown, tell_counts
from roadwarden.cli.city_tables import domain_table
from roadwarden.cli.database import Database
from roadwarden.cli.partners import Partners, inbox_desk
from roadwarden.errors import ConfigError, DataError
from roadwarden.settings import PARTNERS_VARIABLE
from roadwarden.storage.inbox_tables import InboxState

if TYPE_CHECKING:
    from roadwarden.storage.inbox import KeptMessage

inbox_app = typer.Typer(help="What other systems tell us.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="name of the partner")]


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(inbox_app, name="inbox")
    inbox_app.command("list")(list_)


@inbox_app.command()
def status(database: Database = None, as_json: AsJson = False) -> None:
    """Show how many messages of each partner were applied, rejected, ignored, or wait.

    Example: roadwarden inbox status
    """
    from roadwarden.storage.inbox import reading

    with reading(open_desk(database).engine) as unit:
        found = unit.counts()
    tell_counts(found, InboxState, "no message yet", as_json=as_json)


def list_(
    state: Annotated[InboxState | None, typer.Option(help="only those")] = None,
    partner: Annotated[str | None, typer.Option(help="only of this one")] = None,
    most: Annotated[int, typer.Option(min=1, help="at most so many")] = 100,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List messages, the newest first, with what became of them.

    Example: roadwarden inbox list --state rejected
    """
    from roadwarden.storage.inbox import reading

    with reading(open_desk(database).engine) as unit:
        found = unit.list(state, partner, most)
    if as_json:
        print(json.dumps([_told(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        about = f" case {one.case}" if one.case else f" {one.message.subject}" if one.message.subject else ""
        reason = f": {one.reason}" if one.reason else ""
        print(f"{one.number} {shown(one.message.received_at)} {one.message.partner} {one.state}{about}{reason}")
    if not found:
        print("no message")


@inbox_app.command()
def show(
    number: Annotated[int, typer.Argument(help="as 'roadwarden inbox list' shows it")], database: Database = None
) -> None:
    """Print one message as it came, and what became of it, as JSON.

    Example: roadwarden inbox show 17
    """
    from roadwarden.storage.inbox import reading

    with reading(open_desk(database).engine) as unit:
        found = unit.get(number)
    if found is None:
        raise ConfigError(f"there is no message {number}; 'roadwarden inbox list' shows those there are")
    print(json.dumps(_told(found) | {"body": json.loads(found.message.body)}, ensure_ascii=False, indent=2))


@inbox_app.command()
def replay(
    partner: Name,
    number: Annotated[list[int] | None, typer.Option(help="only this message; may be given again")] = None,
    partners: Partners = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Try rejected messages again, after the partner's file or the case was put right.

    Example: roadwarden inbox replay roads-department
    """
    desk = inbox_desk(open_desk(database), partners)
    if desk is None:
        raise ConfigError(f"no partner is known; name the folder with {PARTNERS_VARIABLE} or --partners")
    done = desk.again(partner, number)
    told = {"applied": done.applied, "rejected": done.rejected, "ignored": done.ignored}
    print(json.dumps(told) if as_json else ", ".join(f"{count} {word}" for word, count in told.items()))


@inbox_app.command()
def check(
    file: Annotated[Path, typer.Argument(help="a partner's file")],
    message: Annotated[Path | None, typer.Option(help="JSON of a message of theirs")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a partner's file, and say what a message of theirs would do, without doing it.

    Example: roadwarden inbox check inference/integrations/department.yaml
    """
    from roadwarden.service.integrations.incoming import wish_of
    from roadwarden.service.integrations.partner import read_partner

    partner = read_partner(file, domain_table())
    box = partner.inbox
    if message is None:
        does = Counter(row.does.value for row in box.messages) if box else Counter()
        topics = [row.topic for row in partner.outgoing]
        told: dict[str, Any] = {"name": partner.name, "messages": dict(does), "outgoing": topics}
    elif box is None:
        raise ConfigError(f"{file}: it has no 'inbox': {partner.name} tells us nothing")
    else:
        wish = wish_of(partner, box, _message(message))
        told = {"does": wish.does.value, "theirs": wish.theirs, "ours": wish.ours, "role": wish.role}
        told |= {"happened_at": None if wish.happened_at is None else format_time(wish.happened_at)}
        told |= {"fields": {name: _plain(one) for name, one in wish.fields.items()}}
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    for name, one in told.items():
        print(f"{name}: {one}")


def _message(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise DataError(f"{path}: no JSON in UTF-8: {exc}") from exc
    if not isinstance(content, dict):
        raise DataError(f"{path}: a message is a JSON object")
    return content


def _plain(value: Any) -> Any:
    return format_time(value) if hasattr(value, "astimezone") else value


def _told(one: KeptMessage) -> dict[str, Any]:
    return {
        "number": one.number,
        "partner": one.message.partner,
        "id": one.message.id,
        "state": one.state.value,
        "subject": one.message.subject,
        "received_at": format_time(one.message.received_at),
        "happened_at": format_time(one.message.happened_at),
        "attempts": one.attempts,
        "settled_at": None if one.settled_at is None else format_time(one.settled_at),
        "case": one.case,
        "reason": one.reason,
    }
