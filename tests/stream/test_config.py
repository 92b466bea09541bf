"""A worker's file is strict, tells what is wrong, and shows no password."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import BaseModel

from roadwarden.data.redact_url import redact_url
from roadwarden.errors import ConfigError
from roadwarden.inference.stream.config import StreamConfig, read_config, shown
from roadwarden.inference.stream.policy import WhenBehind

GATE = "cameras:\n  gate-1:\n    source: {kind: network, url: 'rtsp://guard:s3cr@t@10.0.0.7/stream1?pwd=hidden'}\n"


@pytest.fixture
def config(tmp_path):
    def read(text):
        file = tmp_path / "worker.yaml"
        file.write_text(text, encoding="utf-8")
        return read_config(file)

    return read


def models_below(model):
    found, waiting = set(), [model]
    while waiting:
        one = waiting.pop()
        waiting += get_args(one)
        if isinstance(one, type) and issubclass(one, BaseModel) and one not in found:
            found.add(one)
            waiting += [field.annotation for field in one.model_fields.values()]
    return found


def test_every_field_is_described():
    bare = [
        f"{model.__name__}.{name}"
        for model in models_below(StreamConfig)
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert len(models_below(StreamConfig)) >= 12
    assert bare == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GATE + "    stale_afer_s: 2\n", "did you mean 'stale_after_s'"),
        (GATE + "    sampling: {by: distance, meters: 3}\n", "did you mean 'metres'"),
        (GATE.replace("kind: network, url", "kind: network, ur"), "did you mean 'url'"),
        (GATE + "batchng: {}\n", "did you mean 'batching'"),
        (GATE + "batching: {max_frame: 3}\n", "did you mean 'max_frames'"),
        ("cameras:\n  a: {source: {kind: vidio, path: x}}\n", "vidio"),
        ("cameras: {}\n", "there is none"),
        ("cameras:\n  a/b: {source: {kind: folder, path: x}}\n", "camera name 'a/b'"),
        ("cameras:\n  a: {source: {kind: network}}\n", "exactly one of url"),
        ("cameras:\n  a: {source: {kind: folder, path: x}, when_behind: wait, stale_after_s: 1}\n", "leave it out"),
        ("cameras:\n  a: {source: {kind: video, path: x, starts_at: 2026-03-02T09:00:00}}\n", "has no zone"),
    ],
    ids=["camera", "sampling", "source", "top", "batching", "kind", "none", "name", "no url", "wait and stale", "zone"],
)
def test_what_is_wrong_is_told_with_what_may_be_meant(config, text, told):
    with pytest.raises(ConfigError, match=told) as caught:
        config(text)
    assert "s3cr" not in str(caught.value)


def test_files_and_folders_wait_and_what_is_live_drops_its_oldest(config):
    read = config(
        GATE
        + "  folder: {source: {kind: folder, path: frames}}\n"
        + "  film: {source: {kind: video, path: a.mp4}}\n"
        + "  rehearsal: {source: {kind: video, path: a.mp4, pace: recorded}}\n"
        + "  forced: {source: {kind: folder, path: frames}, when_behind: drop_oldest}\n"
    )
    behind = {name: camera.policy().when_behind for name, camera in read.cameras.items()}
    assert behind == {
        "gate-1": WhenBehind.DROP_OLDEST,
        "folder": WhenBehind.WAIT,
        "film": WhenBehind.WAIT,
        "rehearsal": WhenBehind.DROP_OLDEST,
        "forced": WhenBehind.DROP_OLDEST,
    }
    assert read.cameras["folder"].policy().stale_after_s is None


def test_paths_are_those_of_the_file_s_folder(config, tmp_path):
    read = config("cameras:\n  a: {source: {kind: folder, path: frames}, camera: ../c.yaml}\n")
    assert read.cameras["a"].source.path == tmp_path / "frames"
    assert read.cameras["a"].camera == tmp_path / ".." / "c.yaml"


def test_nobody_sees_the_password(config):
    read = config(GATE + "database: postgresql://me:pa55@host/db\n")
    camera = read.cameras["gate-1"]
    assert camera.source.address() == "rtsp://guard:s3cr@t@10.0.0.7/stream1?pwd=hidden"
    for text in (repr(read), str(read), read.model_dump_json(), shown(camera)):
        assert "s3cr" not in text
        assert "hidden" not in text
        assert "pa55" not in text
    assert shown(camera) == "rtsp://***@10.0.0.7/stream1?pwd=***"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("rtsp://u:p@h/1", "rtsp://***@h/1"),
        ("rtsp://u:p@ss@h/live@2", "rtsp://***@h/live@2"),
        ("http://h/cgi?user=admin&pwd=x&channel=1", "http://h/cgi?user=***&pwd=***&channel=1"),
        ("rtsp://h/plain", "rtsp://h/plain"),
    ],
)
def test_urls_are_redacted(url, told):
    assert redact_url(f"cannot open {url}: refused") == f"cannot open {told}: refused"


def test_a_url_may_come_from_the_environment(config, monkeypatch):
    read = config("cameras:\n  a: {source: {kind: network, url_env: GATE_URL}}\n")
    with pytest.raises(ConfigError, match="GATE_URL"):
        read.cameras["a"].source.address()
    monkeypatch.setenv("GATE_URL", "rtsp://u:p@h/1")
    assert read.cameras["a"].source.address() == "rtsp://u:p@h/1"
