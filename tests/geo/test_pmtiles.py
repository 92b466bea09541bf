"""A basemap out of a local PMTiles file: what it holds is found, and a damaged one is told."""

from __future__ import annotations

import gzip

import pytest
from packed_map import directory, packed_map

from roadwarden.errors import ConfigError, DataError
from roadwarden.geo.pmtiles import Basemap, Compression, TileType, tile_id, unpacked_tile

WORLD, SEA, TOWN = (gzip.compress(text) for text in (b"world", b"sea", b"town"))
TILES = WORLD + SEA + TOWN
LAYERS = {"vector_layers": [{"id": "water"}], "attribution": "<a href='#'>somebody</a>"}


@pytest.fixture
def file(tmp_path):
    """The world, three of its quarters are sea, and one tile of zoom 2 lies in another directory."""
    leaf = directory([(tile_id(2, 3, 1), len(WORLD) + len(SEA), len(TOWN), 1)])
    root = [(0, 0, len(WORLD), 1), (1, len(WORLD), len(SEA), 3), (tile_id(2, 0, 0), 0, len(leaf), 0)]
    place = tmp_path / "city.pmtiles"
    place.write_bytes(packed_map(root, leaf, TILES, metadata=LAYERS))
    return place


def test_tiles_are_numbered_as_the_specification_says():
    assert [tile_id(0, 0, 0), *(tile_id(1, *xy) for xy in ((0, 0), (0, 1), (1, 1), (1, 0)))] == [0, 1, 2, 3, 4]
    assert tile_id(2, 0, 0) == 5
    assert tile_id(12, 3423, 1763) == 19078479


def test_numbers_of_a_zoom_are_each_given_once():
    numbers = sorted(tile_id(4, x, y) for x in range(16) for y in range(16))
    assert numbers == list(range(tile_id(4, 0, 0), tile_id(5, 0, 0)))


def test_a_tile_is_found_in_the_root_in_a_run_and_in_another_directory(file):
    basemap = Basemap(file)
    assert unpacked_tile(basemap.tile(0, 0, 0)) == b"world"
    assert [unpacked_tile(basemap.tile(1, *xy)) for xy in ((0, 0), (0, 1), (1, 1))] == [b"sea"] * 3
    assert basemap.tile(1, 1, 0) is None
    assert unpacked_tile(basemap.tile(2, 3, 1)) == b"town"
    assert basemap.tile(2, 0, 0) is None
    assert basemap.tile(9, 1, 1) is None


def test_the_file_says_what_it_is(file):
    basemap = Basemap(file)
    assert (basemap.header.kind, basemap.header.tiles_packed) == (TileType.MVT, Compression.GZIP)
    assert (basemap.header.min_zoom, basemap.header.max_zoom) == (0, 2)
    assert basemap.metadata() == LAYERS


@pytest.mark.parametrize(
    "content",
    [b"", b"PMTiles\x02" + bytes(200), b"not a map" * 40, packed_map([], b"", b"", kind=0)],
    ids=["empty", "another version", "something else", "tiles of no kind"],
)
def test_a_file_that_is_no_basemap_is_told_at_once(tmp_path, content):
    place = tmp_path / "wrong.pmtiles"
    place.write_bytes(content)
    with pytest.raises(ConfigError, match=r"wrong\.pmtiles"):
        Basemap(place)
    with pytest.raises(ConfigError, match="cannot be opened"):
        Basemap(tmp_path / "gone.pmtiles")


def test_tiles_that_are_packed_otherwise_are_told(tmp_path):
    place = tmp_path / "brotli.pmtiles"
    place.write_bytes(packed_map([], b"", b"", tiles_packed=3))
    with pytest.raises(ConfigError, match="brotli"):
        Basemap(place)


def test_a_file_that_was_not_copied_whole_is_told(file):
    file.write_bytes(file.read_bytes()[:-10])
    basemap = Basemap(file)
    with pytest.raises(DataError, match="copied whole"):
        basemap.tile(2, 3, 1)


def test_directories_that_lead_to_each_other_end(tmp_path):
    leaf = directory([(0, 0, 30, 0)])
    place = tmp_path / "round.pmtiles"
    place.write_bytes(packed_map([(0, 0, len(leaf), 0)], directory([(0, 0, len(leaf), 0)]), b""))
    with pytest.raises(DataError, match="deeper"):
        Basemap(place).tile(0, 0, 0)
