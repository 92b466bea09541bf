"""A city with two areas, its people, and a server of the real parts, asked through FastAPI's client."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from fastapi.testclient import TestClient

from roadwarden.access.people import EVERY_RIGHT, Account
from roadwarden.cases.domains import shipped_domain_table
from roadwarden.cases.events import Role
from roadwarden.cases.read_dispatch import shipped_dispatch_table
from roadwarden.inference.evidence_pictures import PictureReader
from roadwarden.ledger.note import SigningKey
from roadwarden.service.access import Access
from roadwarden.service.cases import CaseDesk
from roadwarden.service.evidence import EvidenceDesk
from roadwarden.service.near_by import RoadsAtHand
from roadwarden.service.people import People
from roadwarden.service.requests import RequestDesk
from roadwarden.storage.blobs import open_blobs
from roadwarden.web.app import create_app
from roadwarden.web.parts import Parts
from roadwarden.web.settings import WebSettings

sys.path.insert(0, str(Path(__file__).parent.parent / "service"))

from desks import Clock

PASSWORD = "correct horse battery"
LAKE, EAST = "west-lake", "east"
CITY = (
    Account("u1", "Li, intake", frozenset({Role.INTAKE}), frozenset({LAKE})),
    Account("u2", "Ma, dispatcher", frozenset({Role.DISPATCHER}), frozenset({LAKE})),
    Account("u3", "Wu, duty officer", frozenset({Role.DUTY_OFFICER}), frozenset({LAKE})),
    Account("u4", "Zhao, road chief", frozenset({Role.ROAD_CHIEF}), frozenset({LAKE})),
    Account("u5", "Sun, supervisor", frozenset({Role.SUPERVISOR}), frozenset({LAKE})),
    Account("u7", "Han, crew 7", frozenset({Role.CREW}), department="roads", crew="crew-7"),
    Account("u8", "Lu, crew 8", frozenset({Role.CREW}), department="roads", crew="crew-8"),
    Account("e1", "Qian, intake of the east", frozenset({Role.INTAKE, Role.DISPATCHER}), frozenset({EAST})),
    Account("audit", "Auditor", frozenset({Role.AUDITOR}), frozenset({"*"})),
    Account("root", "Administrator", frozenset({Role.ADMINISTRATOR}), frozenset({"*"})),
    Account("judge", "Assessing machine", frozenset({Role.ASSESSOR})),
)


EVERYBODY = Account("all", "Everybody", frozenset(Role), frozenset({"*"}), department="roads")


@dataclasses.dataclass
class ServedCity:
    """A server, and what stands behind it."""

    parts: Parts
    clock: Clock
    people: People
    client: TestClient

    def token(self, name, scopes=EVERY_RIGHT, lasts=timedelta(days=30)):
        return self.people.issue(name, "test", scopes, lasts, by="test").secret.text

    def auth(self, name, **more):
        return {"Authorization": f"Bearer {self.token(name, **more)}"}


def requests_of(desk):
    """The desk of citizens' requests, with pictures in a folder of its own; the face model comes with the first."""
    evidence = EvidenceDesk(desk.engine, open_blobs(tempfile.mkdtemp(prefix="blobs-")), PictureReader(), now=desk.now)
    return RequestDesk(desk, evidence, RoadsAtHand(desk.engine))


def people_of(engine):
    people = People(engine, now=Clock())
    for account in CITY:
        people.add(account, by="test")


def served_city(engine, clock=None, settings=None, now=None):
    clock = clock or Clock()
    at = now or clock
    people = People(engine, now=at)
    if not people.all():
        people_of(engine)
    dispatch = shipped_dispatch_table()
    desk = CaseDesk(engine, now=at)
    parts = Parts(
        engine=engine,
        desk=desk,
        access=Access(engine, now=at),
        dispatch=dispatch,
        domains=shipped_domain_table(),
        settings=settings or WebSettings(public_url="http://testserver", per_second=1000, burst=5000),
        signer=SigningKey.new("test/time"),
        requests=requests_of(desk),
    )
    return ServedCity(parts, clock, people, TestClient(create_app(parts), raise_server_exceptions=False))
