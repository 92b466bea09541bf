"""How fast the log takes leaves and gives proofs when it holds millions: the real tables, the real code."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from roadwarden.ledger.checkpoint import Checkpoint
from roadwarden.ledger.leaves import KeptEvent, LeafKind, Source, drafts_of_event
from roadwarden.ledger.merkle import consistency_proof, inclusion_proof, leaf_hash
from roadwarden.ledger.note import SigningKey
from roadwarden.ledger.tiles import Tiles
from roadwarden.service.ledger import EVENTS_AT_ONCE, Ledger
from roadwarden.storage.engine import analyse, reading, shown, writing
from roadwarden.storage.ledger_store import LeafRow, LedgerStore

FILL_AT_ONCE = 20_000
START = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = "roadwarden.example/bench"


@dataclass(frozen=True, slots=True)
class LedgerBench:
    """One run; times in milliseconds, of whole transactions."""

    database: str
    leaves: int  # before the timed ones
    fill_s: float  # 0 where they were there
    fill_leaf_ms: float
    appended: int
    batch: int  # events in one transaction
    append_ms: float  # mean of a leaf: canonical JSON, salt, hashes, rows, tiles, commit to the disk
    lone_append_ms: float  # median of a transaction with one event
    inclusion_ms: float  # median, each in a new transaction with nothing kept in memory by us
    inclusion_p95_ms: float
    inclusion_worst_ms: float
    inclusion_cpu_ms: float  # mean of this process: all of SQLite's work, none of PostgreSQL's server's
    consistency_ms: float
    checkpoint_ms: float
    proof_hashes: int
    bytes_a_leaf: float | None  # of the database; None where it does not tell

    def as_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)

    def markdown(self) -> str:
        """A row for eval/benchmarks, with its head."""
        cells = {
            "database": self.database,
            "leaves": f"{self.leaves:,}",
            "append, ms a leaf": f"{self.append_ms:.3f}",
            "one event alone, ms": f"{self.lone_append_ms:.1f}",
            "inclusion proof, ms": f"{self.inclusion_ms:.2f}",
            "P95": f"{self.inclusion_p95_ms:.2f}",
            "worst": f"{self.inclusion_worst_ms:.2f}",
            "its CPU, ms": f"{self.inclusion_cpu_ms:.2f}",
            "consistency proof, ms": f"{self.consistency_ms:.2f}",
            "checkpoint, ms": f"{self.checkpoint_ms:.2f}",
            "bytes a leaf": "" if self.bytes_a_leaf is None else f"{self.bytes_a_leaf:.0f}",
        }
        lines = (cells.keys(), ["---"] * len(cells), cells.values())
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def bench_ledger(
    engine: Engine,
    leaves: int,
    appended: int = 20_000,
    proofs: int = 1000,
    seed: int = 0,
    tell: Callable[[str], None] = lambda what: None,
) -> LedgerBench:
    """Fills the log of a database of its own up to ``leaves``, then times appending and proving."""
    before = _size(engine)
    began = time.perf_counter()
    _fill(engine, leaves, tell)
    fill_s = time.perf_counter() - began if before < leaves else 0.0
    if fill_s:
        analyse(engine)
    there = _size(engine)
    append_ms = _append(engine, appended)
    lone = [_timed(lambda: _append_events(engine, 1)) for _ in range(50)]
    cpu = time.process_time()
    inclusion, hashes = _inclusion(engine, proofs, random.Random(seed))
    cpu_ms = 1e3 * (time.process_time() - cpu) / proofs
    return LedgerBench(
        database=shown(engine).partition(":")[0],
        leaves=there,
        fill_s=fill_s,
        fill_leaf_ms=1e3 * fill_s / max(1, there - before),
        appended=appended,
        batch=EVENTS_AT_ONCE,
        append_ms=append_ms,
        lone_append_ms=statistics.median(lone),
        inclusion_ms=statistics.median(inclusion),
        inclusion_p95_ms=sorted(inclusion)[int(0.95 * len(inclusion))],
        inclusion_worst_ms=max(inclusion),
        inclusion_cpu_ms=cpu_ms,
        consistency_ms=statistics.median(_timed(lambda: _consistency(engine)) for _ in range(100)),
        checkpoint_ms=statistics.median(_timed(lambda: _head(engine)) for _ in range(100)),
        proof_hashes=hashes,
        bytes_a_leaf=_bytes(engine) / _size(engine),
    )


def _fill(engine: Engine, leaves: int, tell: Callable[[str], None]) -> None:
    """Leaves as events make them, from one that was; what is timed afterwards goes the whole way."""
    while (size := _size(engine)) < leaves:
        rows = [_row(number) for number in range(size, min(size + FILL_AT_ONCE, leaves))]
        with writing(engine) as connection:
            store = LedgerStore(connection)
            tiles = Tiles(store.tile, size)
            tiles.append([leaf_hash(row.body.encode()) for row in rows])
            store.add(rows)
            store.put_tiles(tiles.changed())
        if size % 1_000_000 == 0:
            tell(f"{size:,} leaves")


def _row(number: int) -> LeafRow:
    case = f"2026-{number // 10:06d}"
    body = _BODY.replace('"position":0', f'"position":{number}').replace("2026-000000", case)
    return LeafRow(number, LeafKind.EVENT, Source.EVENTS, number, 0, case, body, b"%032d" % number)


def _event(position: int) -> KeptEvent:
    when = START + timedelta(seconds=position)
    return KeptEvent(
        position=position,
        case=f"2026-{position // 10:06d}",
        version=position % 10 + 1,
        seq=position % 10 + 1,
        type="dispatched",
        occurred_at=when,
        received_at=when,
        recorded_at=when,
        actor="u17",
        role="dispatcher",
        data={"department": "roads", "crew": "crew-7", "rule": "pavement by area"},
        schema=1,
    )


_BODY = drafts_of_event(_event(0))[0].sealed(b"\0" * 32).decode()


def _append(engine: Engine, appended: int) -> float:
    began, done = time.perf_counter(), 0
    while done < appended:
        done += _append_events(engine, EVENTS_AT_ONCE)
    return 1e3 * (time.perf_counter() - began) / done


def _append_events(engine: Engine, number: int) -> int:
    """What the follower does with events once it has read them."""
    ledger, first = Ledger(engine), _size(engine)
    drafts = [draft for at in range(first, first + number) for draft in drafts_of_event(_event(at))]
    with writing(engine, durably=True) as connection:
        return ledger.append(drafts, LedgerStore(connection))


def _inclusion(engine: Engine, proofs: int, chance: random.Random) -> tuple[list[float], int]:
    took, hashes, size = [], 0, _size(engine)
    for _ in range(proofs):
        index = chance.randrange(size)
        began = time.perf_counter()
        with reading(engine) as connection:
            found = inclusion_proof(Tiles(LedgerStore(connection).tile, size).node, index, size)
        took.append(1e3 * (time.perf_counter() - began))
        hashes = max(hashes, len(found))
    return took, hashes


def _consistency(engine: Engine) -> None:
    with reading(engine) as connection:
        store = LedgerStore(connection)
        size = store.size()
        consistency_proof(Tiles(store.tile, size).node, size * 2 // 3, size)


_KEY = SigningKey(ORIGIN, bytes(32))


def _head(engine: Engine) -> None:
    with reading(engine) as connection:
        store = LedgerStore(connection)
        tiles = Tiles(store.tile, store.size())
        Checkpoint(ORIGIN, tiles.size, tiles.root()).sign(_KEY)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return 1e3 * (time.perf_counter() - began)


def _size(engine: Engine) -> int:
    with reading(engine) as connection:
        return LedgerStore(connection).size()


def _bytes(engine: Engine) -> float:
    postgres = "SELECT pg_database_size(current_database())"
    sqlite = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    with reading(engine) as connection:
        query = postgres if engine.dialect.name == "postgresql" else sqlite
        return float(connection.execute(text(query)).scalar_one())
