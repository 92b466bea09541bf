"""A ``Source`` of what waits on a JetStream subject: taken from a work queue, acknowledged when it is safe.

A message that a worker had and did not acknowledge (it was killed, or the broker was gone) is delivered again, to any
worker. One that comes back too often, or that is not what it should be, goes to the quarantine and leaves the queue.
"""

from __future__ import annotations

import hashlib
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from threading import Event
from typing import TYPE_CHECKING, Protocol

from roadwarden.errors import DataError
from roadwarden.inference.stream.backoff import Backoff
from roadwarden.inference.stream.broker.consumer import Queued, QueueSpec
from roadwarden.inference.stream.broker.link import BrokerAway, Link
from roadwarden.inference.stream.broker.messages import Envelope
from roadwarden.inference.stream.protocols import Arrival
from roadwarden.inference.stream.values import Content, Door, Message, Passed, StreamFrame, Waiting

if TYPE_CHECKING:
    from nats.aio.msg import Msg

logger = logging.getLogger(__name__)

FETCH_S = 1.0
Read = Callable[[Envelope, Mapping[str, str], bytes], tuple[StreamFrame, Content]]


class Refuse(Protocol):
    """Where poison goes."""

    def __call__(self, frame: StreamFrame, message: Message, why: str, tries: int) -> None:
        """Keeps it as it came, with the reason."""


@dataclass(frozen=True, slots=True)
class SubjectSpec:
    """One subject of a broker. ``url`` may hold credentials."""

    name: str
    url: str = field(repr=False)
    queue: QueueSpec
    read: Read
    tries: int = 5  # deliveries; the next one goes to the quarantine
    until_empty: bool = False
    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=0.2, longest_s=5.0))


class SubjectSource:
    """Messages of all its cameras, in the order the broker hands them out."""

    def __init__(
        self, spec: SubjectSpec, refuse: Refuse, on_reconnect: Callable[[str], None] = lambda _name: None
    ) -> None:
        self._spec, self._refuse, self._on_reconnect = spec, refuse, on_reconnect

    def arrivals(self, stop: Event) -> Iterator[Arrival | Passed | Waiting]:
        """Until stopped, or with ``until_empty`` until nothing is left to be taken or acknowledged."""
        with Link(self._spec.url, self._spec.name, lambda: self._on_reconnect(self._spec.name)) as link:
            failures = 0
            queued: Queued | None = None
            while not stop.is_set():
                try:
                    queued = queued or Queued.begin(link, self._spec.queue)
                    message = queued.next(FETCH_S)
                    empty = message is None and self._spec.until_empty and queued.is_empty()
                    failures = 0
                except BrokerAway as exc:
                    failures += 1
                    logger.log(logging.WARNING if failures == 1 else logging.INFO, "%s", exc)
                    yield Waiting(connected=False)
                    stop.wait(self._spec.backoff.pause_s(failures, random.Random()))
                    if failures % 3 == 0 and link.is_connected:
                        queued = None  # the broker may have lost what it knew of us; what is open is still told
                    continue
                if empty:
                    break
                if message is None:
                    yield Waiting()
                    continue
                yield self._taken(message, queued)
            if queued is not None:
                queued.end()

    def _taken(self, message: Msg, queued: Queued) -> Arrival | Passed:
        envelope = _envelope(message)
        try:
            frame, content = self._spec.read(envelope, message.headers or {}, message.data)
        except DataError as exc:
            return self._poison(message, queued, envelope, str(exc))
        if envelope.deliveries > self._spec.tries:
            why = f"delivered {envelope.deliveries} times and never safe: it may be what ends the worker"
            return self._poison(message, queued, envelope, why)
        return Arrival(frame, content, queued.receipt(message), envelope.deliveries)

    def _poison(self, message: Msg, queued: Queued, envelope: Envelope, why: str) -> Passed:
        frame = StreamFrame(
            camera=self._spec.name,
            number=envelope.number,
            captured_at=envelope.stored_at,
            arrived_s=time.monotonic(),
            sha256=hashlib.sha256(message.data).hexdigest(),
            path=envelope.subject,
            size_bytes=len(message.data),
            timed=False,
        )
        kept = Message(envelope.subject, envelope.number, envelope.stored_at, message.headers or {}, message.data)
        self._refuse(frame, kept, f"{envelope.subject}: {why}", envelope.deliveries)
        queued.give_up(message)
        return Passed(Door.DECODE_ERROR, 1, why)


def _envelope(message: Msg) -> Envelope:
    about = message.metadata
    return Envelope(message.subject, about.sequence.stream, about.timestamp.astimezone(UTC), about.num_delivered or 1)
