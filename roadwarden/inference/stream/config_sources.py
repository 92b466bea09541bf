"""Where frames come from, as a configuration says it: one model for each kind of source."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from roadwarden.settings import read_secret

NAME = "^[A-Za-z0-9_-]{1,100}$"
SUBJECT = r"^[^\s.]+(\.[^\s.]+)*$"


class Strict(BaseModel):
    """Unknown keys are errors; nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Pace(StrEnum):
    """How fast a file is played."""

    RECORDED = "recorded"  # as it was recorded: a rehearsal of a live camera
    FULL = "full"  # as fast as it can be worked on


class Addressed(Strict):
    """What is reached by a URL, which may hold a password: it stands there, in the environment or in a file."""

    url: SecretStr | None = Field(default=None, description="the URL; never logged")
    url_env: str | None = Field(default=None, description="environment variable that holds the URL")
    url_file: Path | None = Field(default=None, description="file that holds the URL")

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if sum(one is not None for one in (self.url, self.url_env, self.url_file)) != 1:
            raise ValueError("exactly one of url, url_env and url_file is wanted")
        return self

    def address(self) -> str:
        """The URL with its credentials; raises ConfigError where the secret is not there."""
        return self.url.get_secret_value() if self.url is not None else read_secret(self.url_env, self.url_file)


class NetworkSource(Addressed):
    """A camera or gateway on the network: RTSP, RTMP, HTTP-FLV, HLS, MJPEG; whatever FFmpeg opens."""

    kind: Literal["network"] = Field(description="network")
    url: SecretStr | None = Field(default=None, description="such as rtsp://USER:PASSWORD@HOST/stream; never logged")
    transport: Literal["tcp", "udp"] = Field(default="tcp", description="of RTSP; tcp loses nothing silently")
    timeout_s: float = Field(default=10.0, gt=0, description="longest wait for an answer or a packet")
    silence_s: float = Field(default=20.0, gt=0, description="without a frame for so long the stream is opened anew")
    keyframes_only: bool = Field(default=False, description="decode key frames only: a tenth of the work")


class VideoSource(Strict):
    """A video file."""

    kind: Literal["video"] = Field(description="video")
    path: Path = Field(description="the file")
    pace: Pace = Field(default=Pace.FULL, description="recorded or full speed")
    starts_at: datetime | None = Field(
        default=None, description="time of the first frame with its zone; without it the file says, or its own date"
    )
    keyframes_only: bool = Field(default=False, description="decode key frames only")

    @model_validator(mode="after")
    def _aware(self) -> Self:
        if self.starts_at is not None and self.starts_at.utcoffset() is None:
            raise ValueError(f"starts_at: {self.starts_at} has no zone; write 2026-03-02T09:00:00+08:00")
        return self


class FolderSource(Strict):
    """A folder of pictures, read in the order of their names."""

    kind: Literal["folder"] = Field(description="folder")
    path: Path = Field(description="the folder; subfolders too")
    watch: bool = Field(default=True, description="wait for new pictures; with --until-eof the folder ends")
    poll_s: float = Field(default=1.0, gt=0, description="seconds between looks into the folder")
    settled_s: float = Field(default=0.5, ge=0, description="a picture is read when it has not grown for so long")
    zone: str | None = Field(default=None, description="zone of EXIF times without one, such as Asia/Shanghai")


class BrokerSource(Addressed):
    """What frames and boxes share: a work queue on a subject of NATS JetStream."""

    url: SecretStr | None = Field(default=None, description="such as nats://USER:PASSWORD@HOST:4222; never logged")
    consumer: str = Field(
        default="roadwarden",
        pattern=NAME,
        description="durable consumer; workers that name the same one share the work",
    )
    ack_wait_s: float = Field(
        default=30.0,
        ge=1,
        le=3600,
        description="a worker silent for so long is taken for dead, and others get its frames",
    )
    tries: int = Field(
        default=5, ge=1, description="deliveries; a message that is not safe then goes to the quarantine"
    )
    max_bytes: int = Field(default=-1, ge=-1, description="of a stream that is made; -1: no limit; full, it refuses")


class JetStreamSource(BrokerSource):
    """Picture files on a subject; its last part names the camera."""

    kind: Literal["jetstream"] = Field(description="jetstream")
    subject: str = Field(default="roadwarden.frames.*", pattern=SUBJECT, description="what is listened to")
    stream: str = Field(default="ROADWARDEN_FRAMES", pattern=NAME, description="made where it is not there")


class BoxesSource(BrokerSource):
    """Boxes on vehicles that have looked already, by MQTT: topic roadwarden/boxes/BOX."""

    kind: Literal["boxes"] = Field(description="boxes")
    subject: str = Field(default="roadwarden.boxes.*", pattern=SUBJECT, description="the topic, with '.' for '/'")
    stream: str = Field(default="ROADWARDEN_BOXES", pattern=NAME, description="made where it is not there")


SourceConfig = NetworkSource | VideoSource | FolderSource | JetStreamSource | BoxesSource
"""Every kind; ``kind`` tells which."""
