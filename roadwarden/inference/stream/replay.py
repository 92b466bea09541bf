"""What lies in the quarantine, once more through gate, detector and database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from roadwarden.errors import ConfigError, DataError, StorageAway
from roadwarden.inference.steps import detected, judged
from roadwarden.inference.stream.config import StreamConfig
from roadwarden.inference.stream.lane import DecoderDied, look_of
from roadwarden.inference.stream.pictures import PictureDecoder
from roadwarden.inference.stream.protocols import Look
from roadwarden.inference.stream.quarantine import Poison, Quarantine
from roadwarden.inference.stream.sink import DatabaseSink
from roadwarden.inference.stream.values import StreamFrame
from roadwarden.inference.stream.worker import Parts, Worker
from roadwarden.vision.decode import UndecodableFrame


def replay(settings: StreamConfig, parts: Parts, only: Sequence[str] | None = None) -> dict[str, list[str]]:
    """Names by what became of them: ``kept`` left the quarantine, ``failed`` stay. Raises StorageAway."""
    quarantine = Quarantine(settings.state / "quarantine")
    wanted = [one for one in quarantine.list() if not only or one.name in only]
    if only and (unknown := set(only) - {one.name for one in wanted}):
        raise ConfigError(f"{sorted(unknown)[0]}: not in the quarantine; 'roadwarden stream quarantine list' shows it")
    sink = Worker(settings, parts).sink
    decode, done = PictureDecoder(), {"kept": list[str](), "failed": list[str]()}
    for one in wanted:
        try:
            look = quarantine.look(one.name) if one.kind == "look" else _looked(quarantine, one, parts, decode)
            sink.keep([look])
        except StorageAway:
            raise
        except (UndecodableFrame, DecoderDied, DataError, RuntimeError):
            done["failed"].append(one.name)
            continue
        quarantine.remove(one.name)
        done["kept"].append(one.name)
    decode.close()
    if isinstance(sink, DatabaseSink):
        sink.close()
    return done


def _looked(quarantine: Quarantine, one: Poison, parts: Parts, decode: PictureDecoder) -> Look:
    model = parts.slot.current
    about = json.loads((quarantine.folder / f"{one.name}.json").read_text(encoding="utf-8"))
    moment = datetime.fromisoformat(one.captured_at)
    frame = StreamFrame(one.camera, 0, moment, 0.0, about["sha256"], path=about["path"], trace_id=about["trace_id"])
    looked = judged(frame.manifest(), decode(quarantine.blob(one.name)))
    (seen,) = detected([looked], model.detectors[0])
    return look_of(frame, seen, model.label)
