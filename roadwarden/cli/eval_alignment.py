"""``roadwarden eval alignment``: how often before and after can be laid on each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.cli.progress import progress
from roadwarden.data.splits import read_splits, select
from roadwarden.defects.same_place import shipped_same_place_table
from roadwarden.errors import ConfigError
from roadwarden.eval.alignment import Laid, ViewPair, lay, score
from roadwarden.eval.alignment_pairs import (
    A_STREET,
    eye_pairs,
    neighbours,
    read_judged,
    ride_pairs,
    street_pairs,
)
from roadwarden.eval.alignment_report import AlignmentRun
from roadwarden.inference.workspace import write_json, writing
from roadwarden.repairs.table import read_repair_table, shipped_repair_table
from roadwarden.vision.registration import ALGORITHM_VERSION

RIDES = ("brazil", ("survey",))
STREETS = ("china_motorbike", ("train", "val"))
"""Source and parts in splits.csv; test stays sealed."""


def register(app: typer.Typer) -> None:
    """Adds the command to the group ``eval``."""
    app.command()(alignment)


def alignment(
    roads: Annotated[Path | None, typer.Option(help="folder with splits.csv: neighbours of its rides")] = None,
    eye: Annotated[Path | None, typer.Option(help="CSV of pairs that were judged by eye; needs --roads")] = None,
    streets: Annotated[int, typer.Option(min=0, help="drawn streets, 24 pairs each")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="of the first street; every second one follows")] = 2,
    table: Annotated[Path | None, typer.Option(help="repairs.yaml of your own")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for alignment.json and alignment.md")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the JSON object instead of the page")] = False,
) -> None:
    """Lay pairs of pictures on each other that share a known part of their view: how many, by how much they share.

    The exit code is 3 where fewer than 80 % of the real pairs that share 40 % and more are usable, or there is none.

    Example: roadwarden eval alignment --roads ../shared/roads --eye eval/reports/repairs/alignment-eye.csv
    """
    if eye is not None and roads is None:
        raise ConfigError("--eye names pairs of --roads: say where they are")
    rules, same = read_repair_table(table) if table is not None else shipped_repair_table(), shipped_same_place_table()
    laid: list[Laid] = []
    with progress("pairs", quiet=as_json) as tell:
        pairs, number = _pairs(roads, eye, range(seed, seed + 2 * streets, 2))
        for pair in pairs:
            laid.append(lay(pair, rules, same))
            tell(len(laid), number)
    versions = {"registration": ALGORITHM_VERSION, "same_place": same.version, "repairs": rules.version}
    run = AlignmentRun(datetime.now(UTC), versions, score(laid), tuple(laid))
    if out is not None:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
            write_json(out / "alignment.json", run.as_json())
            (out / "alignment.md").write_text(run.markdown(), encoding="utf-8")
    print(json.dumps(run.as_json(), ensure_ascii=False) if as_json else run.markdown(), end="")
    raise typer.Exit(0 if run.reached() else EXIT_NOT_PASSED)


def _pairs(roads: Path | None, eye: Path | None, seeds: range) -> tuple[Iterator[ViewPair], int]:
    """They come one by one, for their pictures are many; and how many they are."""
    drawn, number = street_pairs(seeds), A_STREET * len(seeds)
    if roads is None:
        return drawn, number
    rows = read_splits(roads)
    ride = neighbours(select(rows, *RIDES))
    groups = {row.image: row.group for row in select(rows, *STREETS)}
    judged = [] if eye is None else read_judged(eye, groups)
    every = chain(drawn, ride_pairs(roads, ride), eye_pairs(roads, judged))
    return every, number + len(ride) + len(judged)
