"""The routers of the cockpit and the crew's page."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from roadwarden.web import assets, look
from roadwarden.web.pages import (
    board,
    cases,
    citizens,
    crew,
    figures,
    map,
    month,
    people,
    pictures,
    policy,
    type_queue,
    work,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    assets.router,
    look.router,
    map.router,
    board.router,
    cases.router,
    pictures.router,
    citizens.router,
    crew.router,
    work.router,
    type_queue.router,
    people.router,
    policy.router,
    month.router,
    figures.router,
)
"""A new page is one name here."""
