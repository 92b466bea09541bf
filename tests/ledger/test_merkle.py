"""The tree hash of RFC 6962: its published vectors, and a naive twin written from the RFC's recursive definitions."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.errors import LedgerError
from roadwarden.ledger import merkle
from roadwarden.ledger.tiles import WIDTH, Tiles

# Certificate Transparency's reference vectors (google/certificate-transparency, merkle_tree_test): leaves and roots of
# the trees of the first 1 to 8 of them.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = [  # index, size, path; from the same tests
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
]
CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]


# The naive twin: RFC 6962 section 2.1, word for word.


def naive_split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def naive_root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = naive_split(len(leaves))
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m, leaves):
    if len(leaves) == 1:
        return []
    k = naive_split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(m, leaves):
    return naive_subproof(m, leaves, True)


def naive_subproof(m, leaves, whole):
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = naive_split(len(leaves))
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def tree_of(leaves):
    """The real thing: over tiles that were stored and read back."""
    kept = {}
    tiles = Tiles(lambda level, number: kept.get((level, number), b""), 0)
    tiles.append([merkle.leaf_hash(leaf) for leaf in leaves])
    kept.update(tiles.changed())
    return Tiles(lambda level, number: kept.get((level, number), b""), len(leaves))


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_of_the_reference_vectors(size):
    assert tree_of(LEAVES[:size]).root().hex() == ROOTS[size - 1]
    assert naive_root(LEAVES[:size]).hex() == ROOTS[size - 1]
    assert merkle.root_of([merkle.leaf_hash(leaf) for leaf in LEAVES[:size]]).hex() == ROOTS[size - 1]


def test_the_root_of_nothing():
    assert tree_of([]).root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_the_inclusion_proofs_of_the_reference_vectors(index, size, path):
    tree = tree_of(LEAVES[:size])
    proof = merkle.inclusion_proof(tree.node, index, size)
    assert [one.hex() for one in proof] == path
    assert merkle.included(merkle.leaf_hash(LEAVES[index]), index, size, proof, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_the_consistency_proofs_of_the_reference_vectors(old, new, path):
    proof = merkle.consistency_proof(tree_of(LEAVES[:new]).node, old, new)
    assert [one.hex() for one in proof] == path
    assert merkle.consistent(old, new, *(bytes.fromhex(ROOTS[size - 1]) for size in (old, new)), proof)


sizes = st.one_of(st.integers(1, 70), st.sampled_from([WIDTH - 1, WIDTH, WIDTH + 1, 2 * WIDTH + 3]))


@st.composite
def pairs(draw):
    new = draw(sizes)
    return draw(st.integers(1, new)), new


def made(size):
    return [b"leaf %d" % number for number in range(size)]


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_inclusion_as_the_naive_twin(pair):
    index, size = pair[0] - 1, pair[1]
    leaves = made(size)
    tree = tree_of(leaves)
    proof = merkle.inclusion_proof(tree.node, index, size)
    assert list(proof) == naive_path(index, leaves)
    assert tree.root() == naive_root(leaves)
    assert merkle.included(merkle.leaf_hash(leaves[index]), index, size, proof, tree.root())


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_consistency_as_the_naive_twin(pair):
    old, new = pair
    leaves = made(new)
    tree = tree_of(leaves)
    proof = merkle.consistency_proof(tree.node, old, new)
    assert list(proof) == naive_proof(old, leaves)
    assert merkle.root(tree.node, old) == naive_root(leaves[:old])
    assert merkle.consistent(old, new, naive_root(leaves[:old]), naive_root(leaves), proof)


@settings(max_examples=40, deadline=None)
@given(pairs(), st.data())
def test_a_proof_of_anything_else_is_refused(pair, data):
    old, new = pair
    leaves = made(new)
    tree = tree_of(leaves)
    roots = naive_root(leaves[:old]), naive_root(leaves)
    good = merkle.consistency_proof(tree.node, old, new)
    path = merkle.inclusion_proof(tree.node, old - 1, new)
    leaf = merkle.leaf_hash(leaves[old - 1])
    other = hashlib.sha256(b"another").digest()
    assert not merkle.included(other, old - 1, new, path, roots[1])
    assert not merkle.included(leaf, old - 1, new, path, other)
    assert not merkle.included(leaf, old - 1, new, (*path, other), roots[1])
    assert not merkle.consistent(old, new, roots[0], roots[1], (*good, other))
    assert not merkle.consistent(old, new, roots[0], other, good)
    assert not merkle.consistent(old, new, other, roots[1], good)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not merkle.included(leaf, old - 1, new, path[:-1], roots[1])
        assert not merkle.included(leaf, old - 1, new, (*path[:at], other, *path[at + 1 :]), roots[1])
    wrong = data.draw(st.integers(0, new + 2).filter(lambda number: number != old - 1))
    assert not merkle.included(leaf, wrong, new, path, roots[1])


@pytest.mark.parametrize("parts", [(1, 1, 1), (255, 1, 1), (256, 256), (100, 600, 3), (70_000,)])
def test_appending_piece_by_piece_is_appending_at_once(parts):
    kept, size = {}, 0
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(sum(parts))]

    def read(level, number):
        return kept.get((level, number), b"")

    for part in parts:
        tiles = Tiles(read, size)
        tiles.append(leaves[size : size + part])
        size = tiles.size
        kept.update(tiles.changed())
    assert Tiles(read, size).root() == merkle.root_of(leaves)
    assert all(len(tile) <= WIDTH * 32 for tile in kept.values())


def test_a_tile_that_was_cut_off_is_not_appended_to():
    kept = {}
    tiles = Tiles(lambda level, number: kept.get((level, number), b""), 0)
    tiles.append([b"\0" * 32] * 5)
    kept |= tiles.changed()
    kept[0, 0] = kept[0, 0][:64]
    again = Tiles(lambda level, number: kept.get((level, number), b""), 5)
    with pytest.raises(LedgerError, match="2 hashes, wanted 5"):
        again.append([b"\1" * 32])
    with pytest.raises(LedgerError, match="cut off or missing"):
        again.root()


def test_there_is_no_proof_of_what_is_not_there():
    tree = tree_of(made(3))
    with pytest.raises(LedgerError, match="no leaf 3"):
        merkle.inclusion_proof(tree.node, 3, 3)
    with pytest.raises(LedgerError, match="shorter"):
        merkle.consistency_proof(tree.node, 4, 3)
