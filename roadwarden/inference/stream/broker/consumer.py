"""A durable work queue of JetStream, shared by all workers that name the same consumer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from roadwarden.errors import StreamError
from roadwarden.inference.stream.broker.link import Link
from roadwarden.inference.stream.values import Door

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

logger = logging.getLogger(__name__)

DUPLICATES_S = 120.0
"""A message published twice with the same Nats-Msg-Id within this time is stored once."""
AGAIN_S = 0.5
MOST_OPEN = 4096


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """Made where it is not there; left as it is where it is."""

    stream: str  # ROADWARDEN_FRAMES
    subject: str  # roadwarden.frames.>
    consumer: str = "roadwarden"
    ack_wait_s: float = 30.0  # a worker that says nothing of a message for so long is taken for dead
    max_bytes: int = -1  # -1: what the broker has
    ahead: int = 8  # messages asked for at once


class Queued:
    """What one worker has taken of the queue; ``receipt``s may be used from any thread."""

    def __init__(
        self, link: Link, spec: QueueSpec, context: JetStreamContext, pulled: JetStreamContext.PullSubscription
    ) -> None:
        self._link, self._spec, self._context, self._pulled = link, spec, context, pulled
        self._open: dict[int, Msg] = {}  # by their number in the stream
        self._fetched: list[Msg] = []
        self._keeper = link.spawn(self._keep())

    @classmethod
    def begin(cls, link: Link, spec: QueueSpec) -> Self:
        """Raises BrokerAway, or StreamError where the broker refuses the stream for good."""
        client = link.client()
        context = client.jetstream(timeout=5)
        link.call(ensure_stream(context, spec))
        return cls(link, spec, context, link.call(_subscribe(context, spec)))

    def next(self, wait_s: float) -> Msg | None:
        """The next message, None where none came within the time. Raises BrokerAway."""
        if not self._fetched:
            self._link.client()  # raises while it is away
            self._fetched = self._link.call(self._fetch(wait_s))
            self._fetched.reverse()
            self._open |= {_number(one): one for one in self._fetched}
        return self._fetched.pop() if self._fetched else None

    def is_empty(self) -> bool:
        """Whether nothing waits, and nothing is with any worker. Raises BrokerAway."""
        about = self._link.call(self._pulled.consumer_info())
        return not about.num_pending and not about.num_ack_pending

    def receipt(self, message: Msg) -> MessageReceipt:
        """To be told what became of it."""
        return MessageReceipt(self, message)

    def give_up(self, message: Msg) -> None:
        """It is not delivered again."""
        self.done(message, message.term())

    def done(self, message: Msg, word: Coroutine[Any, Any, None]) -> None:
        """Sends the last word on a message, if this worker still has it; a word that is lost makes a redelivery."""
        self._open.pop(_number(message), None)
        self._link.spawn(_said(word))

    def end(self) -> None:
        """Gives back what was fetched and not handed on."""
        for message in self._fetched:
            self.done(message, message.nak())
        self._fetched = []
        self._keeper.cancel()

    async def _fetch(self, wait_s: float) -> list[Msg]:
        from nats.errors import TimeoutError as NothingCame

        try:
            return await self._pulled.fetch(self._spec.ahead, timeout=wait_s)
        except (NothingCame, TimeoutError):
            return []

    async def _keep(self) -> None:
        """Tells the broker that what is open is still worked on, as long as this process lives."""
        while True:
            await asyncio.sleep(self._spec.ack_wait_s / 3)
            for message in list(self._open.values())[:MOST_OPEN]:
                await _said(message.in_progress())


class MessageReceipt:
    """A ``Receipt``."""

    def __init__(self, queued: Queued, message: Msg) -> None:
        self._queued, self._message = queued, message

    def settled(self, door: Door) -> None:
        """Acknowledged."""
        self._queued.done(self._message, self._message.ack())

    def returned(self, why: str) -> None:
        """To be delivered again soon, to whoever asks."""
        self._queued.done(self._message, self._message.nak(delay=AGAIN_S))


async def ensure_stream(context: JetStreamContext, spec: QueueSpec) -> None:
    """Makes the stream; raises StreamError where one of that name holds other subjects."""
    from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
    from nats.js.errors import BadRequestError, NotFoundError

    try:
        found = await context.stream_info(spec.stream)
    except NotFoundError:
        config = StreamConfig(
            name=spec.stream,
            subjects=[spec.subject],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,  # a full queue refuses what is new, and the sender knows it
            max_bytes=spec.max_bytes,
            duplicate_window=DUPLICATES_S,
        )
        try:
            await context.add_stream(config)
        except BadRequestError as exc:
            raise StreamError(f"stream {spec.stream}: the broker refuses it: {exc.description}") from exc
        return
    if spec.subject not in (found.config.subjects or []):
        raise StreamError(
            f"stream {spec.stream} holds {found.config.subjects}, not '{spec.subject}'; name another stream or subject"
        )


async def _subscribe(context: JetStreamContext, spec: QueueSpec) -> JetStreamContext.PullSubscription:
    from nats.js.api import AckPolicy, ConsumerConfig

    config = ConsumerConfig(
        durable_name=spec.consumer,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=spec.ack_wait_s,
        max_deliver=-1,  # we count, and keep the poison; the broker would only stop to deliver it
        max_ack_pending=MOST_OPEN,
        filter_subject=spec.subject,
    )
    return await context.pull_subscribe(spec.subject, durable=spec.consumer, stream=spec.stream, config=config)


async def _said(word: Coroutine[Any, Any, None]) -> None:
    from nats.errors import Error

    try:
        await word
    except (Error, OSError) as exc:
        logger.info("not told the broker, it delivers again: %s", exc)


def _number(message: Msg) -> int:
    return message.metadata.sequence.stream
