"""The YAML file of a worker: strict, every field described; a typo is an error with a suggestion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from roadwarden.data.redact_url import redact_url
from roadwarden.errors import ConfigError
from roadwarden.inference.stream import sampling
from roadwarden.inference.stream.config_sources import (
    BrokerSource,
    FolderSource,
    Pace,
    SourceConfig,
    Strict,
    VideoSource,
)
from roadwarden.inference.stream.policy import ARCHIVE, LIVE, Policy, WhenBehind
from roadwarden.inference.stream.protocols import SpoolFull
from roadwarden.settings import read_strict_yaml


class EveryFrameSampling(Strict):
    """All frames."""

    by: Literal["every_frame"] = Field(description="every_frame")

    def rule(self) -> sampling.Rule:
        """For ``sampling.Sampler``."""
        return sampling.EveryFrame()


class TimeSampling(Strict):
    """One frame in so many seconds."""

    by: Literal["time"] = Field(description="time")
    every_s: float = Field(default=1.0, gt=0, description="seconds from one frame to the next")

    def rule(self) -> sampling.Rule:
        """For ``sampling.Sampler``."""
        return sampling.ByTime(self.every_s)


class DistanceSampling(Strict):
    """For vehicles: one frame in so many metres."""

    by: Literal["distance"] = Field(description="distance")
    metres: float = Field(default=3.0, gt=0, description="metres driven from one frame to the next")
    without_position_s: float = Field(default=1.0, gt=0, description="seconds instead, while no position is known")

    def rule(self) -> sampling.Rule:
        """For ``sampling.Sampler``."""
        return sampling.ByDistance(self.metres, self.without_position_s)


class ChangeSampling(Strict):
    """For poles: a frame when something has changed."""

    by: Literal["change"] = Field(description="change")
    grey_levels: float = Field(default=6.0, gt=0, description="mean change, 0..255, that makes a frame worth a look")
    every_s: float = Field(default=1.0, gt=0, description="not more often than that")
    longest_s: float = Field(default=600.0, gt=0, description="and not more seldom, changed or not")

    def rule(self) -> sampling.Rule:
        """For ``sampling.Sampler``."""
        return sampling.ByChange(self.grey_levels, self.every_s, self.longest_s)


SamplingConfig = EveryFrameSampling | TimeSampling | DistanceSampling | ChangeSampling


class CameraConfig(Strict):
    """One camera, or one subject of a broker."""

    source: Annotated[SourceConfig, Field(discriminator="kind")] = Field(description="where its frames come from")
    camera: Path | None = Field(
        default=None, description="camera file ('roadwarden camera calibrate'); without one nothing is placed"
    )
    vehicle: str | None = Field(default=None, description="what the vehicle is called in passes; the camera's name")
    track: Path | None = Field(default=None, description="GPX, CSV or NMEA file of positions; read again as it grows")
    zone: str | None = Field(default=None, description="zone of track times without one, such as Asia/Shanghai")
    clock_offset_s: float = Field(default=0.0, description="seconds to add to the camera's clock")
    sampling: Annotated[SamplingConfig, Field(discriminator="by")] = Field(
        default=EveryFrameSampling(by="every_frame"), description="which frames are worth a look"
    )
    when_behind: WhenBehind | None = Field(
        default=None, description="wait (files and folders) or drop_oldest (all that is live)"
    )
    buffer_frames: int | None = Field(default=None, ge=1, le=1000, description="decoded frames that may wait")
    stale_after_s: float | None = Field(
        default=None, gt=0, description="budget of a live frame until it is kept; one that would take longer is dropped"
    )
    shared: bool = Field(
        default=True,
        description="with 'sharing': read by one worker at a time; false: by each, such as a folder of its own",
    )

    def policy(self) -> Policy:
        """What happens when the worker is behind: an archive loses nothing, a live camera shows what is now."""
        base = ARCHIVE if self.is_archive else LIVE
        when = self.when_behind or base.when_behind
        stale = base.stale_after_s if self.stale_after_s is None else self.stale_after_s
        frames = self.buffer_frames or base.buffer_frames
        return Policy(when, frames, None if when is WhenBehind.WAIT else stale)

    @property
    def is_archive(self) -> bool:
        """Whether its frames are there already and can wait."""
        played = isinstance(self.source, VideoSource) and self.source.pace is Pace.RECORDED
        return isinstance(self.source, VideoSource | FolderSource | BrokerSource) and not played

    @model_validator(mode="after")
    def _waits_or_drops(self) -> Self:
        if self.when_behind is WhenBehind.WAIT and self.stale_after_s is not None:
            raise ValueError("stale_after_s: with when_behind 'wait' nothing is dropped, however old; leave it out")
        return self


class BatchingConfig(Strict):
    """How frames of all cameras come together."""

    max_frames: int = Field(
        default=0, ge=0, le=256, description="frames of one run of the detector; 0: 1 on a CPU, 16 on a GPU"
    )
    deadline_ms: float = Field(default=30.0, ge=0, le=1000, description="longest wait for a batch to fill")
    lanes: int = Field(default=0, ge=0, le=64, description="detectors side by side; 0: one a core, on a GPU one")


class DeliveryConfig(Strict):
    """From results to the database."""

    commit_s: float = Field(default=0.25, gt=0, le=60, description="longest wait before results are kept")
    commit_frames: int = Field(default=64, ge=1, le=2000, description="results kept in one transaction at most")
    tries: int = Field(default=3, ge=1, description="a frame that failed so often goes to the quarantine")
    spool_frames: int = Field(default=100_000, ge=1, description="results on disk while the database is away, at most")
    spool_full: SpoolFull = Field(default=SpoolFull.KEEP_OLDEST, description="which evidence a full spool keeps")
    keep_keys_days: float = Field(
        default=30.0, ge=1, description="frames are known again for so long; of films and folders for ever"
    )
    file_cases: bool = Field(default=True, description="file cases of defects as 'roadwarden case file-defects' does")


class SwapConfig(Strict):
    """Following an alias of the model registry without a restart."""

    poll_s: float = Field(default=30.0, gt=0, description="seconds between looks at the alias")
    registry: str | None = Field(default=None, description="MLflow URI; else ROADWARDEN_REGISTRY")


class SharingConfig(Strict):
    """Several workers with this same file and one database share its cameras, each camera read by one of them.

    Subjects of a broker are no cameras in this sense: their queue is shared by itself.
    """

    lease_s: float = Field(
        default=12.0, ge=1, le=20, description="a worker silent for so long is taken for dead; others read its cameras"
    )


class ServerConfig(Strict):
    """What can be asked of a running worker: /healthz, /readyz, /metrics, /report, cameras."""

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=9464, ge=0, le=65535, description="port; 0 for any that is free")
    token: SecretStr | None = Field(
        default=None, description="wanted of whoever changes cameras; without it nobody may"
    )


class StreamConfig(Strict):
    """A worker and its cameras."""

    cameras: dict[str, CameraConfig] = Field(description="by name; letters, digits, '-', '_' and '.'")
    model: str | None = Field(
        default=None, description="model file, or registry:roadwarden@champion, which is followed; else shipped:fp32"
    )
    database: SecretStr | None = Field(default=None, description="database URL; else ROADWARDEN_DATABASE")
    state: Path = Field(default=Path("var/stream"), description="folder of books, spool and quarantine; one a worker")
    batching: BatchingConfig = Field(default=BatchingConfig(), description="how frames come together")
    delivery: DeliveryConfig = Field(default=DeliveryConfig(), description="from results to the database")
    swap: SwapConfig = Field(default=SwapConfig(), description="following an alias of the registry")
    sharing: SharingConfig | None = Field(default=None, description="with other workers; without it all are ours")
    server: ServerConfig | None = Field(default=None, description="health, metrics and cameras by HTTP; off without it")
    drain_s: float = Field(default=8.0, gt=0, le=300, description="longest time to finish after SIGTERM")
    memory_limit_mb: int = Field(
        default=0, ge=0, description="above it nothing more is let in until memory is free; 0: three quarters of all"
    )

    @field_validator("cameras")
    @classmethod
    def _names(cls, cameras: dict[str, CameraConfig]) -> dict[str, CameraConfig]:
        for name in cameras:
            if not name or not all(sign.isalnum() or sign in "-_." for sign in name) or name.startswith("."):
                raise ValueError(f"camera name '{name}': letters, digits, '-', '_' and '.' are wanted")
        return cameras


def shared_cameras(config: StreamConfig) -> frozenset[str]:
    """Those that one worker at a time reads; none where the file says nothing of sharing."""
    if config.sharing is None:
        return frozenset()
    return frozenset(
        name for name, one in config.cameras.items() if one.shared and not isinstance(one.source, BrokerSource)
    )


def read_config(path: Path) -> StreamConfig:
    """Reads the file; relative paths are taken from its folder. Raises ConfigError that lists every fault."""
    config = read_strict_yaml(path, StreamConfig)
    if not config.cameras:
        raise ConfigError(f"{path}: cameras: there is none; name one, such as\n  gate-1: {{source: {{kind: network, "
                          "url: rtsp://HOST/stream}}}}")  # fmt: skip
    return _anchored(config, path.parent)


def _anchored(config: StreamConfig, folder: Path) -> StreamConfig:
    cameras = {name: _camera_in(camera, folder) for name, camera in config.cameras.items()}
    return config.model_copy(update={"cameras": cameras})


def _camera_in(camera: CameraConfig, folder: Path) -> CameraConfig:
    source = camera.source
    if isinstance(source, VideoSource | FolderSource):
        source = source.model_copy(update={"path": folder / source.path})
    elif source.url_file is not None:
        source = source.model_copy(update={"url_file": folder / source.url_file})
    update: dict[str, Any] = {"source": source}
    for name in ("camera", "track"):
        if (place := getattr(camera, name)) is not None:
            update[name] = folder / place
    return camera.model_copy(update=update)


def shown(camera: CameraConfig) -> str:
    """What people may read of where a camera's frames come from: without credentials."""
    source = camera.source
    if isinstance(source, VideoSource | FolderSource):
        return f"{source.kind} {source.path.name}"
    if getattr(source, "url", None) is not None:
        return redact_url(source.address())
    return f"{source.kind}"
