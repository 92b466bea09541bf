"""What the tables of this room have in common: strict rows, words in both languages, and names that must be known."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Part of a table: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Strict):
    """The same said in English and in Chinese."""

    english: str = Field(min_length=1, description="in English")
    chinese: str = Field(min_length=1, description="in Chinese")


class Named(Words):
    """A row that others refer to by its id."""

    id: str = Field(min_length=1, pattern=r"^[a-z0-9_-]+$", description="lower-case letters, digits, _ and -")


def require_known(names: Iterable[str], known: Iterable[str], row: str, what: str) -> None:
    """Raises ValueError that names the row and the first unknown name, with a suggestion."""
    listed = sorted(set(known))
    for name in names:
        if name not in listed:
            near = difflib.get_close_matches(name, listed, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(listed) or 'none'}"
            raise ValueError(f"{row}: unknown {what} '{name}'; {hint}")


def require_once(names: Iterable[str], what: str) -> None:
    """Raises ValueError that lists the names that occur more than once."""
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise ValueError(f"{what} listed twice: {', '.join(twice)}")
