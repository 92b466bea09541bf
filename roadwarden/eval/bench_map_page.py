"""The bench of the map as tables for eval/benchmarks."""

from __future__ import annotations

from roadwarden.eval.bench_map import TILE_TARGET_MS, VIEW_TARGET_BYTES, Asked, Kind, MapBench, Reckoned

_COLUMNS = (
    "zoom", "layer", "tiles", "kB", "largest, kB", "P50, ms", "P95, ms", "worst, ms", "CPU P95, ms", "again, ms",
    "filtered P95", "past P95", "times the bound", "GeoJSON: times kB", "times ms",
)  # fmt: skip


def as_markdown(told: MapBench) -> str:
    """All of it."""
    low, high = told.load
    renewing = told.renewing
    lines = [
        f"{told.database}: {told.cells:,} cells, {told.defects:,} defects on the map, {told.cases:,} cases; "
        f"{told.windows} windows along the roads at each zoom; load {low:.1f} to {high:.1f}",
        "",
        f"Health of the city now: {_reckoned(told.now)}; two days ago: {_reckoned(told.past)}. First tile of a new "
        f"server: {told.first_tile_ms:.0f} ms. Tiles of zoom 14 while the city is reckoned anew: P50 "
        f"{renewing.p50:.0f}, P95 {renewing.p95:.0f}, worst {renewing.worst:.0f} ms ({renewing.number:,} tiles).",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "|" + " --- |" * len(_COLUMNS),
        *(_row(told, one) for one in told.kinds if one.asked is Asked.ALL),
        "",
        "| view of zoom | tiles | over the densest place, kB | heaviest of all windows, kB |",
        "| --- | --- | --- | --- |",
    ]
    for view in told.views:
        name = f"{view.zoom}, first view" if view.is_first else str(view.zoom)
        lines.append(f"| {name} | {view.tiles} | {view.densest / 1e3:.0f} | {view.worst / 1e3:.0f} |")
    limits = f"P95 of tiles below {TILE_TARGET_MS:g} ms, views below {VIEW_TARGET_BYTES / 1e3:,.0f} kB"
    verdict = "held" if told.holds else "**missed** by " + ", ".join(told.misses)
    return "\n".join([*lines, "", f"Targets ({limits}): {verdict}."])


def _reckoned(one: Reckoned) -> str:
    return f"{one.seconds:.1f} s ({one.cpu_s:.1f} s of CPU), peak {one.peak_mb:,.0f} MB"


def _row(told: MapBench, one: Kind) -> str:
    others = {
        other.asked: f"{other.first.p95:.0f}"
        for other in told.kinds
        if (other.zoom, other.layer) == (one.zoom, one.layer)
    }
    cells = [
        one.zoom, one.layer.value, one.tiles, f"{one.bytes / 1e3:.1f}", f"{one.largest / 1e3:.1f}",
        f"{one.first.p50:.1f}", f"{one.first.p95:.1f}", f"{one.first.worst:.1f}", f"{one.first.cpu_p95:.1f}",
        f"{one.again.p50:.2f}", others.get(Asked.FILTERED, ""), others[Asked.PAST],
        _times(one.made_ms, one.ready_ms), _times(one.geojson_bytes, one.bytes), _times(one.geojson_ms, one.made_ms),
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def _times(one: float, other: float) -> str:
    return f"{one / other:,.1f}" if other else "–"
