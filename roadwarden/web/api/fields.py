"""Types of fields that bodies and queries have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, AwareDatetime, Field

from roadwarden.cases.event_types import EARLIEST, LATEST, parse_text


def _within_calendar(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError("wanted a year from 1970 to 2199")
    return at


Word = Annotated[str, AfterValidator(parse_text), Field(min_length=1, max_length=200)]
Prose = Annotated[str, AfterValidator(parse_text), Field(min_length=1, max_length=4000)]
Moment = Annotated[AwareDatetime, AfterValidator(_within_calendar)]
CaseName = Annotated[str, Path(description="name of the case", min_length=1, max_length=200, examples=["2026-000001"])]
