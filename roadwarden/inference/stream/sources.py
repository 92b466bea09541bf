"""From a camera's configuration to its source."""

from __future__ import annotations

from collections.abc import Callable

from roadwarden.inference.stream.config import CameraConfig
from roadwarden.inference.stream.config_sources import FolderSource, NetworkSource, Pace, VideoSource
from roadwarden.inference.stream.decoding.messages import DecoderSpec, FolderSpec, VideoSpec
from roadwarden.inference.stream.feed import DecoderFeed, Restarts
from roadwarden.inference.stream.protocols import Source

MARGIN_S = 15.0
"""A decoder may be silent for its longest wait and this."""


def source_of(
    name: str, camera: CameraConfig, *, until_eof: bool, on_reconnect: Callable[[str], None] = lambda _camera: None
) -> Source:
    """Raises ConfigError where a secret is not there."""
    source = camera.source
    spec = DecoderSpec(
        camera=name,
        source=_spec(source),
        until_eof=until_eof,
        rule=camera.sampling.rule(),
        stale_after_s=camera.policy().stale_after_s,
        track=camera.track,
        zone=camera.zone,
        clock_offset_s=camera.clock_offset_s,
    )
    waits_s = max(source.timeout_s, source.silence_s) if isinstance(source, NetworkSource) else 30.0
    return DecoderFeed(spec, Restarts(patience_s=waits_s + MARGIN_S), on_reconnect)


def _spec(source: NetworkSource | VideoSource | FolderSource) -> VideoSpec | FolderSpec:
    if isinstance(source, NetworkSource):
        return VideoSpec(
            source.address(),
            live=True,
            transport=source.transport,
            timeout_s=source.timeout_s,
            silence_s=source.silence_s,
            keyframes_only=source.keyframes_only,
        )
    if isinstance(source, VideoSource):
        return VideoSpec(
            str(source.path),
            live=False,
            keyframes_only=source.keyframes_only,
            recorded_pace=source.pace is Pace.RECORDED,
            starts_at=source.starts_at,
        )
    return FolderSpec(source.path, source.watch, source.poll_s, source.settled_s, source.zone)
