"""Reads vector tiles, by the letter of the specification (2.1) and not by our writer."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class ReadFeature:
    shape: int
    parts: list
    properties: dict


def read_tile(data):
    """Layer name to features."""
    found = {}
    for number, body in messages(data):
        assert number == 3
        name, features = read_layer(body)
        assert name not in found
        found[name] = features
    return found


def read_layer(data):
    fields = list(messages(data))
    keys = [body.decode() for number, body in fields if number == 3]
    values = [read_value(body) for number, body in fields if number == 4]
    assert [body for number, body in fields if number == 15] == [2]
    assert [body for number, body in fields if number == 5] == [4096]
    name = next(body for number, body in fields if number == 1).decode()
    return name, [read_feature(body, keys, values) for number, body in fields if number == 2]


def read_feature(data, keys, values):
    fields = dict(messages(data))
    tags = list(varints(fields.get(2, b"")))
    properties = {keys[key]: values[value] for key, value in zip(tags[::2], tags[1::2], strict=True)}
    return ReadFeature(fields[3], read_geometry(list(varints(fields[4]))), properties)


def read_geometry(numbers):
    parts, x, y, at = [], 0, 0, 0
    while at < len(numbers):
        command, count = numbers[at] & 7, numbers[at] >> 3
        at += 1
        if command == 7:
            assert count == 1
            continue
        if command == 1:
            parts.append([])
        for _ in range(count):
            x, y = x + unzigzag(numbers[at]), y + unzigzag(numbers[at + 1])
            at += 2
            parts[-1].append((x, y))
    return parts


def read_value(data):
    ((number, body),) = messages(data)
    return {
        1: lambda: body.decode(),
        3: lambda: struct.unpack("<d", body)[0],
        6: lambda: unzigzag(body),
        7: lambda: bool(body),
    }[number]()


def messages(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 2:
            size, at = varint(data, at)
            yield key >> 3, data[at : at + size]
            at += size
        elif key & 7 == 1:
            yield key >> 3, data[at : at + 8]
            at += 8
        else:
            assert key & 7 == 0
            number, at = varint(data, at)
            yield key >> 3, number


def varints(data):
    at = 0
    while at < len(data):
        number, at = varint(data, at)
        yield number


def varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return number, at


def unzigzag(number):
    return (number >> 1) ^ -(number & 1)
