"""Whatever lies on the card, the job ends with a row for every frame and a message that says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.conftest import jpeg, textured
from tests.vision.test_decode import png_header


def outcomes(out: Path) -> dict[str, str]:
    table = pq.read_table(out / "frames.parquet")
    return dict(zip(table["frame"].to_pylist(), table["outcome"].to_pylist(), strict=True))


def detect(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "roadwarden", "detect", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}, check=False
    )


def assert_said(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inspector's card with everything on it that goes wrong."""
    root = tmp_path_factory.mktemp("card")
    good = jpeg(textured(1))
    files = {
        "good.jpg": good,
        "cut.jpg": good[: len(good) // 2],
        "empty.jpg": b"",
        "text.jpg": b"this is a note, not a picture\n" * 20,
        "bomb.png": png_header(40_000, 40_000),
        "grey.png": bytes(cv2.imencode(".png", textured(2)[..., 0])[1]),
        "deep.png": bytes(cv2.imencode(".png", textured(3)[..., 0].astype(np.uint16) * 257)[1]),
        "dark.jpg": jpeg((textured(4) * 0.1).astype(np.uint8)),
        "with space.jpg": good,
        "西湖区/坑槽 一.jpg": good,
        "new\nline.jpg": good,
        "notes.csv.bak": b"no frame",
    }
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (root / "gone.jpg").symlink_to(root / "nowhere.jpg")
    return root


@pytest.fixture(scope="module")
def card_done(card: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = tmp_path_factory.mktemp("card-out")
    return out, detect(card, "--out", out, "--annotate")


def test_a_card_with_bad_frames_is_no_failed_job(card_done):
    _, done = card_done
    assert_said(done, 0)


@pytest.mark.parametrize(
    ("frame", "outcome"),
    [
        ("cut.jpg", "unreadable:truncated"),
        ("empty.jpg", "unreadable:empty"),
        ("text.jpg", "unreadable:not_an_image"),
        ("bomb.png", "unreadable:too_large"),
        ("gone.jpg", "unreadable:missing"),
        ("dark.jpg", "poor_quality:dark"),
    ],
)
def test_a_bad_frame_says_what_is_wrong_with_it(card_done, frame, outcome):
    assert outcomes(card_done[0])[frame] == outcome


@pytest.mark.parametrize(
    "frame", ["good.jpg", "grey.png", "deep.png", "with space.jpg", "西湖区/坑槽 一.jpg", "new\nline.jpg"]
)
def test_odd_names_and_formats_are_judged(card_done, frame):
    assert outcomes(card_done[0])[frame] in {"clean", "detected"}
    assert (card_done[0] / "annotated" / f"{frame}.jpg").is_file()


def test_every_frame_has_one_row_and_nothing_else_has(card_done, card):
    frames = [str(path.relative_to(card)) for path in card.rglob("*") if path.suffix in {".jpg", ".png"}]
    assert sorted(outcomes(card_done[0])) == sorted(frames)


def test_a_corrupt_zip_member_costs_itself(tmp_path):
    place = tmp_path / "card.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as archive:
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            archive.writestr(name, jpeg(textured(ord(name[0]))))
    data = bytearray(place.read_bytes())
    data[data.index(b"b.jpg") + 2000] ^= 0xFF
    place.write_bytes(data)
    assert_said(detect(place, "--out", tmp_path / "out"), 0)
    assert {name: text.partition(":")[0] for name, text in outcomes(tmp_path / "out").items()}["b.jpg"] == "unreadable"
    assert outcomes(tmp_path / "out")["c.jpg"] in {"clean", "detected"}


def test_a_frame_that_kills_the_decoder_costs_itself(tmp_path, monkeypatch):
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(20):
        (frames / f"{number:02d}.jpg").write_bytes(jpeg(textured(number)))
    (frames / "07.jpg").write_bytes(b"\xff\xd8\xffKILLER")
    # A sitecustomize in the workers' path makes decoding that file end the process, as a broken codec would.
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(
        "import os\n"
        "import roadwarden.vision.decode as module\n"
        "original = module.decode\n"
        "def decode(data, *rest):\n"
        "    if b'KILLER' in data: os.kill(os.getpid(), 11)\n"
        "    return original(data, *rest)\n"
        "module.decode = decode\n"
    )
    done = detect(
        frames, "--out", tmp_path / "out", PYTHONPATH=f"{hooks}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    )
    assert_said(done, 0, "07.jpg")
    found = outcomes(tmp_path / "out")
    assert found.pop("07.jpg") == "unreadable:decoder_crashed"
    assert len(found) == 19
    assert set(found.values()) <= {"clean", "detected"}


def test_a_card_without_one_readable_frame_is_a_failed_job(tmp_path):
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "a.jpg").write_bytes(b"")
    assert_said(detect(tmp_path / "card", "--out", tmp_path / "out"), 1, "none of the 1 frames could be read")


def test_what_is_no_archive_says_what_would_be(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 cut off")
    (tmp_path / "report.pdf").write_bytes(b"%PDF")
    for name, words in (
        ("missing", "no such folder"),
        ("empty", "holds no picture"),
        ("cut.zip", "not a whole zip"),
        ("report.pdf", "not an archive"),
    ):
        assert_said(detect(tmp_path / name, "--out", tmp_path / "out"), 1, words)


def test_a_model_that_is_none_is_refused_before_any_work(card, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    done = detect(card, "--out", tmp_path / "out", "--model", tmp_path / "model.onnx")
    assert_said(done, 1, "not a model that ONNX Runtime can load")
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_told(card, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert_said(detect(card, "--out", tmp_path / "file" / "out"), 1, "cannot be written")


def test_another_job_in_the_same_folder_is_refused(card, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, seed in ((one, 1), (two, 2)):
        folder.mkdir()
        (folder / "a.jpg").write_bytes(jpeg(textured(seed, width=320 + 32 * seed)))
    assert_said(detect(one, "--out", tmp_path / "out"), 0)
    assert_said(detect(two, "--out", tmp_path / "out"), 2, "holds a job that differs", "--fresh")
    assert_said(detect(two, "--out", tmp_path / "out", "--fresh"), 0)


def test_a_full_disk_keeps_what_is_done(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mount.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mount.stderr.strip()}")
    try:
        frames = tmp_path / "frames"
        frames.mkdir()
        for number in range(120):
            (frames / f"{number:03d}.jpg").write_bytes(jpeg(textured(number)))
        assert_said(
            detect(frames, "--out", disk / "out", "--workers", 2), 1, "the disk is full", "run the same command again"
        )
        kept = list((disk / "out/work/parts").glob("*.arrow"))
        assert kept
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert_said(detect(frames, "--out", disk / "out"), 0)
        assert len(outcomes(disk / "out")) == 120
    finally:
        subprocess.run(["umount", str(disk)], check=True)
