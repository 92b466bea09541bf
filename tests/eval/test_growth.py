"""Growth is told against n log n, and a district's cells are rebuilt well within a minute."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest

from roadwarden.errors import DataError
from roadwarden.eval.bench_cells import bench_cells
from roadwarden.eval.growth import Cost, against_n_log_n, plot


def test_a_cost_of_n_log_n_grows_by_one_and_a_square_by_more():
    sizes = (1000, 2000, 64_000)
    assert against_n_log_n([Cost(n, 1e-6 * n * math.log2(n)) for n in sizes]) == pytest.approx([1, 1, 1])
    linear, square = (against_n_log_n([Cost(n, 1e-6 * n**power) for n in sizes])[-1] for power in (1, 2))
    assert linear == pytest.approx(math.log2(1000) / math.log2(64_000))
    assert square == pytest.approx(64 * linear)
    assert against_n_log_n([]) == []


def test_the_plot_is_drawn_with_both_lines_inside_its_frame():
    svg = ET.fromstring(plot([Cost(20_000, 0.02), Cost(5_000, 0.007), Cost(800_000, 1.3)], "a & b", "cells"))
    lines = [node for node in svg if node.tag.endswith("polyline")]
    assert len(lines) == 2
    places = [tuple(map(float, pair.split(","))) for line in lines for pair in line.attrib["points"].split()]
    assert all(0 < x < 540 and 0 < y < 370 for x, y in places)
    assert places[0] == places[3]  # n log n begins at the smallest measurement
    assert places[3][0] < places[4][0] < places[5][0]
    with pytest.raises(DataError, match="two sizes"):
        plot([Cost(10, 1.0)], "", "")


def test_two_small_districts_are_measured():
    result = bench_cells([4, 2], rounds=1)
    assert [(run.roads, run.cells, run.looks) for run in result.runs] == [(2, 20_000, 200), (4, 40_000, 400)]
    assert all(0 < run.seconds < 60 for run in result.runs)
    assert "| 4 | 40,000 | 400 |" in result.markdown()
    assert result.as_json()["runs"][0]["n_log_n"] == 1.0
    with pytest.raises(DataError, match="how many roads"):
        bench_cells([])
