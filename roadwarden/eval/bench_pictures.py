"""How long it takes to find whether a picture was evidence before, among a million: the real table, the real look-up.

Beside it stand what SQLite alone takes for the same rows, and the other way that we have: all hashes in memory, each
compared.
"""

from __future__ import annotations

import hashlib
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine

from roadwarden.storage import evidence
from roadwarden.storage.assessments import HashIndex
from roadwarden.storage.engine import analyse, reading, shown, writing
from roadwarden.storage.evidence import EvidenceStore, KeptEvidence, looked_up
from roadwarden.storage.evidence_tables import evidence as table

FILL_AT_ONCE: Final = 20_000
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
CAMERAS: Final = 2_000
"""Half of the pictures are of fixed cameras, whose hashes lie near each other."""
BITS: Final = 10


@dataclass(frozen=True, slots=True)
class PicturesBench:
    """One run; times in milliseconds."""

    database: str
    pictures: int
    fill_s: float  # 0 where they were there
    lookups: int
    lookup_ms: float  # median, each in a new transaction
    lookup_p95_ms: float
    lookup_worst_ms: float
    found: float  # mean of pictures that are near
    compared: float  # mean of rows that share a band but for two bits
    bound_ms: float  # median of the same rows, read and not compared
    bound_p95_ms: float
    memory_ms: float  # median of comparing all hashes in memory
    memory_p95_ms: float
    memory_fill_s: float

    def as_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)

    def markdown(self) -> str:
        """A row for eval/benchmarks, with its head."""
        cells = {
            "database": self.database,
            "pictures": f"{self.pictures:,}",
            "look-up, ms": f"{self.lookup_ms:.1f}",
            "P95": f"{self.lookup_p95_ms:.1f}",
            "worst": f"{self.lookup_worst_ms:.1f}",
            "rows compared": f"{self.compared:,.0f}",
            "bound: the rows alone": f"{self.bound_ms:.1f}",
            "its P95": f"{self.bound_p95_ms:.1f}",
            "peer: all in memory": f"{self.memory_ms:.1f}",
            "its P95 ": f"{self.memory_p95_ms:.1f}",
            "its start, s": f"{self.memory_fill_s:.1f}",
        }
        lines = (cells.keys(), ["---"] * len(cells), cells.values())
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def bench_pictures(
    engine: Engine,
    pictures: int,
    lookups: int = 300,
    seed: int = 0,
    tell: Callable[[str], None] = lambda what: None,
) -> PicturesBench:
    """Fills the evidence of a database of its own up to ``pictures``, then looks for copies, and for what is none."""
    before, began = _count(engine), time.perf_counter()
    _fill(engine, pictures, seed, tell)
    fill_s = time.perf_counter() - began if before < pictures else 0.0
    if fill_s:
        analyse(engine)
    asked = list(_asked(lookups, pictures, seed))
    tell(f"{lookups} look-ups")
    ours, found = _timed(asked, lambda one: len(_alike(engine, one)))
    bound, compared = _timed(asked, lambda one: _rows(engine, one))
    tell("all in memory")
    began = time.perf_counter()
    index = HashIndex()
    index.follow(_InMemory(pictures, seed))
    memory_fill_s = time.perf_counter() - began
    memory, _ = _timed(asked, lambda one: len(index.near(one, BITS)))
    return PicturesBench(
        database=shown(engine).partition(":")[0],
        pictures=_count(engine),
        fill_s=fill_s,
        lookups=lookups,
        lookup_ms=statistics.median(ours),
        lookup_p95_ms=_p95(ours),
        lookup_worst_ms=max(ours),
        found=statistics.fmean(found),
        compared=statistics.fmean(compared),
        bound_ms=statistics.median(bound),
        bound_p95_ms=_p95(bound),
        memory_ms=statistics.median(memory),
        memory_p95_ms=_p95(memory),
        memory_fill_s=memory_fill_s,
    )


class _InMemory:
    """The same hashes as if they were those of repair reports."""

    def __init__(self, pictures: int, seed: int) -> None:
        self._pictures, self._seed = pictures, seed

    def after(self, number: int, most: int = 100_000) -> tuple[tuple[int, int], ...]:
        """As ``ShownStore`` does."""
        last = min(number + most, self._pictures)
        return tuple((at + 1, _perceptual(at, self._seed)) for at in range(number, last))


def _fill(engine: Engine, pictures: int, seed: int, tell: Callable[[str], None]) -> None:
    """The indexes come afterwards where there is nothing yet: made row by row they take most of the time."""
    if _count(engine) == 0:
        with writing(engine) as connection:
            for index in table.indexes:
                index.drop(connection)
        _add(engine, pictures, seed, tell)
        with writing(engine) as connection:
            for index in table.indexes:
                index.create(connection)
    else:
        _add(engine, pictures, seed, tell)


def _add(engine: Engine, pictures: int, seed: int, tell: Callable[[str], None]) -> None:
    while (size := _count(engine)) < pictures:
        with evidence.writing(engine) as unit:
            unit.add(*(_picture(number, seed) for number in range(size, min(size + FILL_AT_ONCE, pictures))))
        if size % 200_000 == 0:
            tell(f"{size:,} pictures")


def _picture(number: int, seed: int) -> KeptEvidence:
    name = hashlib.sha256(b"%d picture %d" % (seed, number)).hexdigest()
    return KeptEvidence(
        sha256=name,
        public_sha256=hashlib.sha256(name.encode()).hexdigest(),
        format="jpeg",
        size_bytes=2_000_000,
        width=4000,
        height=3000,
        received_at=START + timedelta(seconds=number),
        received_from="u7",
        perceptual=_perceptual(number, seed),
        redactor="none",
    )


def _perceptual(number: int, seed: int) -> int:
    """Of every second picture anything; of the others what a fixed camera gives, but for up to 12 bits."""
    dice = random.Random(seed * 1_000_003 + number)
    if number % 2:
        return dice.getrandbits(64)
    camera = random.Random(f"{seed} camera {number // 2 % CAMERAS}").getrandbits(64)
    return _flipped(camera, dice.randrange(13), dice)


def _flipped(perceptual: int, bits: int, dice: random.Random) -> int:
    for bit in dice.sample(range(64), bits):
        perceptual ^= 1 << bit
    return perceptual


def _asked(lookups: int, pictures: int, seed: int) -> Iterator[int]:
    """Copies of what is there, up to ten bits apart, and as many that nobody has seen."""
    dice = random.Random(seed + 1)
    for number in range(lookups):
        known = _perceptual(dice.randrange(pictures), seed)
        yield _flipped(known, dice.randrange(BITS + 1), dice) if number % 2 else dice.getrandbits(64)


def _alike(engine: Engine, perceptual: int) -> Sequence[object]:
    with evidence.reading(engine) as unit:
        return unit.alike(perceptual, BITS)


def _rows(engine: Engine, perceptual: int) -> int:
    """How many rows the look-up reads, without a comparison."""
    total = 0
    with reading(engine) as connection:
        store = EvidenceStore(connection)
        for band, values in looked_up(perceptual, BITS):
            total += len(store.with_band(band, values))
    return total


def _timed(asked: Sequence[int], act: Callable[[int], int]) -> tuple[list[float], list[int]]:
    """Milliseconds of each, and what each gave."""
    times, given = [], []
    for one in asked:
        began = time.perf_counter()
        given.append(act(one))
        times.append(1e3 * (time.perf_counter() - began))
    return times, given


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[int(0.95 * len(times))]


def _count(engine: Engine) -> int:
    with reading(engine) as connection:
        return EvidenceStore(connection).count()
