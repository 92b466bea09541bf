"""``roadwarden eval repairs``: how often verdicts on repairs are wrong, on triples whose truth is known."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.cli.progress import progress
from roadwarden.errors import ConfigError
from roadwarden.eval.machine import machine
from roadwarden.eval.repairs import Outcome, Triple, score
from roadwarden.eval.repairs_gallery import Gallery
from roadwarden.eval.repairs_plots import plots
from roadwarden.eval.repairs_report import Run
from roadwarden.eval.repairs_roads import road_triples
from roadwarden.eval.repairs_street import street_triples
from roadwarden.eval.test_uses import TestUse, log_use
from roadwarden.inference.workspace import write_json, writing
from roadwarden.models.load import load_detector, model_path
from roadwarden.repairs.assess import Assessment, Assessor
from roadwarden.repairs.pictures import Picture
from roadwarden.repairs.table import RepairTable, read_repair_table, shipped_repair_table

SEALED = "test"
USES_LOG = Path("eval/test-part-uses.md")


def register(app: typer.Typer) -> None:
    """Adds the command to the group ``eval``."""
    app.command()(repairs)


def repairs(
    roads: Annotated[
        Path | None, typer.Option(help="folder with splits.csv and pictures; without it the synthetic street")
    ] = None,
    part: Annotated[str, typer.Option(help="part in splits.csv")] = "val",
    number: Annotated[int, typer.Option(min=1, help="triples at most")] = 200,
    minutes: Annotated[
        float | None, typer.Option(min=0.1, help="stop after as long; what was judged until then counts")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="draws the triples; the first street")] = 1,
    step: Annotated[int, typer.Option(min=1, help="from one street's seed to the next")] = 2,
    model: Annotated[str | None, typer.Option(help="model file, registry:roadwarden@champion or shipped:int8")] = None,
    table: Annotated[Path | None, typer.Option(help="repairs.yaml of your own")] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads of the model; 0 for all")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="folder for the JSON object, the page and its plots, named by the source")
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(help="folder for a page of the drawn pairs, wrong ones first; never commit one of real pictures"),
    ] = None,
    gallery_pairs: Annotated[int, typer.Option(min=1, help="pairs on that page at most")] = 40,
    why: Annotated[str, typer.Option(help="what the test part is used for; it is sealed, each use is logged")] = "",
    uses_log: Annotated[Path, typer.Option(help="log of uses of the test part")] = USES_LOG,
    as_json: Annotated[bool, typer.Option("--json", help="print the JSON object instead of the page")] = False,
) -> None:
    """Assess pairs of pictures whose truth is known: false passes and their bound, every hard negative on its own.

    Streets of odd seeds were used to choose the thresholds, even ones were not. The exit code is 3 where a target is
    missed.

    Example: roadwarden eval repairs --seed 2 --number 400 --out eval/reports/repairs
    """
    rules = read_repair_table(table) if table is not None else shipped_repair_table()
    now = datetime.now(UTC)
    if roads is not None and part == SEALED:
        _unseal(rules, why, uses_log, now)
    assessor = Assessor(load_detector(model_path(model), threads=threads), rules)
    source = "street" if roads is None else part
    shown = None if gallery is None else Gallery(gallery_pairs)
    outcomes: list[Outcome] = []
    versions: dict[str, str] = {}
    with progress("triples", quiet=as_json) as tell:
        for triple in _until(minutes, _triples(roads, part, number, seed, step)):
            outcome, done = _judged(assessor, triple, shown)
            outcomes.append(outcome)
            versions = dict(done.versions)
            tell(len(outcomes), number)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    where = f"{machine()}, load {os.getloadavg()[0]:.1f} at the end"
    run = Run(source, str(seed), now, versions, score(outcomes), tuple(outcomes), where, peak)
    if out is not None:
        _write(run, out)
    if gallery is not None and shown is not None:
        _write_page(shown.page(run, real=roads is not None), gallery / f"{source}-{seed}-gallery.html")
    print(json.dumps(run.as_json(), ensure_ascii=False) if as_json else run.markdown(), end="")
    raise typer.Exit(0 if all(reached for _, _, reached in run.targets().values()) else EXIT_NOT_PASSED)


def _write(run: Run, out: Path) -> None:
    """The JSON object, and the page with its plots beside it."""
    stem = f"{run.source}-{run.seed}"
    drawn = plots(run.outcomes, f"{run.source}, seed {run.seed}")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / f"{stem}.json", run.as_json())
        for end, (_, svg) in drawn.items():
            (out / f"{stem}-{end}").write_text(svg, encoding="utf-8")
        page = run.markdown({f"{stem}-{end}": shows for end, (shows, _) in drawn.items()})
        (out / f"{stem}.md").write_text(page, encoding="utf-8")


def _write_page(page: str, path: Path) -> None:
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")


def _until(minutes: float | None, triples: Iterator[Triple]) -> Iterator[Triple]:
    """All of them, or those that are asked for until so many minutes are over; one at least."""
    begun = time.monotonic()
    for triple in triples:
        yield triple
        if minutes is not None and time.monotonic() - begun > 60 * minutes:
            return


def _triples(roads: Path | None, part: str, number: int, seed: int, step: int) -> Iterator[Triple]:
    if roads is not None:
        yield from road_triples(roads, part, number, seed)
        return
    made = 0
    for street in range(seed, seed + step * number, step):
        for triple in street_triples([street], skip=made):
            yield triple
            made += 1
            if made >= number:
                return


def _judged(assessor: Assessor, triple: Triple, shown: Gallery | None) -> tuple[Outcome, Assessment]:
    """On the clock, and of this process' CPU: on a busy machine the clock runs for others too."""
    before, after = Picture(triple.before, f"{triple.name} before"), Picture(triple.after, f"{triple.name} after")
    start, worked = time.perf_counter(), time.process_time()
    done = assessor.assess(before, after, triple.box, triple.distress)
    spent, worked = time.perf_counter() - start, time.process_time() - worked
    decision, alignment = done.decision, done.alignment
    outcome = Outcome(
        triple.name,
        triple.group,
        triple.kind,
        triple.distress,
        decision.verdict,
        str(decision.reason),
        decision.score.total,
        aligned=alignment is not None and alignment.homography is not None,
        seconds=spent,
        cpu_seconds=worked,
    )
    if shown is not None:
        shown.add(outcome, before, after, done)
    return outcome, done


def _unseal(rules: RepairTable, why: str, log: Path, now: datetime) -> None:
    if not why.strip():
        raise ConfigError("the test part is sealed: say with --why what this use is for; it is written into the log")
    done = f"`roadwarden eval repairs --part {SEALED}`: {why.strip()}"
    with writing(log):
        log_use(log, TestUse(now.date(), f"repairs.yaml {rules.version}", done, "see eval/reports/repairs"))
