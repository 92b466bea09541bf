from __future__ import annotations

import shutil

import pytest
from browser import launched
from city import CITY_NOW
from playwright.sync_api import sync_playwright
from served_city import people_of, served_city
from stocked import stocked_server

from roadwarden.storage.engine import open_engine
from roadwarden.storage.schema import open_storage


@pytest.fixture(scope="session")
def kept_people(tmp_path_factory):
    """A database with the people of the city and nothing else, made once."""
    file = tmp_path_factory.mktemp("people") / "city.db"
    engine = open_storage(f"sqlite:///{file}")
    people_of(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return file


@pytest.fixture
def served(kept_people, tmp_path):
    """A server of the real parts, with its people and without a case."""
    engine = open_engine(f"sqlite:///{shutil.copy(kept_people, tmp_path / 'city.db')}")
    made = served_city(engine)
    with made.client:
        yield made
    engine.dispose()


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        made = launched(playwright)
        yield made
        made.close()


@pytest.fixture(scope="module")
def city_with_names(little_city, tmp_path_factory):
    """A server on the little city, and the names of cases and accounts by which every page of it holds something."""
    with stocked_server(little_city, tmp_path_factory.mktemp("stocked"), CITY_NOW) as made:
        yield made
