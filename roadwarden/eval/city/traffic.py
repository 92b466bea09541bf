"""The messages of a day: what boxes on vehicles and on poles say, in the order in which it arrives. Pure, of the plan.

Every message is one of these: kept once, or refused because of its clock. ``Expected`` says which, by the ids that the
services give to frames and sightings.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from roadwarden.defects.placing import sighting_id
from roadwarden.eval.city.eyes import HEIGHT_PX, WIDTH_PX, Pole, Shot, drive
from roadwarden.eval.city.measured import Detector
from roadwarden.eval.city.plan import POLE_HOURS, CityPlan, Trip, trips
from roadwarden.geo.network import RoadNetwork
from roadwarden.inference.stream.values import frame_key
from roadwarden.service.city.damage import TrueDefect
from roadwarden.service.city.truth import Streets
from roadwarden.taxonomy import DistressType

MODEL = "roadwarden-yolo26n-4@69a7bf91300f"
NEVER_SET = datetime(1980, 1, 6, tzinfo=UTC)
_SOON_S, _DISORDER_S, _LATE_H, _AGAIN_H = 3.0, 120.0, (1.0, 30.0), (0.01, 20.0)


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """What a broker hands on."""

    arrives: datetime
    camera: str
    number: int
    body: bytes = field(compare=False)
    again: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Expected:
    """What the database has to hold of some days in the end, and nothing else."""

    frames: set[str] = field(default_factory=set)  # keys
    sightings: set[str] = field(default_factory=set)  # ids
    refused: int = 0  # messages of wrong clocks
    messages: int = 0  # deliveries, those of doubles too


@dataclass(frozen=True, slots=True)
class PoleLook:
    """One picture of a pole."""

    pole: Pole
    at: datetime


@dataclass(frozen=True, slots=True)
class Traffic:
    """Of one city."""

    plan: CityPlan
    network: RoadNetwork
    poles: Sequence[Pole]
    detector: Detector = field(default_factory=Detector)

    def sources(self, day: int) -> list[Trip | PoleLook]:
        """Who takes pictures on a day, in order of time."""
        looks = [
            PoleLook(pole, self.plan.day(day) + timedelta(hours=hour, seconds=7 * number))
            for number, pole in enumerate(self.poles)
            for hour in POLE_HOURS
        ]
        return sorted([*trips(self.plan, self.network, day), *looks], key=lambda one: one.at)

    def of(self, source: Trip | PoleLook, day: int, truth: Streets, expected: Expected) -> Sequence[Message]:
        """What it sends, some of it hours later. ``truth`` may know of later repairs: they change nothing."""
        if isinstance(source, Trip):
            found = list(self._of_trip(source, day, truth, expected))
        else:
            found = list(self._of_pole(source, day, truth, expected))
        expected.messages += len(found)
        return found

    def _of_trip(self, trip: Trip, day: int, truth: Streets, expected: Expected) -> Iterator[Message]:
        chance = self._chance(day, 1, trip.segment)
        present = truth.present([trip.segment], trip.at)
        shots = drive(self.network, trip.segment, trip.at, present, chance)
        faults = self.plan.faults
        wait_s = 3600 * float(chance.uniform(*_LATE_H)) if chance.random() < faults.late else 0.0
        disorder_s = _DISORDER_S if wait_s or chance.random() < faults.disorder else _SOON_S
        yield from self._messages(f"car-{trip.vehicle + 1:02d}", shots, chance, (wait_s, disorder_s), expected)

    def _of_pole(self, look: PoleLook, day: int, truth: Streets, expected: Expected) -> Iterator[Message]:
        chance = self._chance(day, look.at.hour, look.pole.name)
        shot = look.pole.look(look.at, truth.present([look.pole.segment], look.at), chance)
        yield from self._messages(look.pole.name, [shot], chance, (0.0, _SOON_S), expected)

    def _messages(
        self,
        camera: str,
        shots: Iterable[Shot],
        chance: np.random.Generator,
        waits_s: tuple[float, float],
        expected: Expected,
    ) -> Iterator[Message]:
        faults = self.plan.faults
        for number, shot in enumerate(shots):
            arrives = shot.at + timedelta(seconds=waits_s[0] + float(chance.uniform(1.0, waits_s[1])))
            unset = chance.random() < faults.unset_clock
            body = self._body(camera, shot, chance, expected, unset=unset)
            yield Message(arrives, camera, number, body)
            if chance.random() < faults.doubled:
                hours = float(chance.uniform(*_AGAIN_H)) if chance.random() < 0.3 else 0.01
                yield Message(arrives + timedelta(hours=hours), camera, number, body, again=True)
                expected.refused += unset

    def _body(
        self, camera: str, shot: Shot, chance: np.random.Generator, expected: Expected, *, unset: bool
    ) -> bytes:  # fmt: skip
        sha256 = hashlib.sha256(f"{self.plan.seed} {camera} {shot.at.isoformat()}".encode()).hexdigest()
        rows: list[dict[str, Any]] = [
            {
                "type": said.value,
                "score": round(float(np.clip(chance.normal(0.75, 0.1), 0.3, 0.99)), 3),
                "box_xyxy": box,
            }
            for one, box in shot.seen
            if (said := self._said(one, chance)) is not None
        ]
        at = shot.at
        if unset:
            expected.refused += 1
            at = NEVER_SET + (at - self.plan.begin) if chance.random() < 0.5 else at + timedelta(days=4)
        else:
            expected.frames.add(frame_key(camera, shot.at, sha256, MODEL))
            expected.sightings |= {sighting_id(sha256, MODEL, np.array(row["box_xyxy"], np.float32)) for row in rows}
        about: dict[str, Any] = {
            "captured_at": at.isoformat(),
            "frame_sha256": sha256,
            "width_px": WIDTH_PX,
            "height_px": HEIGHT_PX,
            "model": MODEL,
            "detections": rows,
        }
        if shot.position is not None:
            place = shot.position
            about["position"] = {
                "lat": place.lat,
                "lon": place.lon,
                "heading_deg": place.heading_deg,
                "speed_mps": place.speed_mps,
            }
        return json.dumps(about).encode()

    def _said(self, one: TrueDefect, chance: np.random.Generator) -> DistressType | None:
        see = self.detector.said if one.is_damage else self.detector.looks_like
        return see(one.type, chance)

    def _chance(self, day: int, what: int, name: str) -> np.random.Generator:
        return np.random.default_rng([self.plan.seed, day, what, zlib.crc32(name.encode())])
