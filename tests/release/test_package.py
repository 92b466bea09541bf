"""What a stranger gets: a source archive and a wheel that install and run where nothing of ours lies around."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import roadwarden
from tests.conftest import REPOSITORY
from tests.docs.blocks import run_page

pytestmark = pytest.mark.slow
LEFT_OUT = shutil.ignore_patterns(".git", "var", ".venv*", "__pycache__", "*.egg-info", "build", "dist", ".*_cache")
BUILD = "import sys; from setuptools import build_meta as b; print(getattr(b, sys.argv[1])(sys.argv[2]))"


def built(kind: str, source: Path, out: Path) -> Path:
    """By the build backend itself, in the folder of the source, as pip does it."""
    out.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, out], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return out / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    shutil.copytree(REPOSITORY, folder / "roadwarden", ignore=LEFT_OUT)
    return built("build_sdist", folder / "roadwarden", folder / "dist")


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """Out of the source archive, which has to hold all that is needed."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return built("build_wheel", source, folder / "dist")


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment of its own with the wheel and what it needs, nothing else."""
    folder = tmp_path_factory.mktemp("env")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    done = subprocess.run(
        [folder / "bin" / "pip", "install", "--quiet", "--constraint", REPOSITORY / "constraints.txt", wheel],
        capture_output=True, text=True, check=False, env=bare(folder.parent / "home"), timeout=280,
    )  # fmt: skip
    if done.returncode and re.search(r"No matching distribution|Failed to establish|timed out", done.stderr):
        pytest.skip(f"the package index does not answer: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return folder


def bare(home: Path) -> dict[str, str]:
    """No path to our source, no settings, an empty home; where pip finds its index stays."""
    home.mkdir(exist_ok=True)
    dropped = ("PYTHON", "ROADWARDEN_", "MLFLOW_", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC", "COLUMNS": "160"}


def test_the_version_stands_in_one_place(sdist, wheel):
    assert sdist.name == f"roadwarden-{roadwarden.__version__}.tar.gz"
    assert wheel.name == f"roadwarden-{roadwarden.__version__}-py3-none-any.whl"
    pattern = rf"(?m)^\s*version\s*[=:]\s*[\"']?{re.escape(roadwarden.__version__)}"
    texts = {name: (REPOSITORY / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "CITATION.cff")}
    assert [name for name, text in texts.items() if re.search(pattern, text)] == []


def test_the_wheel_holds_what_runs_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"roadwarden", f"roadwarden-{roadwarden.__version__}.dist-info"}
    for wanted in ("models/weights/roadwarden-yolo26n-4.onnx", "tables/clock_policies.yaml", "py.typed"):
        assert f"roadwarden/{wanted}" in names
    source = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "roadwarden").rglob("*") if path.is_file()}
    missing = {name for name in source - set(names) if "__pycache__" not in name and not name.endswith(".md")}
    assert missing == set()


@pytest.mark.timeout(900)
def test_a_stranger_follows_the_tutorial_with_the_wheel_alone(installed, tmp_path):
    environment = bare(tmp_path / "home")
    environment["PATH"] = f"{installed / 'bin'}{os.pathsep}{environment['PATH']}"
    where = subprocess.run(
        [installed / "bin" / "python", "-c", "import roadwarden; print(roadwarden.__file__)"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(installed) in where.stdout
    (tmp_path / "empty").mkdir()
    assert run_page("docs/tutorial.md", tmp_path / "empty", environment) > 10
    assert {one.name for one in (tmp_path / "home").iterdir()} <= {".cache"}  # of fonts, by libraries


def test_the_installation_tells_what_it_is_made_of(installed, tmp_path):
    program = installed / "bin" / "roadwarden"
    done = subprocess.run([program, "sbom", "--out", tmp_path / "sbom.json"], cwd=tmp_path, check=False)
    assert done.returncode == 0
    told = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    names = {one["name"] for one in told["components"]}
    listed = subprocess.run(
        [installed / "bin" / "pip", "list", "--format", "json"], capture_output=True, text=True, check=True
    )
    there = {re.sub(r"[-_.]+", "-", one["name"]).lower() for one in json.loads(listed.stdout)}
    assert there - names - {"roadwarden"} <= {"pip", "setuptools", "wheel"}
    assert len(names) > 50
