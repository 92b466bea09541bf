"""What a server is made of, and how handlers get at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from roadwarden.cases.campaigns import CampaignTable
from roadwarden.cases.dispatch_table import DispatchTable
from roadwarden.cases.domains import DomainTable
from roadwarden.cases.permissions import Permissions
from roadwarden.cases.time_saved import Baseline
from roadwarden.eval.review_desk import ReviewDesk
from roadwarden.geo.city_layers import CityLayers
from roadwarden.geo.pmtiles import Basemap
from roadwarden.inference.sighting_pictures import SightingPictures
from roadwarden.ledger.note import SigningKey
from roadwarden.service.access import Access
from roadwarden.service.cases import CaseDesk
from roadwarden.service.inbox import InboxDesk
from roadwarden.service.ledger_bundles import FindPicture
from roadwarden.service.people import People
from roadwarden.service.requests import RequestDesk
from roadwarden.web.settings import WebSettings

if TYPE_CHECKING:
    from roadwarden.service.single_sign_on.door import Door  # wants the extra oidc


def no_picture(_sha256: str) -> bytes | None:
    """Where no pictures are kept."""
    return None


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that comes in; nothing below ``web`` is made elsewhere."""

    engine: Engine
    desk: CaseDesk  # writes to cases, with the city's policies and permissions
    access: Access
    dispatch: DispatchTable
    domains: DomainTable
    settings: WebSettings
    signer: SigningKey  # of the server's time
    requests: RequestDesk  # of citizens, with the desk of evidence
    ledger_key: SigningKey | None = None  # of the log; without it no bundles are made here
    pictures: FindPicture = no_picture  # that go into bundles, by their sha256
    inbox: InboxDesk | None = None  # none: no other system may tell us anything
    sign_on: Door | None = None  # a login server that vouches for people
    layers: CityLayers = field(default_factory=CityLayers)  # utility lines and pavements
    baseline: Baseline | None = None  # that time saved is measured against
    campaigns: CampaignTable | None = None  # none: the city has laid out none
    basemap: Basemap | None = None  # that the map is drawn on; none: the roads alone
    drift: Path | None = None  # report of 'roadwarden eval drift'
    review: ReviewDesk | None = None  # frames that people label; none: nobody does here
    sightings: SightingPictures | None = None  # none: frames of surveys are not shown

    @property
    def permissions(self) -> Permissions:
        """Who may what."""
        return self.desk.permissions

    @property
    def people(self) -> People:
        """Changes of accounts and tokens."""
        return People(self.engine, self.now)

    @property
    def now(self) -> Callable[[], datetime]:
        """The server's clock."""
        return self.desk.now


def parts_of(request: Request) -> Parts:
    """The parts of the server that got the request."""
    parts: Parts = request.app.state.parts
    return parts


async def _parts(request: Request) -> Parts:  # async, or FastAPI would go to another thread for it
    return parts_of(request)


PartsOf = Annotated[Parts, Depends(_parts)]
