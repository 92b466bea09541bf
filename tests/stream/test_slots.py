"""A picture's way from a decoder to the worker, between two real processes."""

from __future__ import annotations

import gc
import importlib
import os
import queue
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from roadwarden.inference.stream.decoding.slots import STRIDE, Slots
from roadwarden.inference.stream.decoding.start import DECODERS, LOADED
from roadwarden.inference.stream.memory import resident_bytes, used_bytes

SHAPE = (720, 1280, 3)
LARGE = (3000, 4000, 3)


def picture(number: int, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, shape, np.uint8)


def decoder(slots: Slots, pipe: Connection, shapes: list[tuple[int, int, int]]) -> None:
    for number, shape in enumerate(shapes):
        pipe.send((slots.write(picture(number, shape)), shape))


class Decoding:
    """A decoder that writes pictures of these shapes as long as there is room."""

    def __init__(self, slots: Slots, shapes: list[tuple[int, int, int]]) -> None:
        self.pipe, theirs = DECODERS.Pipe(duplex=False)
        self.process = DECODERS.Process(target=decoder, args=(slots, theirs, shapes))
        self.process.start()
        theirs.close()

    def __enter__(self) -> Decoding:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.join(10)
        self.pipe.close()

    def next(self) -> tuple[int, tuple[int, int, int]]:
        assert self.pipe.poll(30), "the decoder says nothing"
        return self.pipe.recv()

    @property
    def stands_still(self) -> bool:
        return not self.pipe.poll(0.5)


def test_pictures_arrive_byte_for_byte_whatever_their_sizes():
    shapes = [SHAPE, LARGE, (1, 1, 3), SHAPE, LARGE]
    slots = Slots(2)
    with Decoding(slots, shapes) as decoding:
        for number, shape in enumerate(shapes):
            slot, told = decoding.next()
            assert told == shape
            assert (slots.read(slot, told) == picture(number, shape)).all()


def test_a_decoder_stands_still_while_its_slots_are_held_and_goes_on_when_one_is_let_go():
    slots = Slots(2)
    with Decoding(slots, [SHAPE] * 4) as decoding:
        held = [slots.read(*decoding.next()) for _ in range(2)]
        assert decoding.stands_still
        del held[0]
        third = slots.read(*decoding.next())
        assert (third == picture(2)).all()
        assert (held[0] == picture(1)).all(), "a picture that is still held was written over"
        assert decoding.stands_still


def test_a_decoder_is_not_further_ahead_than_two_pictures_however_many_slots_are_free():
    slots = Slots(16)
    with Decoding(slots, [SHAPE] * 8) as decoding:
        first, second = decoding.next(), decoding.next()
        assert decoding.stands_still
        del first
        held = slots.read(*second)
        assert decoding.next()
        assert decoding.stands_still
        assert (held == picture(1)).all()


def test_what_a_worker_needs_falls_when_it_lets_pictures_go_though_the_system_counts_their_memory():
    """Or one whose memory was full once would let nothing in for ever."""
    slots = Slots(8)
    one = picture(0)
    before, resident = used_bytes(), resident_bytes()
    held = [slots.read(slots.write(one), SHAPE) for _ in range(8)]
    assert used_bytes() - before == pytest.approx(8 * one.nbytes, rel=0.2)
    held.clear()
    assert used_bytes() - before == pytest.approx(0, abs=one.nbytes)
    assert resident_bytes() - resident > 6 * one.nbytes  # still theirs, to the system


def test_what_decoders_are_forked_with_can_be_imported():
    """A server that cannot says nothing: each decoder would load all of it by itself."""
    for name in LOADED:
        assert importlib.import_module(name)


def test_a_part_of_a_picture_holds_its_slot_as_the_whole_does():
    slots = Slots(1)
    with Decoding(slots, [SHAPE] * 2) as decoding:
        corner = slots.read(*decoding.next())[100:200, 100:200][::2, :, 0]
        gc.collect()
        assert decoding.stands_still
        assert (corner == picture(0)[100:200, 100:200][::2, :, 0]).all()
        del corner
        assert (slots.read(*decoding.next()) == picture(1)).all()


def test_pictures_outlive_a_decoder_that_is_killed_and_its_slots():
    slots = Slots(2)
    with Decoding(slots, [SHAPE] * 4) as decoding:
        held = [slots.read(*decoding.next()) for _ in range(2)]
        os.kill(decoding.process.pid, signal.SIGKILL)
        decoding.process.join(10)
    slots.close()
    del slots
    gc.collect()
    assert [(one == picture(number)).all() for number, one in enumerate(held)] == [True, True]


def test_only_as_many_slots_hold_memory_as_were_needed_at_once():
    slots = Slots(16)
    for _ in range(40):
        first = slots.read(slots.write(picture(0)), SHAPE)
        second = slots.read(slots.write(picture(1)), SHAPE)
        del first, second
    assert _pages_mb(slots) < 2.1 * picture(0).nbytes / 2**20


def _pages_mb(slots: Slots) -> float:
    return Path(f"/proc/self/fd/{slots._file}").stat().st_blocks * 512 / 2**20


def test_no_file_stays_open_when_decoders_come_and_go():
    before = len(list(Path("/proc/self/fd").iterdir()))
    one = picture(0)
    for _ in range(20):
        slots = Slots(3)
        held = [slots.read(slots.write(one), SHAPE) for _ in range(3)]
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2
        del held
        slots.close()
        del slots
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_lanes_that_let_go_at_once_lose_no_slot_and_no_picture():
    slots, pictures = Slots(8), 2000
    waiting: queue.Queue[tuple[int, np.ndarray] | None] = queue.Queue()
    wrong: list[int] = []

    def lane() -> None:
        while (item := waiting.get()) is not None:
            number, image = item
            if not (image == number % 251).all():
                wrong.append(number)
            del item, image

    lanes = [threading.Thread(target=lane) for _ in range(4)]
    for one in lanes:
        one.start()
    for number in range(pictures):  # more than there are slots: each waits for a lane
        image = np.full((8, 8, 3), number % 251, np.uint8)
        waiting.put((number, slots.read(slots.write(image), image.shape)))
    for _ in lanes:
        waiting.put(None)
    for one in lanes:
        one.join(30)
    assert not wrong
    assert len([slots.read(slots.write(image), image.shape) for _ in range(8)]) == 8, "a slot is lost"


def test_a_picture_that_no_slot_holds_is_refused():
    slots = Slots(1)
    huge = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (STRIDE // 3 + 1, 1, 3))
    with pytest.raises(ValueError, match="larger than"):
        slots.write(huge)
