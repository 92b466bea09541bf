"""What lies in the quarantine, once more through gate, detector and database."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from roadwarden.errors import ConfigError, DataError, StorageAway
from roadwarden.inference.steps import detected, judged
from roadwarden.inference.stream.broker.messages import Envelope, read_box, read_frame
from roadwarden.inference.stream.config import StreamConfig
from roadwarden.inference.stream.config_sources import BoxesSource, BrokerSource
from roadwarden.inference.stream.lane import DecoderDied, look_of
from roadwarden.inference.stream.pictures import PictureDecoder
from roadwarden.inference.stream.protocols import Look
from roadwarden.inference.stream.quarantine import Poison, Quarantine
from roadwarden.inference.stream.sink import DatabaseSink
from roadwarden.inference.stream.values import Encoded, Seen, StreamFrame
from roadwarden.inference.stream.worker import Parts, Worker
from roadwarden.vision.decode import UndecodableFrame

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Replayed:
    """Names by what became of them: ``kept`` left the quarantine, ``failed`` stay, each with its reason of today."""

    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def replay(settings: StreamConfig, parts: Parts, only: Sequence[str] | None = None) -> Replayed:
    """Pictures are looked at, messages of brokers read again, results offered again. Raises StorageAway.

    A token of a shared camera is left out: whoever replays decides, and a frame's key still keeps it from being kept
    twice.
    """
    quarantine = Quarantine(settings.state / "quarantine")
    wanted = [one for one in quarantine.list() if not only or one.name in only]
    if only and (unknown := set(only) - {one.name for one in wanted}):
        raise ConfigError(f"{sorted(unknown)[0]}: not in the quarantine; 'roadwarden stream quarantine list' shows it")
    worker, decode, done = Worker(settings, parts), PictureDecoder(), Replayed()
    again = _Again(quarantine, settings, worker, decode)
    try:
        for one in wanted:
            try:
                look = again.look(one)
                worker.sink.keep([replace(look, frame=replace(look.frame, lease=0))])
            except StorageAway:
                raise
            except (UndecodableFrame, DecoderDied, DataError, RuntimeError) as exc:
                logger.info("%s: %s", one.name, exc)
                done.failed[one.name] = str(exc)
                continue
            quarantine.remove(one.name)
            done.kept.append(one.name)
    finally:
        decode.close()
    if isinstance(worker.sink, DatabaseSink):
        worker.sink.close()
    return done


@dataclass(frozen=True, slots=True)
class _Again:
    """What each kind of thing becomes when it is tried once more."""

    quarantine: Quarantine
    settings: StreamConfig
    worker: Worker
    decode: PictureDecoder

    def look(self, one: Poison) -> Look:
        """Raises DataError, UndecodableFrame or DecoderDied where it still fails."""
        if one.kind == "look":
            return self.quarantine.look(one.name)
        if one.kind == "message":
            return self._of_message(one)
        return self._looked(self.quarantine.frame(one.name), self.quarantine.blob(one.name))

    def _of_message(self, one: Poison) -> Look:
        """As the source would read it now; its camera is the one that the subject names."""
        config = self.settings.cameras.get(one.camera)
        if config is None or not isinstance(config.source, BrokerSource):
            raise DataError(f"'{one.camera}' is no subject in the configuration any more; nothing tells how to read it")
        message = self.quarantine.message(one.name)
        envelope = Envelope(message.subject, message.number, message.stored_at)
        read = read_box if isinstance(config.source, BoxesSource) else read_frame
        frame, content = read(envelope, message.headers, message.body)
        self.worker.meet(frame.camera, config)
        if isinstance(content, Seen):
            return Look(frame, content.detections, content.model)
        return self._looked(frame, content.data if isinstance(content, Encoded) else b"")

    def _looked(self, frame: StreamFrame, data: bytes) -> Look:
        model = self.worker.slot.current
        looked = judged(frame.manifest(), self.decode(data))
        (seen,) = detected([looked], model.detectors[0])
        return look_of(frame, seen, model.label)
