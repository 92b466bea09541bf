"""Follows an alias of the model registry: fetched, checked, loaded beside, tried on golden frames, then switched to.

Whatever is wrong with the new model is told once and leaves the old one in place. Frames are never touched: a lane
takes its model batch by batch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Protocol

from roadwarden.errors import ModelError, RegistryAway, RoadwardenError
from roadwarden.inference.stream.golden import self_test
from roadwarden.inference.stream.model_slot import LoadedModel, ModelSlot

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an alias stands."""

    version: int
    sha256: str


class Registry(Protocol):
    """What the follower asks of the model registry."""

    def standing(self) -> Standing:
        """Raises RegistryAway, or ConfigError where the alias is gone."""

    def fetch(self, standing: Standing) -> Path:
        """The file, its sha256, gate and voucher checked. Raises ModelError."""


class Outcome(StrEnum):
    """What a look at the alias came to."""

    SAME = "same"
    SWITCHED = "switched"
    REFUSED = "refused"  # told before, or just now
    AWAY = "away"


class AliasFollower:
    """One thread; ``look`` is one poll."""

    def __init__(
        self,
        registry: Registry,
        slot: ModelSlot,
        load: Callable[[Path], LoadedModel],
        log_move: Callable[[], None],
        test: Callable[[LoadedModel], None] = lambda model: self_test(model.detectors[0]),
    ) -> None:
        """``log_move`` brings the registry's history into the ledger."""
        self._registry, self._slot, self._load, self._log_move, self._test = registry, slot, load, log_move, test
        self._refused: Standing | None = None

    def run(self, every_s: float, stop: Event) -> None:
        """Looks until stopped."""
        while not stop.wait(every_s):
            self.look()

    def look(self) -> Outcome:
        """Switches where the alias stands at another file that passes everything."""
        try:
            standing = self._registry.standing()
        except RegistryAway as exc:
            logger.info("the alias cannot be looked at: %s", exc)
            return Outcome.AWAY
        except RoadwardenError as exc:
            logger.warning("the model stays as it is: %s", exc)
            return Outcome.REFUSED
        if standing.sha256 == self._slot.current.sha256:
            return Outcome.SAME
        if standing == self._refused:
            return Outcome.REFUSED
        return self._switch(standing)

    def _switch(self, standing: Standing) -> Outcome:
        try:
            model = self._ready(standing)
        except RegistryAway as exc:
            logger.info("version %d cannot be fetched: %s", standing.version, exc)
            return Outcome.AWAY
        except RoadwardenError as exc:
            self._refused = standing
            logger.error("version %d is refused, the old model stays: %s", standing.version, exc)
            return Outcome.REFUSED
        old = self._slot.current.label
        self._slot.switch(model)
        self._refused = None
        logger.warning("from the next batch on %s looks instead of %s", model.label, old)
        try:
            self._log_move()
        except RoadwardenError as exc:
            logger.warning("the move is in the registry's history, not yet in the ledger: %s", exc)
        return Outcome.SWITCHED

    def _ready(self, standing: Standing) -> LoadedModel:
        """The model before the current one where the alias has gone back to it; else a new one, tried."""
        before = self._slot.previous
        if before is not None and before.sha256 == standing.sha256:
            self._registry.fetch(standing)  # gate and voucher are asked again
            return before
        model = self._load(self._registry.fetch(standing))
        if model.sha256 != standing.sha256:
            raise ModelError(f"version {standing.version}: the file's sha256 is not the one that was pushed")
        self._test(model)
        return model
