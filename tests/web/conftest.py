from __future__ import annotations

import pytest
from served_city import served_city

from roadwarden.storage.schema import open_storage


@pytest.fixture
def served(tmp_path):
    """A server of the real parts on an empty database, with its people."""
    engine = open_storage(f"sqlite:///{tmp_path}/city.db")
    made = served_city(engine)
    with made.client:
        yield made
    engine.dispose()
