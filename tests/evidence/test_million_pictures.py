"""Whether a picture was there before is told among a million, in the time of an upload."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import insert

from roadwarden.storage.engine import analyse
from roadwarden.storage.evidence import KeptEvidence, _values, reading, writing
from roadwarden.storage.evidence_tables import evidence
from roadwarden.storage.schema import open_storage

MILLION = 1_000_000
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def kept(number, perceptual):
    return KeptEvidence(f"{number:064x}", f"{number:064x}", "jpeg", 1, 1, 1, NOON, "test", perceptual, "none")


def hashes(generator):
    """Half of them spread evenly; half around 5,000 centres, as pictures of fixed cameras and of like streets are."""
    even = generator.integers(0, 2**64, MILLION // 2, dtype=np.uint64)
    centres = generator.integers(0, 2**64, 5000, dtype=np.uint64)
    flips = np.zeros(MILLION // 2, np.uint64)
    for _ in range(8):
        flips ^= np.uint64(1) << generator.integers(0, 64, MILLION // 2, dtype=np.uint64)
    return np.concatenate([even, centres[generator.integers(0, 5000, MILLION // 2)] ^ flips])


@pytest.mark.slow
def test_among_a_million_pictures_a_copy_is_found_at_once(tmp_path):
    engine = open_storage(f"sqlite:///{tmp_path}/million.db")
    known = [int(one) for one in hashes(np.random.default_rng(1))]
    for first in range(0, MILLION, 50_000):
        with writing(engine) as unit:
            rows = [_values(kept(number, known[number])) for number in range(first, first + 50_000)]
            unit._connection.execute(insert(evidence), rows)
    analyse(engine)
    took = []
    generator = np.random.default_rng(2)
    with reading(engine) as unit:
        for number in generator.integers(0, MILLION, 60).tolist():
            near = known[number] ^ sum(1 << int(bit) for bit in generator.choice(64, 6, replace=False))
            began = time.perf_counter()
            found = unit.alike(near, 10, most=10_000)
            took.append(time.perf_counter() - began)
            assert f"{number:064x}" in {one.sha256 for one in found}
    median, worst = statistics.median(took) * 1000, max(took) * 1000
    print(f"{MILLION} pictures: {median:.0f} ms median, {worst:.0f} ms at most")
    assert median < 500
    engine.dispose()
