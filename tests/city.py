"""Cities in small for tests and pictures of pages, made once and kept in var/: a little, a larger and the whole one."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from roadwarden.service.city.build import CitySettings, build_city
from roadwarden.storage.engine import open_engine
from roadwarden.storage.schema import open_storage

CITY_NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
LITTLE = CitySettings(CITY_NOW, roads=12, days=6, defects=90)
SHOWN = CitySettings(CITY_NOW, roads=120, days=20, defects=1500)
WHOLE = CitySettings(CITY_NOW)
_CODE = Path(__file__).parent.parent / "roadwarden" / "service" / "city"
_KEPT = Path(__file__).parent.parent / "var" / "cities"


def city_file(settings: CitySettings) -> Path:
    """The city's database, made if it is not kept yet; copy it before you write."""
    code = b"".join(file.read_bytes() for file in sorted(_CODE.glob("*.py")))
    name = hashlib.sha256(repr(settings).encode() + code).hexdigest()[:16]
    file = _KEPT / f"{name}.db"
    if not file.is_file():
        _KEPT.mkdir(parents=True, exist_ok=True)
        raw = _KEPT / f"{name}.new"
        raw.unlink(missing_ok=True)
        engine = open_storage(f"sqlite:///{raw}")
        build_city(engine, settings)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        raw.rename(file)
    return file


@pytest.fixture(scope="session")
def little_city() -> Path:
    return city_file(LITTLE)


@pytest.fixture
def city(little_city, tmp_path):
    """An engine on a copy of the little city."""
    copy = tmp_path / "city.db"
    shutil.copy(little_city, copy)
    engine = open_engine(f"sqlite:///{copy}")
    yield engine
    engine.dispose()
