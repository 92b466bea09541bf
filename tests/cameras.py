"""Cameras for tests: films, folders of pictures, and a real RTSP server."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"
NEEDS = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer, Gst; " \
        "Gst.init(None); assert all(map(Gst.ElementFactory.find, ('x264enc', 'rtph264pay', 'rtspsrc')))"  # fmt: skip


def write_film(place: Path, frames: int = 30, fps: int = 10, *, seed: int = 0, codec: str = "libx264") -> Path:
    """A video of frames that pass the quality gate, each another one; a key frame a second."""
    import av

    from tests.conftest import textured

    with av.open(str(place), "w") as container:
        options = {"x264-params": "scenecut=0", "preset": "ultrafast"}
        stream = container.add_stream(codec, rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
        stream.gop_size = fps
        stream.max_b_frames = 0
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(textured(seed + number)), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return place


def write_pictures(folder: Path, count: int, *, seed: int = 0) -> Path:
    from tests.conftest import jpeg, textured

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:04d}.jpg").write_bytes(jpeg(textured(seed + number)))
    return folder


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "drive.mp4")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RtspServer:
    """Can be stopped, killed and started again on the same port."""

    def __init__(self, port: int, fps: int, mounts: tuple[str, ...]) -> None:
        self.port, self._fps, self._mounts = port, fps, mounts
        self._process: subprocess.Popen | None = None

    def url(self, mount: str, user: str = "") -> str:
        return f"rtsp://{user}127.0.0.1:{self.port}/{mount}"

    def start(self) -> RtspServer:
        command = [SYSTEM_PYTHON, str(HERE / "rtsp_server.py"), str(self.port), str(self._fps), *self._mounts]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout.readline().strip() == "ready"
        return self

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._process = None

    def pause(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)


@pytest.fixture(scope="session")
def _gstreamer():
    """Whether the system's Python can serve RTSP; says what is missing where it cannot."""
    if not Path(SYSTEM_PYTHON).is_file():
        pytest.skip("no /usr/bin/python3: the RTSP server of the tests runs on Debian's Python with GStreamer")
    done = subprocess.run([SYSTEM_PYTHON, "-c", NEEDS], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(
            "no GStreamer RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi "
            f"gstreamer1.0-plugins-{{good,bad,ugly}} ({(done.stderr.strip().splitlines() or ['?'])[-1]})"
        )


@pytest.fixture
def rtsp(_gstreamer):
    """Makes servers; each is ended with its test."""
    with contextlib.ExitStack() as stack:

        def make(*mounts: str, fps: int = 10, port: int = 0) -> RtspServer:
            server = RtspServer(port or free_port(), fps, mounts or ("cam",))
            stack.callback(server.kill)
            return server

        yield make
