"""A connection to NATS for a thread: its event loop runs in another, and reconnects for ever."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self, TypeVar

from roadwarden.data.redact_url import redact_url
from roadwarden.errors import MissingExtra, StreamError

if TYPE_CHECKING:
    from nats.aio.client import Client

logger = logging.getLogger(__name__)

T = TypeVar("T")
CONNECT_S = 2.0
CALL_S = 10.0
PING_S = 5
"""A broker that does not answer two pings in a row is taken for gone."""


class BrokerAway(StreamError):
    """The broker does not answer; it is tried again."""


class Link:
    """A context manager; ``call`` runs a coroutine in its loop and waits for it."""

    def __init__(self, url: str, name: str, on_reconnect: Callable[[], None] = lambda: None) -> None:
        """``url`` may hold credentials, and is never shown."""
        self._url, self._name, self._on_reconnect = url, name, on_reconnect
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"nats {name}", daemon=True)
        self._client: Client | None = None
        self._told, self._leaving = "", False

    def __enter__(self) -> Self:
        """Itself; nothing is opened before the first ``client``."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the connection; what was to be sent is sent."""
        if self._client is not None:
            try:
                self.call(self._goodbye(self._client))
            except BrokerAway:
                logger.info("%s: the broker was not there to say goodbye to", self._name)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_S)
        if not self._thread.is_alive():
            self._loop.close()

    @property
    def is_connected(self) -> bool:
        """At this moment."""
        return self._client is not None and self._client.is_connected

    def client(self) -> Client:
        """Connected once; from then on it reconnects by itself. Raises BrokerAway."""
        if self._client is None:
            self._client = self.call(self._connect(), 2 * CONNECT_S)
        if not self._client.is_connected:
            raise BrokerAway(f"{self._name}: the broker is away")
        return self._client

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float = CALL_S) -> T:
        """The result; raises BrokerAway for whatever the network or the broker fails with."""
        from nats.errors import Error

        future = self.spawn(work)
        try:
            return future.result(timeout_s)
        except TimeoutError as exc:
            future.cancel()
            raise BrokerAway(f"{self._name}: no answer within {timeout_s:.0f} s") from exc
        except (Error, OSError) as exc:
            raise BrokerAway(redact_url(f"{self._name}: {type(exc).__name__}: {exc}")) from exc

    def spawn(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begins it; may be called from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _connect(self) -> Client:
        try:
            import nats
        except ImportError as exc:
            raise MissingExtra("brokers want nats-py: pip install 'roadwarden[stream]'") from exc
        return await nats.connect(
            self._url,
            name=f"roadwarden {self._name}",
            connect_timeout=CONNECT_S,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,
            allow_reconnect=True,
            ping_interval=PING_S,
            error_cb=self._failed,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
        )

    async def _goodbye(self, client: Client) -> None:
        self._leaving = True
        if client.is_connected:
            await client.flush(timeout=int(CALL_S / 2))
        await client.close()

    async def _failed(self, exc: Exception) -> None:
        text = redact_url(f"{type(exc).__name__}: {exc}")
        log = logger.info if text == self._told else logger.warning
        log("%s: broker: %s", self._name, text)
        self._told = text

    async def _disconnected(self) -> None:
        if not self._leaving:
            logger.warning("%s: the broker is gone; trying again", self._name)

    async def _reconnected(self) -> None:
        logger.warning("%s: the broker is back", self._name)
        self._told = ""
        self._on_reconnect()
