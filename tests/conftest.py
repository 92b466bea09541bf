from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
ROADS = REPOSITORY.parent / "shared" / "roads"


@pytest.fixture(scope="session")
def roads() -> Path:
    """The real pictures, which are never part of the project."""
    if not (ROADS / "splits.csv").is_file():
        pytest.skip("../shared/roads is not here: the real pictures are not part of the project")
    return ROADS
