"""For how long what tells of people is kept: ``tables/retention.yaml``, or a city's own."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path

from pydantic import Field

from roadwarden.cases.tables import Strict
from roadwarden.settings import read_shipped_table, read_strict_yaml
from roadwarden.storage.forgetting import Forgettable

_Days = int | None
_NAME = "retention.yaml"


class RetentionTable(Strict):
    """Days after which something is erased; null: never by this rule."""

    version: str = Field(min_length=1, description="of this table, for people")
    failed_logins: _Days = Field(ge=1, description="names and addresses of logins that failed")
    sessions: _Days = Field(ge=1, description="sessions of browsers, after they ended")
    personal_reads: _Days = Field(ge=1, description="who has read personal data of which case")
    command_keys: _Days = Field(
        ge=1, description="idempotency keys of commands; one that is forgotten can be used again"
    )
    wishes: _Days = Field(ge=1, description="wishes for an approval, after they were approved or refused")
    tip_words: _Days = Field(ge=1, description="notes of tips that are no citizen's, after they were filed or dropped")
    report_words: _Days = Field(
        ge=1, description="a citizen's words, answers and address, and what follows them, after his report has ended"
    )
    report_pictures: _Days = Field(
        ge=1, description="pictures that only reports of citizens hold, after the last of those has ended"
    )
    loose_pictures: _Days = Field(ge=1, description="pictures that were taken in and belong to nothing")
    case_words: _Days = Field(ge=1, description="names and free text of the events of a case, after it was closed")
    case_pictures: _Days = Field(ge=1, description="pictures of a case, after it was closed: its evidence")

    def keep(self, rule: Forgettable) -> timedelta | None:
        """For how long; None for ever."""
        days = getattr(self, rule.value)
        return None if days is None else timedelta(days=days)


@cache
def shipped_retention_table() -> RetentionTable:
    """The one that comes with the package."""
    return read_shipped_table(_NAME, RetentionTable)


def read_retention_table(path: Path) -> RetentionTable:
    """A city's own; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, RetentionTable)
