"""Merkle tree hash, inclusion and consistency proofs (RFC 6962 section 2.1), checked as in RFC 9162 section 2.1.

Leaves are numbered from 0. A node (level, number) is the root of the complete subtree over the ``2**level`` leaves from
``number * 2**level`` on; a proof asks for O(log n) such nodes, wherever they are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Final, TypeAlias

from roadwarden.errors import LedgerError

Hash: TypeAlias = bytes
Node: TypeAlias = Callable[[int, int], Hash]
"""(level, number) to the root of a complete subtree."""

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> Hash:
    """SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def complete_root(hashes: Sequence[Hash]) -> Hash:
    """The root over a power of two of hashes."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def root_of(hashes: Sequence[Hash]) -> Hash:
    """MTH over leaf hashes, all held at once."""
    if not hashes:
        return EMPTY_ROOT
    parts = [complete_root(hashes[start : start + (1 << level)]) for level, start in _complete(0, len(hashes))]
    return _join(parts)


def root(node: Node, size: int) -> Hash:
    """MTH of the tree of the first ``size`` leaves."""
    return EMPTY_ROOT if size == 0 else _range_root(node, 0, size)


def inclusion_proof(node: Node, index: int, size: int) -> tuple[Hash, ...]:
    """PATH(index, D[size]): from the leaf's neighbour up; empty for a tree of one leaf.

    Raises LedgerError where the tree of that size has no such leaf.
    """
    if not 0 <= index < size:
        raise LedgerError(f"a log of {size} leaves has no leaf {index}")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _left(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return tuple(_range_root(node, *one) for one in reversed(path))


def consistency_proof(node: Node, old: int, new: int) -> tuple[Hash, ...]:
    """PROOF(old, D[new]); empty where the sizes are equal, or the old log was empty.

    Raises LedgerError where the new log is the smaller one.
    """
    if not 0 <= old <= new:
        raise LedgerError(f"a log of {new} leaves is shorter than one of {old}: there is no proof")
    if old in (0, new):
        return ()
    path, start, end, whole = [], 0, new, True
    while old != end:
        middle = start + _left(end - start)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, whole = middle, False
    if not whole:
        path.append((start, end))
    return tuple(_range_root(node, *one) for one in reversed(path))


def included(leaf: Hash, index: int, size: int, proof: Sequence[Hash], claimed: Hash) -> bool:
    """Whether the proof leads from the leaf to the root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size or not _hashes(proof):
        return False
    at, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == claimed


def consistent(old: int, new: int, old_root: Hash, new_root: Hash, proof: Sequence[Hash]) -> bool:
    """Whether the proof shows that the new log begins with the old one (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new or not _hashes(proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    if not steps:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, step)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _left(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _complete(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Level and first leaf of the complete subtrees that a range of a proof is made of, from the left."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start
        start += 1 << level


def _range_root(node: Node, start: int, end: int) -> Hash:
    return _join([node(level, first >> level) for level, first in _complete(start, end)])


def _join(parts: Sequence[Hash]) -> Hash:
    """Roots of complete subtrees, the largest first, to one."""
    return reduce(lambda right, left: node_hash(left, right), reversed(parts[:-1]), parts[-1])


def _hashes(proof: Sequence[Hash]) -> bool:
    return all(len(one) == HASH_BYTES for one in proof)
