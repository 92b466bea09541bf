"""A picture's way through a pipe, between two real processes."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection

import numpy as np
import pytest

from roadwarden.inference.stream.decoding.pixels import receive_pixels, send_pixels, widen

SHAPE = (720, 1280, 3)


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, SHAPE, np.uint8)


def decoder(pipe: Connection, pictures: int, torn: int) -> None:
    widen(pipe)
    for number in range(pictures):
        pipe.send(number)
        send_pixels(pipe, picture(number)[::1])
    pipe.send(pictures)
    send_pixels(pipe, np.zeros((torn, 1, 3), np.uint8))  # and dies in the middle of the next one


def test_pictures_arrive_byte_for_byte_between_messages_and_a_torn_one_is_an_end():
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=decoder, args=(theirs, 3, 1000))
    process.start()
    theirs.close()
    for number in range(3):
        assert ours.recv() == number
        assert (receive_pixels(ours, SHAPE) == picture(number)).all()
    assert ours.recv() == 3
    with pytest.raises(EOFError):
        receive_pixels(ours, SHAPE)
    process.join(10)
    assert process.exitcode == 0


def test_a_picture_that_lies_scattered_in_memory_is_sent_as_it_looks():
    ours, theirs = multiprocessing.Pipe(duplex=False)
    small = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    send_pixels(theirs, small[:, ::-1])
    assert (receive_pixels(ours, (5, 7, 3)) == small[:, ::-1]).all()


def test_nobody_who_reads_is_an_error_of_the_system():
    ours, theirs = multiprocessing.Pipe(duplex=False)
    ours.close()
    with pytest.raises(OSError, match="pipe"):
        send_pixels(theirs, picture(0))
