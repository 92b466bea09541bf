"""A desk for requests of citizens, with pictures that are told at once."""

from __future__ import annotations

import hashlib

from desks import desk_of

from roadwarden.cases.events import Role
from roadwarden.cases.permissions import Person
from roadwarden.cases.requests import Asked, Channel
from roadwarden.service.evidence import EvidenceDesk, PictureRead
from roadwarden.service.near_by import RoadsAtHand
from roadwarden.service.requests import RequestDesk, Submission, submit
from roadwarden.storage.blobs import open_blobs

EVERYWHERE = frozenset({"*"})
INTAKE = Person("u1", Role.INTAKE, EVERYWHERE)
DISPATCHER = Person("u2", Role.DISPATCHER, EVERYWHERE)
DUTY = Person("u3", Role.DUTY_OFFICER, EVERYWHERE)
HERE = (30.2741, 120.1551)
METRE = 1 / 111_000


class Glance:
    """Takes any bytes for a picture, and no two for the same."""

    def read(self, data, limits):
        number = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
        return PictureRead("jpeg", 640, 480, number, b"redacted " + data, "none")

    def show_the_same(self, one, other):
        return False

    def close(self):
        pass


def request_desk(engine, clock, tmp_path, **more):
    evidence = EvidenceDesk(engine, open_blobs(f"{tmp_path}/blobs"), Glance(), now=clock)
    return RequestDesk(desk_of(engine, clock), evidence, RoadsAtHand(engine), **more)


def asked(service="pothole", north_m=0.0, **more):
    return Asked(service, latitude=HERE[0] + north_m * METRE, longitude=HERE[1], **more)


def ask(desk, service="pothole", north_m=0.0, how=None, **more):
    return submit(desk, asked(service, north_m, **more), how or Submission(Channel.OPEN311, "fms"))
