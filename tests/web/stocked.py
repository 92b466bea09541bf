"""A served city in which every queue holds something and pictures are there to look at: all of them synthetic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from city_server import CityServer, server_on
from reviews import review_of

from roadwarden.cases.campaigns import CampaignTable
from roadwarden.cases.event_types import EventType
from roadwarden.cases.events import (
    Accepted,
    Assessed,
    Dispatched,
    Filed,
    RepairReported,
    RepairStarted,
    Role,
    Verdict,
    parse_data,
)
from roadwarden.cases.permissions import Person
from roadwarden.cases.requests import Asked, Channel
from roadwarden.cli.demo_pictures import demo_street, photos
from roadwarden.eval.review_desk import ReviewDesk
from roadwarden.service.defects import Whole, whole
from roadwarden.service.requests import Submission, submit
from roadwarden.storage.case_rows import CaseFilter
from roadwarden.storage.case_unit import reading
from roadwarden.storage.evidence import UseKind
from roadwarden.storage.pictures import FramePlace
from roadwarden.storage.unit import writing
from roadwarden.taxonomy import DistressType
from roadwarden.vision.decode import decode
from roadwarden.web.api.wishes import wishes_of

EVERYWHERE = frozenset({"*"})
INTAKE = Person("intake", Role.INTAKE, EVERYWHERE)
DISPATCHER = Person("dispatch", Role.DISPATCHER, EVERYWHERE)
ASSESSOR = Person("assessor", Role.ASSESSOR)
CREW = Person("foreman", Role.CREW, department="roads", crew="crew-1")
SEED, FRAMES = 7, 6


@dataclass(frozen=True)
class Names:
    """What pages are asked for."""

    judged: str  # a case with pictures of before and after, waiting for a verdict
    job: str  # a case that crew-1 works on
    defect: str  # of both, with pictures of its sightings
    place: str  # scale and place on the map


CAMPAIGNS = CampaignTable.model_validate(
    {
        "version": "1",
        "zone": "Asia/Shanghai",
        "campaigns": [
            {
                "id": "holes",
                "english": "Holes first",
                "chinese": "坑槽专项整治",
                "from": "2026-11-25",
                "days": 3,
                "problems": ["pothole"],
                "goal": "两日内修复",
            }
        ],
    }
)


@contextmanager
def stocked_server(kept: Path, folder: Path, now: datetime) -> Iterator[tuple[CityServer, Names]]:
    """A running server on a copy of the city."""
    review = ReviewDesk(folder / "review")
    with server_on(kept, folder, now, campaigns=CAMPAIGNS, review=review) as server:
        yield server, stocked(server, folder)


def stocked(server, folder) -> Names:
    """Fills the queues of ``server``; the synthetic street that pictures are of is written below ``folder``."""
    street = demo_street(SEED, FRAMES)
    street.write(folder / "street", FRAMES, SEED)
    _laid_out(folder / "street", folder / "review")
    hole = next(one for one in street.street.defects if one.type is DistressType.POTHOLE)
    before = photos(street.scene((), 10.0), hole, server.time - timedelta(days=1), 1)
    after = photos(street.scene([hole], 15.0), hole, server.time, 3)
    found = _pothole_of(server)
    _keep_sightings(server, found, folder / "street")
    judged, job = (_job(server, found, before) for _ in range(2))
    server.parts.desk.record(CREW, judged, RepairReported(tuple(_taken_in(server, judged, after))))
    _filed(server, found)
    _judged(server, found)
    _asked_for(server, job)
    _reported_by_citizen(server, found, before[1])
    where = found.defect.position
    return Names(judged, job, found.defect.id, f"18.6/{where.lat:.5f}/{where.lon:.5f}")


def _pothole_of(server) -> Whole:
    """A pothole of the west lake that was seen more than once."""
    with reading(server.parts.engine) as unit:
        rows = unit.rows.list(CaseFilter(area="west-lake"), server.time, most=500)
    known = [whole(server.parts.engine, row.defect) for row in rows if row.defect and row.distress == "pothole"]
    return max(known, key=lambda one: (len(one.sightings), one.defect.id))


def _keep_sightings(server, found, archive) -> None:
    """Its sightings are to be seen in the frames of the street that show a pothole."""
    frames = json.loads((archive / "truth.json").read_text(encoding="utf-8"))["frames"]
    shown = [(one["frame"], box) for one in frames for box in one["boxes"] if box["type"] == "pothole"]
    shown = [entry for entry in shown if entry[1]["distance_m"] < 12] or shown
    places, boxes = {}, {}
    for number, one in enumerate(found.sightings):
        path, box = shown[number % len(shown)]
        places[one.frame] = FramePlace(str(archive), path)
        boxes[one.id] = tuple(box["box_xyxy"])
    with writing(server.parts.engine) as unit:
        unit.pictures.keep(places, boxes)


def _laid_out(archive, to) -> None:
    """A review of its frames, in each of which the model took the first defect for a patch."""
    shown = json.loads((archive / "truth.json").read_text(encoding="utf-8"))["frames"]
    shown = [one for one in shown if one["boxes"]][:3]
    pictures = [(archive / one["frame"]).read_bytes() for one in shown]
    height, width = decode(pictures[0]).shape[:2]
    review_of(to, pictures, (width, height), tuple(shown[-1]["boxes"][0]["box_xyxy"]))


def _taken_in(server, case, pictures):
    desk = server.parts.requests.evidence
    kept = [desk.take_in(one, received_from="foreman").sha256 for one in pictures]
    desk.belongs(UseKind.CASE, case, kept)
    return kept


def _filed(server, found, before=()) -> str:
    """A case about the defect that nobody has been sent to."""
    place, road = found.defect.position, found.defect.road
    filed = Filed(
        found.defect.vote.type.value, found.defect.severity, area="west-lake", domain="pavement", owner="city",
        latitude=place.lat, longitude=place.lon, segment=road.segment, defect=found.defect.id, source="camera",
    )  # fmt: skip
    case = server.parts.desk.file(INTAKE, filed).row.case_id
    _taken_in(server, case, before)
    return case


def _job(server, found, before=()) -> str:
    """Such a case, that crew-1 has begun to work on."""
    case, desk = _filed(server, found, before), server.parts.desk
    desk.record(DISPATCHER, case, Dispatched("roads", "crew-1"))
    for data in (Accepted(), RepairStarted()):
        desk.record(CREW, case, data)
    return case


def _judged(server, found) -> None:
    """Such a case, mended by the machine's word, and not closed yet."""
    case, desk = _job(server, found), server.parts.desk
    desk.record(CREW, case, RepairReported())
    desk.record(ASSESSOR, case, Assessed(Verdict.REPAIRED, desk.events(case)[-1].seq))


def _asked_for(server, case) -> None:
    until = (server.time + timedelta(days=1)).isoformat()
    wanted = parse_data(EventType.PARKED, {"reason": "rain", "until": until})
    version = server.parts.desk.row(case).version
    wishes_of(server.parts).ask(CREW, case, EventType.PARKED, wanted, version, "rain")


def _reported_by_citizen(server, found, picture) -> None:
    kept = server.parts.requests.evidence.take_in(picture, received_from="page").sha256
    place = found.defect.position
    asked = Asked("pothole", "很深, 下雨时看不见", latitude=place.lat + 0.02, longitude=place.lon)
    submit(server.parts.requests, asked, Submission(Channel.PAGE, "page", "one", (kept,), followed=True))
