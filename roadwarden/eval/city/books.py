"""The books of a run, in its folder: what was sent and promised, day by day, so that all of it can be looked for."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from roadwarden.errors import ConfigError
from roadwarden.eval.city.meter import Meter
from roadwarden.eval.city.plan import CityPlan
from roadwarden.eval.city.traffic import Expected, Message
from roadwarden.inference.workspace import write_json


@dataclass(slots=True)
class Books:
    """Of one folder; ``open`` reads what is there."""

    out: Path
    is_new: bool
    days: list[dict[str, Any]] = field(default_factory=list)  # seconds of each day that is finished
    meter: Meter = field(default_factory=Meter)
    counts: Counter[str] = field(default_factory=Counter)
    pending: list[Message] = field(default_factory=list)  # a heap: sent, and not there yet

    @classmethod
    def open(cls, out: Path, plan: CityPlan) -> Books:
        """Raises ConfigError for the folder of another plan."""
        place, told = out / "plan.json", plan.as_json()
        if not place.exists():
            (out / "expected").mkdir(parents=True, exist_ok=True)
            write_json(place, told)
            return cls(out, is_new=True)
        if json.loads(place.read_text(encoding="utf-8")) != json.loads(json.dumps(told)):
            raise ConfigError(f"{out} holds another city: name another folder, or go on with the same options")
        return cls._read(out)

    @classmethod
    def _read(cls, out: Path) -> Books:
        place = out / "state.json"
        if not place.exists():
            return cls(out, is_new=False)
        told = json.loads(place.read_text(encoding="utf-8"))
        pending = [_message(one) for one in told["pending"]]
        return cls(out, False, told["days"], Meter.read(told["meter"]), Counter(told["counts"]), sorted(pending))

    @property
    def days_done(self) -> int:
        """How many days are finished."""
        return len(self.days)

    def expect(self, day: int, expected: Expected) -> None:
        """What has to be there of a day."""
        lines = {
            "frames": sorted(expected.frames),
            "sightings": sorted(expected.sightings),
            "refused": expected.refused,
            "messages": expected.messages,
        }
        write_json(self.out / "expected" / f"day-{day:03d}.json", lines)

    def expected(self) -> Expected:
        """Of all days."""
        total = Expected()
        for place in sorted((self.out / "expected").glob("day-*.json")):
            told = json.loads(place.read_text(encoding="utf-8"))
            total.frames |= set(told["frames"])
            total.sightings |= set(told["sightings"])
            total.refused += told["refused"]
            total.messages += told["messages"]
        return total

    def close_day(self, day: int, seconds: tuple[float, float], pending: Sequence[Message]) -> None:
        """A day is finished, and all that is known of the run is kept in one step."""
        self.days.append({"day": day, "wall_s": round(seconds[0], 3), "cpu_s": round(seconds[1], 3)})
        self.save(pending)

    def save(self, pending: Sequence[Message]) -> None:
        """In one step."""
        told = {
            "days": self.days,
            "counts": dict(self.counts),
            "meter": self.meter.as_json(),
            "pending": [_as_json(one) for one in sorted(pending)],
        }
        write_json(self.out / "state.json", told)


@dataclass(slots=True)
class Sent:
    """A command on its way; ``seq`` is that of the event it became."""

    seq: int | None = None


class Intents:
    """What people asked for, written before they do, and after they have heard that it is kept."""

    def __init__(self, out: Path) -> None:
        self._place = out / "commands.jsonl"
        self._file = self._place.open("a", encoding="utf-8")

    @contextmanager
    def sent(self, case: str, version: int, kind: str) -> Iterator[Sent]:
        """Around one command."""
        sent = Sent()
        self._write({"case": case, "after": version, "kind": kind})
        yield sent
        self._write({"case": case, "after": version, "kept_as": sent.seq})

    def all(self) -> Iterator[Mapping[str, Any]]:
        """Every line; what a kill left of the last one is no line."""
        self._file.flush()
        for line in self._place.read_text(encoding="utf-8").splitlines():
            if line.endswith("}"):
                yield json.loads(line)

    def _write(self, told: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(told) + "\n")
        self._file.flush()


def _as_json(one: Message) -> dict[str, Any]:
    body = base64.b64encode(one.body).decode()
    return {"arrives": one.arrives.isoformat(), "camera": one.camera, "number": one.number, "body": body,
            "again": one.again}  # fmt: skip


def _message(told: Mapping[str, Any]) -> Message:
    body = base64.b64decode(told["body"])
    return Message(datetime.fromisoformat(told["arrives"]), told["camera"], told["number"], body, told["again"])
