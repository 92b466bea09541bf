"""An archive is the same frames, whatever it is stored in."""

from __future__ import annotations

import io
import pickle
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from roadwarden.data.archives import UnreadableEntry, archive_label, open_archive
from roadwarden.errors import DataError
from roadwarden.vision.decode import decode
from tests.conftest import jpeg, textured
from tests.s3_server import s3_server

NAMES = ("a 1.jpg", "new\nline.jpg", "西湖区/坑槽.jpg", "z/deep/er.png")


@pytest.fixture(scope="module")
def frames() -> dict[str, bytes]:
    return {name: jpeg(textured(number)) for number, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def folder(frames, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("folder")
    for name, data in {**frames, "notes.txt": b"no frame", ".hidden/x.jpg": b"", "__MACOSX/a.jpg": b""}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def content(spec: object) -> dict[str, bytes]:
    archive = open_archive(str(spec))
    return {entry.path: archive.read(entry.path) for entry in archive.entries()}


def test_a_folder_tree(folder, frames):
    assert content(folder) == frames
    assert {entry.path: entry.size_bytes for entry in open_archive(str(folder)).entries()} == {
        name: len(data) for name, data in frames.items()
    }


def test_a_zip(folder, frames, tmp_path):
    with zipfile.ZipFile(tmp_path / "card.zip", "w") as archive:
        for name, data in frames.items():
            archive.writestr(name, data)
        archive.writestr("__MACOSX/._a.jpg", b"junk")
    assert content(tmp_path / "card.zip") == frames


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
def test_a_tar(frames, tmp_path, kind):
    place = tmp_path / f"card.{kind}"
    with tarfile.open(place, "w:gz" if kind.endswith("gz") else "w") as archive:
        for name, data in frames.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    assert content(place) == frames


def test_a_tar_that_breaks_off_gives_what_is_whole(frames, tmp_path):
    place = tmp_path / "card.tar"
    with tarfile.open(place, "w") as archive:
        for name, data in frames.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    whole = place.read_bytes()
    place.write_bytes(whole[: len(whole) // 2])
    archive = open_archive(str(place))
    paths = [entry.path for entry in archive.entries()]
    assert archive.read(paths[0]) == frames[paths[0]]
    with pytest.raises(UnreadableEntry, match="corrupt_member"):
        archive.read(paths[-1])


def test_a_glob(folder, frames):
    assert content(folder / "**" / "*.jpg") == {name: data for name, data in frames.items() if name.endswith(".jpg")}


def test_a_list_of_paths_in_its_own_order(folder, frames, tmp_path):
    listed = folder / "list.txt"
    listed.write_text("z/deep/er.png\na 1.jpg\n\n西湖区/坑槽.jpg\ngone.jpg\n", encoding="utf-8")
    archive = open_archive(str(listed))
    assert [entry.path for entry in archive.entries()] == ["z/deep/er.png", "a 1.jpg", "西湖区/坑槽.jpg", "gone.jpg"]
    assert archive.read("z/deep/er.png") == frames["z/deep/er.png"]
    with pytest.raises(UnreadableEntry, match="missing"):
        archive.read("gone.jpg")


def test_a_path_that_stands_twice_is_told(folder):
    (folder / "twice.txt").write_text("a 1.jpg\na 1.jpg\n")
    with pytest.raises(DataError, match="stands twice"):
        list(open_archive(str(folder / "twice.txt")).entries())


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> tuple[Path, list[np.ndarray]]:
    av = pytest.importorskip("av", reason="videos need roadwarden[video]")
    place = tmp_path_factory.mktemp("video") / "drive.mkv"
    pictures = [textured(seed, 64, 48) for seed in range(5)]
    with av.open(str(place), "w") as container:
        stream = container.add_stream("ffv1", rate=5)  # lossless, so that what comes out can be compared
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode())
    return place, pictures


def test_a_video(video):
    place, pictures = video
    found = content(place)
    assert list(found) == [f"drive.mkv/{number:06d}" for number in range(5)]
    for data, picture in zip(found.values(), pictures, strict=True):
        assert np.array_equal(decode(data), picture)


def test_a_video_read_backwards(video):
    place, pictures = video
    archive = open_archive(str(place))
    assert np.array_equal(decode(archive.read("drive.mkv/000003")), pictures[3])
    assert np.array_equal(decode(archive.read("drive.mkv/000001")), pictures[1])


def test_what_is_no_video_says_so(tmp_path):
    (tmp_path / "drive.mp4").write_bytes(b"no video")
    with pytest.raises(DataError, match="not a video"):
        open_archive(str(tmp_path / "drive.mp4"))


def named_for_s3(frames: dict[str, bytes]) -> dict[str, bytes]:
    """Without the name that no S3 client can put: a newline does not survive its XML."""
    return {name: data for name, data in frames.items() if "\n" not in name}


@pytest.fixture(scope="module")
def bucket(frames) -> Iterator[str]:
    with s3_server("survey") as client:
        for name, data in named_for_s3(frames).items():
            client.put_object(Bucket="survey", Key=f"2026/{name}", Body=data)
        yield "s3://survey/2026"


def test_a_bucket(bucket, frames):
    assert content(bucket) == named_for_s3(frames)


def test_a_bucket_by_glob(bucket, frames):
    assert content(f"{bucket}/a*.jpg") == {"a 1.jpg": frames["a 1.jpg"]}


def test_an_empty_prefix_is_told(bucket):
    with pytest.raises(DataError, match="matches no picture"):
        list(open_archive("s3://survey/2025").entries())


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_an_archive_travels_to_another_process(folder, frames, tmp_path, kind):
    place = folder
    if kind == "zip":
        place = tmp_path / "card.zip"
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("a 1.jpg", frames["a 1.jpg"])
    assert pickle.loads(pickle.dumps(open_archive(str(place)))).read("a 1.jpg") == frames["a 1.jpg"]


def test_labels_hold_no_secret_and_no_folder():
    assert archive_label("/home/someone/card/") == "card"
    assert "secret" not in archive_label("ftp://user:secret@host/card")
