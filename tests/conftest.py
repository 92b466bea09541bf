from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadwarden.data.synthetic import write_sample_archive

pytest_plugins = ["cameras", "city", "nats_server", "postgres", "new_databases"]

LONG_ROOMS = ("training", "inference", "models")
"""Their files take minutes: begun last, they would leave one processor to end the run alone."""
REPOSITORY = Path(__file__).parent.parent
ROADS = REPOSITORY.parent / "shared" / "roads"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; otherwise the order stays."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(here).parts[0] not in LONG_ROOMS)


@pytest.fixture(scope="session")
def roads() -> Path:
    """The real pictures, which are never part of the project."""
    if not (ROADS / "splits.csv").is_file():
        pytest.skip("../shared/roads is not here: the real pictures are not part of the project")
    return ROADS


def textured(seed: int, width: int = 320, height: int = 192) -> np.ndarray:
    """A frame that passes the quality gate and is another for each seed."""
    noise = np.random.default_rng(seed).normal(120, 40, (height, width)).clip(0, 255).astype(np.uint8)
    return np.dstack([cv2.GaussianBlur(noise, (0, 0), 1.0)] * 3)


def jpeg(image: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".jpg", image)[1])


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample archive: a drive along the synthetic street with its track and truth."""
    return write_sample_archive(tmp_path_factory.mktemp("street"), frames=24)


@pytest.fixture(scope="session")
def long_archive(street: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The street's frames, small and many times over, so that there is a middle to be killed in."""
    root = tmp_path_factory.mktemp("long")
    (root / "frames").mkdir()
    shutil.copy(street / "track.csv", root)
    originals = sorted((street / "frames").iterdir())
    for number in range(112):
        data = originals[number % len(originals)].read_bytes()
        (root / "frames" / f"{number:06d}.jpg").write_bytes(data)
    return root
