"""The notebooks run from the first cell to the last, and what is committed of them shows what they print today."""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "training" / "notebooks"
SPLITS, TRAINING, READING = (
    "1-data-and-splits.ipynb",
    "2-train-and-compare.ipynb",
    "3-read-an-evaluation.ipynb",
)
NOTEBOOKS = (SPLITS, TRAINING, READING)
MACHINE_PATHS = ("/work", "/home", "/tmp", "/root")
SAID = {
    SPLITS: (
        "48 frames, 48 of them with boxes",
        "| by place, as in splits.csv | 0% | 0% |",
        "| at random | 100% | ",
        "6 groups, none of them in two parts",
        "| 0 | M016, M020 | 16 | 2 | 4 |",
    ),
    TRAINING: (
        "4 tables of predictions",
        "| large-curve/run | FINISHED | 256 |",
        "| small/fold-0 | FINISHED | 96 |",
        "Recipe gate: small FAILED",
        "Recipe gate: large FAILED",
    ),
    READING: (
        "48 frames of 6 groups",
        "| found | 100.0 % | 50.0 % |",
        "| precision | 75.0 % | 25.0 % |",
        "20 of 20 right: bound 0.881",
        "File gate",
        "as frozen",
        "types.html",
    ),
}
"""What each must print, whatever the shipped weights are."""


def read(place: Path) -> dict:
    return json.loads(place.read_text(encoding="utf-8"))


def code_of(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def texts(notebook: dict) -> str:
    """All that the outputs say."""
    outputs = [output for cell in code_of(notebook) for output in cell["outputs"]]
    said = [text for output in outputs for text in (output.get("text"), *_written(output)) if text]
    return "\n".join("".join(text) for text in said)


def _written(output: dict) -> list[list[str]]:
    return [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]


def kinds(notebook: dict) -> list[list[str]]:
    """What kind of output each cell has; warnings of libraries are another on each machine."""
    wanted = [[one for one in cell["outputs"] if one.get("name") != "stderr"] for cell in code_of(notebook)]
    return [
        [kind for one in outputs for kind in (one["output_type"], *sorted(one.get("data", {})))] for outputs in wanted
    ]


def run(place: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "scripts/notebooks"), str(place)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The notebooks where a clone has them, with the weights to start from, and no shared/ beside it."""
    needs_kernels()
    folder = tmp_path / "clone/training/notebooks"
    folder.mkdir(parents=True)
    for name in NOTEBOOKS:
        (folder / name).write_bytes((FOLDER / name).read_bytes())
    (tmp_path / "clone/models").symlink_to(REPOSITORY / "models")
    return folder


def needs_kernels() -> None:
    for package in ("nbclient", "ipykernel", "matplotlib"):
        pytest.importorskip(package, reason="running notebooks needs roadwarden[notebooks]")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_a_notebook_imports_is_there(name):
    for cell in code_of(read(FOLDER / name)):
        tree = ast.parse("".join(cell["source"]))
        for line in (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)):
            if str(line.module).startswith("roadwarden"):
                room = importlib.import_module(str(line.module))
                assert not [one.name for one in line.names if not hasattr(room, one.name)], line.module


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "name", [SPLITS, *(pytest.param(name, marks=pytest.mark.slow) for name in (TRAINING, READING))]
)
def test_a_notebook_runs_and_prints_what_it_promises(clone, name):
    if name == TRAINING:
        pytest.importorskip("ultralytics", reason="training needs roadwarden[train]")
        pytest.importorskip("mlflow", reason="runs are logged with roadwarden[train]")
    done = run(clone / name)
    assert done.returncode == 0, done.stderr
    fresh, committed = read(clone / name), read(FOLDER / name)
    for text in SAID[name]:
        assert text in texts(fresh)
    assert [cell["source"] for cell in fresh["cells"]] == [cell["source"] for cell in committed["cells"]]
    assert kinds(fresh) == kinds(committed)


def test_all_notebooks_are_known_here():
    assert tuple(sorted(place.name for place in FOLDER.iterdir() if place.suffix == ".ipynb")) == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_committed_outputs_are_those_of_the_committed_code(name):
    notebook = read(FOLDER / name)
    cells = code_of(notebook)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    code = "\f".join("".join(cell["source"]) for cell in cells)
    assert notebook["metadata"]["roadwarden"]["code_sha256"] == hashlib.sha256(code.encode()).hexdigest(), (
        f"{name} has changed since its outputs were made: run scripts/notebooks"
    )
    for text in SAID[name]:
        assert text in texts(notebook)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_committed_notebooks_tell_nothing_of_the_machine_and_show_no_real_street(name):
    notebook = read(FOLDER / name)
    assert any(line.startswith("TINY = True") for line in code_of(notebook)[0]["source"])
    assert set(notebook["metadata"]) == {"kernelspec", "language_info", "roadwarden"}
    assert not any(cell["metadata"] for cell in notebook["cells"])
    assert (FOLDER / name).stat().st_size < 400_000
    said = texts(notebook)
    assert not [path for path in MACHINE_PATHS if path in said]
    pictures = [
        b64decode("".join(value))
        for cell in code_of(notebook)
        for output in cell["outputs"]
        for kind, value in output.get("data", {}).items()
        if kind.startswith("image/")
    ]
    assert len(pictures) >= 3
    assert not [path for path in MACHINE_PATHS for picture in pictures if path.encode() in picture]


def notebook_of(place: Path, *cells: str) -> Path:
    body = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"c{number}",
            "metadata": {},
            "outputs": [],
            "source": text,
        }
        for number, text in enumerate(cells)
    ]
    place.write_text(json.dumps({"cells": body, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return place


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        (("TINY = True", "1 / 0"), "a cell failed"),
        (("TINY = True", "import os; os._exit(1)"), "a cell failed"),
        (("TINY = True", "print('/home/' + 'someone')"), "paths of this machine: /home"),
        (("TINY = False  # TINY = True",), "real pictures are never part of the project"),
    ],
    ids=["failing", "dying", "telling", "real"],
)
def test_what_must_not_be_seen_is_not_saved(tmp_path, cells, complaint):
    needs_kernels()
    place = notebook_of(tmp_path / "some.ipynb", *cells)
    before = place.read_bytes()
    done = run(place)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert place.read_bytes() == before


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [SPLITS, READING])
def test_the_real_streets_can_be_read_too_and_are_not_saved(clone, roads, name):
    (clone.parents[2] / "shared").symlink_to(roads.parent)
    real = (clone / name).read_text(encoding="utf-8").replace('"TINY = True', '"TINY = False')
    (clone / name).write_text(real, encoding="utf-8")
    done = run(clone / name)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{name}: not saved, TINY is not True in its first cell: real pictures are never part of the project"
    ]
