"""The files of other systems, as commands and the server read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cli.city_tables import domain_table, filing_table
from roadwarden.settings import PARTNERS_VARIABLE, partners_folder

if TYPE_CHECKING:
    from roadwarden.service.cases import CaseDesk
    from roadwarden.service.inbox import InboxDesk
    from roadwarden.service.integrations.partner import Partner

Partners = Annotated[
    Path | None,
    typer.Option(help=f"folder with a file for each other system; without it {PARTNERS_VARIABLE}, and else none"),
]


def known_partners(folder: Path | None = None) -> dict[str, Partner]:
    """By name; none where no folder is named. Raises ConfigError."""
    from roadwarden.service.integrations.partner import read_partners

    where = folder or partners_folder()
    return {} if where is None else {one.name: one for one in read_partners(where, domain_table())}


def inbox_desk(desk: CaseDesk, folder: Path | None = None) -> InboxDesk | None:
    """None where no partner may tell us anything. Raises ConfigError, also for a key that cannot be read."""
    from roadwarden.service.filing import FilingRules
    from roadwarden.service.inbox import InboxDesk, by_name

    found = by_name(known_partners(folder).values())
    rules = FilingRules(filing=filing_table(), domains=domain_table())
    return InboxDesk(desk, found, rules) if found else None
