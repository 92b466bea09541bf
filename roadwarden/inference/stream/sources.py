"""From a camera's configuration to its source."""

from __future__ import annotations

import math
from collections.abc import Callable

from roadwarden.inference.stream.broker.consumer import QueueSpec
from roadwarden.inference.stream.broker.messages import read_box, read_frame
from roadwarden.inference.stream.broker.source import Refuse, SubjectSource, SubjectSpec
from roadwarden.inference.stream.config import CameraConfig
from roadwarden.inference.stream.config_sources import (
    BoxesSource,
    FolderSource,
    JetStreamSource,
    NetworkSource,
    Pace,
    VideoSource,
)
from roadwarden.inference.stream.decoding.messages import DecoderSpec, FolderSpec, VideoSpec
from roadwarden.inference.stream.feed import DecoderFeed, Restarts
from roadwarden.inference.stream.policy import Policy
from roadwarden.inference.stream.protocols import Source

MARGIN_S = 15.0
"""A decoder may be silent for its longest wait and this."""


def source_of(
    name: str,
    camera: CameraConfig,
    refuse: Refuse,
    *,
    until_eof: bool,
    on_reconnect: Callable[[str], None] = lambda _camera: None,
    oldest_s: Callable[[Policy], float] = lambda _policy: math.inf,
    in_hand: int = 4,
) -> Source:
    """``refuse`` is told of messages of a broker that cannot be used. Raises ConfigError where a secret is missing.

    ``oldest_s``: the age up to which a camera's frame gets its turn now; ``in_hand``: frames that lanes are at at once.
    """
    source, policy = camera.source, camera.policy()
    if isinstance(source, JetStreamSource | BoxesSource):
        return SubjectSource(_subject_spec(name, source, until_eof=until_eof), refuse, on_reconnect)
    spec = DecoderSpec(
        camera=name,
        source=_spec(source),
        until_eof=until_eof,
        rule=camera.sampling.rule(),
        stale_after_s=policy.stale_after_s,
        buffer_frames=policy.buffer_frames,
        in_hand=in_hand,
        track=camera.track,
        zone=camera.zone,
        clock_offset_s=camera.clock_offset_s,
    )
    waits_s = max(source.timeout_s, source.silence_s) if isinstance(source, NetworkSource) else 30.0
    return DecoderFeed(spec, Restarts(patience_s=waits_s + MARGIN_S), on_reconnect, lambda: oldest_s(policy))


def _subject_spec(name: str, source: JetStreamSource | BoxesSource, *, until_eof: bool) -> SubjectSpec:
    queue = QueueSpec(source.stream, source.subject, source.consumer, source.ack_wait_s, source.max_bytes)
    read = read_box if isinstance(source, BoxesSource) else read_frame
    return SubjectSpec(name, source.address(), queue, read, source.tries, until_empty=until_eof)


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
