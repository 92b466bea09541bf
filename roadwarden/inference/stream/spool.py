"""Looks on disk while the database is away: a file each, whole or absent, in order of their numbers."""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from roadwarden.errors import OutputError
from roadwarden.inference.stream.look_json import look_json, read_look
from roadwarden.inference.stream.protocols import Look, SpoolFull

logger = logging.getLogger(__name__)

SUFFIX = ".json"


class SpoolFolder:
    """A ``Spool``; for one thread. What a crash left half-written is no file of it; damaged ones are set aside."""

    def __init__(self, folder: Path, most: int, when_full: SpoolFull) -> None:
        self._folder, self._most, self._when_full = folder, most, when_full
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise OutputError(f"{folder}: cannot be made: {exc.strerror}; name another 'state' folder") from exc
        for draft in folder.glob("*.tmp"):
            draft.unlink()
        names = sorted(int(path.stem) for path in folder.glob(f"*{SUFFIX}"))
        self._names: OrderedDict[int, None] = OrderedDict.fromkeys(names)
        self._next = names[-1] + 1 if names else 1
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._names)

    def put(self, look: Look) -> tuple[Look, ...]:
        """Keeps a look durably; returns those given up for want of room, which may be the very one."""
        given_up: tuple[Look, ...] = ()
        if len(self._names) >= self._most:
            if self._when_full is SpoolFull.KEEP_OLDEST:
                return (look,)
            given_up = self.first(1)
            self.forget(given_up)
        number, self._next = self._next, self._next + 1
        place = self._place(number)
        draft = place.with_suffix(".tmp")
        try:
            with draft.open("w", encoding="utf-8") as handle:
                handle.write(look_json(look))
                handle.flush()
                os.fsync(handle.fileno())
            draft.replace(place)
        except OSError as exc:
            logger.error("the spool %s cannot be written: %s", self._folder, exc.strerror)
            return (*given_up, look)
        self._names[number] = None
        return given_up

    def first(self, count: int) -> tuple[Look, ...]:
        """The oldest that are kept, oldest first."""
        found = []
        for number in list(islice(self._names, count)):
            try:
                look = read_look(self._place(number).read_text(encoding="utf-8"))
            except (OSError, ValueError, KeyError, TypeError):
                logger.error("%s is damaged; set aside", self._place(number))
                self._place(number).rename(self._place(number).with_suffix(".damaged"))
                del self._names[number]
                continue
            self._numbers[_name(look)] = number
            found.append(look)
        return tuple(found)

    def forget(self, looks: Sequence[Look]) -> None:
        """Removes looks that have been kept elsewhere."""
        for look in looks:
            number = self._numbers.pop(_name(look), None)
            if number is not None:
                self._place(number).unlink(missing_ok=True)
                self._names.pop(number, None)

    def _place(self, number: int) -> Path:
        return self._folder / f"{number:012d}{SUFFIX}"


def _name(look: Look) -> str:
    return f"{look.frame.trace_id} {look.key}"
