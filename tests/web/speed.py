"""How fast the cockpit is for whoever opens it: first views from an empty cache, what is sent for them, and clicks."""

from __future__ import annotations

import os
import statistics
import sys
import time

from browser import DESK, PHONE, somebody
from every_page import DRAWN, FIGURES, rested, there

TIMES = 3
FIRST_VIEW_S, PAYLOAD_BYTES, INTERACTION_MS = 1.5, 1_500_000, 100.0
"""What the cockpit promises."""
FIRST = (
    ("map", "duty", "/map", DRAWN, DESK),
    ("board", "duty", "/board", there("#rows tbody tr"), DESK),
    ("cases", "duty", "/cases", there("tbody tr"), DESK),
    ("a case", "duty", "/cases/{judged}", there("#actions button"), DESK),
    ("queue", "duty", "/work?queue=review", there(".judge"), DESK),
    ("key figures", "duty", "/figures", there(".fact b"), DESK),
    ("their charts", "duty", "/figures", f"{FIGURES} && {there('.main-svg')}", DESK),
    ("crew", "foreman", "/crew", there("#list .job"), PHONE),
)
LEAST_MS = 16.0
"""Shorter ones are not told apart."""
LOOKED_MS = 1000
"""Between the page at rest and the first click on it: nobody clicks before he has looked, and a browser without a
graphics card draws the first frame for some hundred milliseconds longer than it says."""
WATCH = """
window.longest = 0;
const note = (list) => list.getEntries().forEach((one) => (window.longest = Math.max(window.longest, one.duration)));
new PerformanceObserver(note).observe({ type: "event", durationThreshold: 16, buffered: true });
"""
PAN = """async () => {
  const times = [];
  let last = performance.now();
  const until = last + 4000;
  const at = roadMap.getCenter();
  roadMap.easeTo({ center: [at.lng + 0.01, at.lat], zoom: roadMap.getZoom() + 1.5, duration: 3500 });
  while (last < until) {
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}"""


def measured(browser, server, names) -> dict:
    """Seconds, bytes, milliseconds; medians of ``TIMES`` runs, and the worst of all interactions."""
    people = {who: somebody(browser, server, who).context.storage_state() for who in ("duty", "foreman")}
    first = {}
    for name, who, path, rest, size in FIRST:
        runs = [
            _first_view(browser, server, people[who], path.format(judged=names.judged), rest, size)
            for _ in range(TIMES + 1)
        ]
        seconds, sent = zip(*runs[1:], strict=True)  # the first one fills the server's caches
        first[name] = {
            "cold_s": round(runs[0][0], 3),
            "median_s": round(statistics.median(seconds), 3),
            "worst_s": round(max(seconds), 3),
            "bytes": int(statistics.median(sent)),
        }
        print(f"... {name}: {first[name]['median_s']} s", file=sys.stderr, flush=True)
    return {
        "defects": server.parts.engine.connect().exec_driver_sql("select count(*) from defects").scalar(),
        "cases": server.parts.engine.connect().exec_driver_sql("select count(*) from cases").scalar(),
        "first_views": first,
        "interactions_ms": _interactions(browser, server, people["duty"], names),
        "map_frames_ms": _frames(browser, server, people["duty"], names),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _first_view(browser, server, state, path, rest, size) -> tuple[float, int]:
    """From the click on a link to the page at rest, nothing kept from before but who one is; and bytes on the wire."""
    context = browser.new_context(storage_state=state, **size)
    page = context.new_page()
    sent = []
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.loadingFinished", lambda told: sent.append(told["encodedDataLength"]))
    page.goto(server.url + path, wait_until="commit")
    took = rested(page, rest) / 1000
    context.close()
    return took, int(sum(sent))


def _interactions(browser, server, state, names) -> dict[str, dict[str, float]]:
    """The time from an input to the frame that shows what it did, as the browser's Event Timing counts it."""
    context = browser.new_context(storage_state=state, **DESK)
    context.add_init_script(WATCH)
    page = context.new_page()
    found = {}

    def does(name, act, count=5):
        for _ in range(count):
            page.evaluate("window.longest = 0")
            act()
            page.wait_for_timeout(250)
            found.setdefault(name, []).append(max(LEAST_MS, round(page.evaluate("window.longest"), 1)))

    def look_at(path, rest):
        page.goto(server.url + path)
        rested(page, rest)
        page.wait_for_timeout(LOOKED_MS)

    look_at("/board", there("#rows tbody tr"))
    page.focus("#area")
    does("board: choose an area", lambda: page.keyboard.press("ArrowDown"), 4)
    does("change light and dark", lambda: page.click("#theme"))
    look_at("/work?queue=review", there(".judge"))
    does("queue: next and back by key", lambda: page.keyboard.press("j"))
    look_at(f"/cases/{names.judged}", there("#actions button"))
    does("case: open and shut a dialog", lambda: (page.click("[data-action=assessed]"), page.keyboard.press("Escape")))
    look_at(f"/map?map={names.place}", DRAWN)
    does("map: switch a layer", lambda: page.click("[data-layer=cases]"))
    does("map: choose a type", lambda: page.click("[data-type=pothole]"))
    does("map: choose a defect", lambda: page.mouse.click(*_middle(page)), 1)
    context.close()
    return {name: {"median": statistics.median(one), "worst": max(one)} for name, one in found.items()}


def _middle(page):
    box = page.locator("#map").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _frames(browser, server, state, names) -> dict[str, float]:
    """While the map moves and zooms for 3.5 s; WebGL is drawn by the processor here."""
    context = browser.new_context(storage_state=state, **DESK)
    page = context.new_page()
    page.goto(f"{server.url}/map?map={names.place.replace('18.6', '15')}")
    rested(page, DRAWN)
    time.sleep(1)
    times = sorted(page.evaluate(PAN)[1:])
    context.close()
    at = lambda share: round(times[min(len(times) - 1, int(len(times) * share))], 1)  # noqa: E731
    return {"median": at(0.5), "p95": at(0.95), "worst": at(1.0), "frames": len(times)}


def as_markdown(told: dict) -> str:
    """For eval/benchmarks/web.md."""
    lines = [
        f"{told['defects']:,} defects, {told['cases']:,} cases; load of the machine {told['load_average']:g}",
        "",
        "| page | first of a new server, s | median of three, s | worst, s | sent, kB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, one in told["first_views"].items():
        seconds = " | ".join(f"{one[key]:.2f}" for key in ("cold_s", "median_s", "worst_s"))
        lines.append(f"| {name} | {seconds} | {one['bytes'] / 1000:,.0f} |")
    lines += ["", "| interaction | median, ms | worst, ms |", "| --- | --- | --- |"]
    for name, one in told["interactions_ms"].items():
        shown = (f"{'≤ ' if value == LEAST_MS else ''}{value:.0f}" for value in (one["median"], one["worst"]))
        lines.append(f"| {name} | {' | '.join(shown)} |")
    frames = told["map_frames_ms"]
    lines += [
        "",
        f"Frames of the moving map: median {frames['median']} ms, P95 {frames['p95']} ms, worst {frames['worst']} ms.",
    ]
    return "\n".join(lines)
