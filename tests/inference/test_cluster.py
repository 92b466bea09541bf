"""Batches over hosts: the same bytes as on one, in whatever order they come."""

from __future__ import annotations

import random

import pytest

from roadwarden.inference.batch import run_job
from roadwarden.inference.cluster import ClusterFailed, Hosts, RayHosts
from roadwarden.inference.settings import JobSettings
from roadwarden.models.load import model_path
from tests.conftest import jpeg, textured

TABLES = ("detections.parquet", "frames.parquet", "summary.json")


class Hall(Hosts):
    """Hosts by hand: an actor for every other row, results in disorder; may fail in the middle."""

    def __init__(self, fails_after=None):
        self.fails_after, self.rows = fails_after, 0

    def spread(self, make, rows):
        actors = [make(), make()]
        try:
            order = list(enumerate(rows))
            random.Random(3).shuffle(order)
            for number, row in order:
                if self.fails_after is not None and self.rows >= self.fails_after:
                    raise ClusterFailed("a host is gone")
                self.rows += 1
                yield actors[number % 2](row)
        finally:
            for one in actors:
                one.close()


@pytest.fixture
def archive(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(36):  # three batches
        (folder / f"{number:04d}.jpg").write_bytes(jpeg(textured(number)))
    (folder / "0020.jpg").write_bytes(b"\xff\xd8\xff broken")
    return JobSettings(archive=str(folder), model=model_path(None))


def files(out):
    return {name: (out / name).read_bytes() for name in TABLES}


def test_the_tables_are_those_of_one_host_and_a_job_that_was_broken_off_goes_on(archive, tmp_path):
    run_job(archive, tmp_path / "local", workers=1)
    broken = Hall(fails_after=1)
    with pytest.raises(ClusterFailed):
        run_job(archive, tmp_path / "out", hosts=lambda _workers: broken)
    rest = Hall()
    done = run_job(archive, tmp_path / "out", hosts=lambda _workers: rest)
    assert (broken.rows, rest.rows) == (1, 2)
    assert done.tally.frames == 36
    assert files(tmp_path / "out") == files(tmp_path / "local")


@pytest.mark.slow
def test_ray_s_tables_are_those_of_one_host(archive, tmp_path):
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'roadwarden[cluster]'")
    run_job(archive, tmp_path / "local", workers=1)
    try:
        run_job(archive, tmp_path / "ray", hosts=RayHosts)
    finally:
        ray.shutdown()
    assert files(tmp_path / "ray") == files(tmp_path / "local")
