"""Where something stands in another system's JSON, and what it means to us: pure functions over nested dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from roadwarden.cases.event_types import parse_time
from roadwarden.errors import DataError

Plain = str | int | float | bool
MISSING: Final = object()


class Strict(BaseModel):
    """Part of a partner's file: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Value(Strict):
    """One value: from a place in a message, or always the same. A text alone is short for the place."""

    at: str | None = Field(default=None, min_length=1, description="place, names with dots between: data.taskNum")
    value: Plain | None = Field(default=None, description="always this")
    codes: dict[str, Plain] = Field(default={}, description="what is found there, to what it means")
    otherwise: Plain | None = Field(default=None, description="for what is missing, or none of the codes")
    each: str | None = Field(default=None, min_length=1, description="of a list: the place in every entry")
    time: str | None = Field(
        default=None, min_length=1, description="form of a time, as strftime has it; else ISO 8601"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Value:
        if (self.at is None) == (self.value is None):
            raise ValueError("wanted one of 'at: PLACE' and 'value: …'")
        return self

    def meanings(self) -> tuple[Plain, ...]:
        """All that it can turn into by itself: constants and what codes mean."""
        return tuple(one for one in (self.value, self.otherwise, *self.codes.values()) if one is not None)


def _place(written: object) -> object:
    return {"at": written} if isinstance(written, str) else written


ValueOf = Annotated[Value, BeforeValidator(_place)]


def look(message: object, place: str) -> Any:
    """What stands at a place; ``MISSING`` where there is nothing, or null."""
    found = message
    for name in place.split("."):
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return MISSING
    return MISSING if found is None else found


def read(value: Value, message: object) -> Any:
    """What a value is in a message; ``MISSING`` where it says nothing. Raises DataError for a code nobody knows."""
    if value.at is None:
        return value.value
    found = look(message, value.at)
    if value.each is not None and found is not MISSING:
        if not isinstance(found, list):
            raise DataError(f"{value.at}: wanted a list")
        return [one for one in (look(entry, value.each) for entry in found) if one is not MISSING]
    if found is MISSING:
        return MISSING if value.otherwise is None else value.otherwise
    return _meaning(value, found) if value.codes else found


def _meaning(value: Value, found: object) -> Any:
    known = value.codes.get(str(found), value.otherwise)
    if known is None:
        raise DataError(f"{value.at}: nobody knows the code '{found}'; known are {', '.join(sorted(value.codes))}")
    return known


def put(message: dict[str, Any], place: str, value: object) -> None:
    """Writes a value at a place, making what lies on the way."""
    *way, name = place.split(".")
    for part in way:
        message = message.setdefault(part, {})
    message[name] = value


def as_time(found: object, place: str, form: str | None, zone: ZoneInfo) -> datetime:
    """A time that a partner has written; one without an offset is of his zone. Raises DataError."""
    try:
        if form is not None:
            read_as = datetime.strptime(str(found), form)  # noqa: DTZ007 - the zone comes next
            found = read_as if read_as.tzinfo else read_as.replace(tzinfo=zone)
        return parse_time(found)
    except ValueError as exc:
        raise DataError(f"{place}: '{found}' is no time as the partner's file has it: {exc}") from exc


def matches(when: Mapping[str, object], message: object) -> bool:
    """Whether at each place stands what is wanted there: one value, or one of several. Numbers count as their text."""
    return all(_is_one_of(look(message, place), wanted) for place, wanted in when.items())


def _is_one_of(found: object, wanted: object) -> bool:
    several = wanted if isinstance(wanted, list | tuple) else (wanted,)
    return found is not MISSING and str(found) in {str(one) for one in several}
