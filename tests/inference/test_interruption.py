"""Killed at any moment and run again, a job writes the same bytes as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from roadwarden.inference.batch import run_job
from roadwarden.inference.parts import finished_batches
from roadwarden.inference.settings import BATCH_FRAMES, JobSettings, Shard
from roadwarden.inference.shards import merge_shards
from roadwarden.models.load import shipped_model

TABLES = ("detections.parquet", "frames.parquet", "detections.geojson", "summary.json")
SEEDS = (0, 6, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3, 4, 5, 7, 8, 9)))
"""Two in the default run: one job costs half a minute."""


@pytest.fixture(scope="module")
def uninterrupted(long_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("uninterrupted")
    run_job(
        JobSettings(archive=str(long_archive), model=shipped_model(), track=long_archive / "track.csv"),
        out,
        geojson=True,
    )
    return out


def command(archive: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "roadwarden", "detect", str(archive), "--out", str(out), "--geojson", "--json"]


def assert_same_tables(ours: Path, theirs: Path) -> None:
    for name in TABLES:
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name


@pytest.mark.parametrize("seed", SEEDS)
def test_kill_9_at_a_random_moment_and_run_again(seed, long_archive, uninterrupted, tmp_path):
    moments = random.Random(seed)
    out, batches = tmp_path / "out", -(-long_frames(long_archive) // BATCH_FRAMES)
    killed_with = 0
    for _ in range(2):
        # Kills fall anywhere in the job's life: while it starts, lists, detects or writes its tables.
        wait_for = moments.randrange(0, batches + 1)
        job = subprocess.Popen(command(long_archive, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while job.poll() is None and len(finished_batches(out / "work/parts")) < wait_for:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.4))
        os.kill(job.pid, signal.SIGKILL)
        job.wait()
        killed_with = len(finished_batches(out / "work/parts"))
    finished_before = {path.name: path.stat().st_mtime_ns for path in (out / "work/parts").glob("*.arrow")}
    assert len(finished_before) >= killed_with

    done = subprocess.run(command(long_archive, out), capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    assert_same_tables(out, uninterrupted)
    for name, written_at in finished_before.items():
        assert (out / "work/parts" / name).stat().st_mtime_ns == written_at, f"{name} was done twice"
    run = json.loads(done.stdout)["run"]
    assert run["frames_resumed"] >= killed_with * BATCH_FRAMES - (BATCH_FRAMES - 1)


def long_frames(archive: Path) -> int:
    return len(list((archive / "frames").iterdir()))


def test_a_second_run_of_a_finished_job_does_no_frame_again(long_archive, uninterrupted):
    settings = JobSettings(archive=str(long_archive), model=shipped_model(), track=long_archive / "track.csv")
    done = run_job(settings, uninterrupted, geojson=True)
    assert done.run.frames_resumed == done.run.frames


@pytest.mark.slow
@pytest.mark.parametrize("shards", [2, 3])
def test_shards_joined_are_the_whole(shards, long_archive, uninterrupted, tmp_path):
    settings = JobSettings(archive=str(long_archive), model=shipped_model(), track=long_archive / "track.csv")
    folders = [tmp_path / f"shard{index}" for index in range(1, shards + 1)]
    for index, folder in enumerate(folders, start=1):
        run_job(settings, folder, shard=Shard(index=index, of=shards))
    merge_shards(folders, tmp_path / "all", geojson=True)
    assert_same_tables(tmp_path / "all", uninterrupted)
