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
        first[name] = _first_views(browser, server, people[who], path.format(judged=names.judged), rest, size)
        print(f"... {name}: {first[name]['median_s']} s", file=sys.stderr, flush=True)
    place = names.place.partition("/")[2]
    hand = _Hand(browser, server, people["duty"])
    _on_the_pages(hand, names)
    _on_the_map(hand, names.place)
    return _told(server, first, hand.told(), {15: _frames(browser, server, people["duty"], 15, place)})


def _told(server, first, interactions, frames) -> dict:
    with server.parts.engine.connect() as connection:
        counts = {
            name: connection.exec_driver_sql(f"select count(*) from {name}").scalar() for name in ("defects", "cases")
        }
    return counts | {
        "first_views": first,
        "interactions_ms": interactions,
        "map_frames_ms": frames,
        "load_average": round(os.getloadavg()[0], 1),
    }


def _first_views(browser, server, state, path, rest, size) -> dict:
    runs = [_first_view(browser, server, state, path, rest, size) for _ in range(TIMES + 1)]
    seconds, sent = zip(*runs[1:], strict=True)  # the first one fills the server's caches
    return {
        "cold_s": round(runs[0][0], 3),
        "median_s": round(statistics.median(seconds), 3),
        "worst_s": round(max(seconds), 3),
        "bytes": int(statistics.median(sent)),
    }


def measured_map(browser, server, place) -> dict:
    """The map alone: of a city that nothing but the map is made of."""
    state = somebody(browser, server, "duty").context.storage_state()
    first = _first_views(browser, server, state, "/map", DRAWN, DESK)
    hand = _Hand(browser, server, state)
    hand.looks_at(f"/map?map=12/{place}", DRAWN)
    hand.does("map of the whole city: switch a layer", lambda: hand.page.click("[data-layer=cases]"))
    _on_the_map(hand, f"18.6/{place}")
    frames = {zoom: _frames(browser, server, state, zoom, place) for zoom in (12, 15)}
    return _told(server, {"map": first}, hand.told(), frames)


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


class _Hand:
    """Somebody at a page; ``found``: the times from inputs to the frames that show what they did.

    As the browser's Event Timing counts them.
    """

    def __init__(self, browser, server, state) -> None:
        context = browser.new_context(storage_state=state, **DESK)
        context.add_init_script(WATCH)
        self._url, self.page, self.found = server.url, context.new_page(), {}

    def looks_at(self, path, rest) -> None:
        self.page.goto(self._url + path)
        rested(self.page, rest)
        self.page.wait_for_timeout(LOOKED_MS)

    def does(self, name, act, count=5) -> None:
        for _ in range(count):
            self.page.evaluate("window.longest = 0")
            act()
            self.page.wait_for_timeout(250)
            self.found.setdefault(name, []).append(max(LEAST_MS, round(self.page.evaluate("window.longest"), 1)))

    def told(self) -> dict[str, dict[str, float]]:
        """And ends."""
        self.page.context.close()
        return {name: {"median": statistics.median(one), "worst": max(one)} for name, one in self.found.items()}


def _on_the_pages(hand, names) -> None:
    page = hand.page
    hand.looks_at("/board", there("#rows tbody tr"))
    page.focus("#area")
    hand.does("board: choose an area", lambda: page.keyboard.press("ArrowDown"), 4)
    hand.does("change light and dark", lambda: page.click("#theme"))
    hand.looks_at("/work?queue=review", there(".judge"))
    hand.does("queue: next and back by key", lambda: page.keyboard.press("j"))
    hand.looks_at(f"/cases/{names.judged}", there("#actions button"))
    shown_and_shut = lambda: (page.click("[data-action=assessed]"), page.keyboard.press("Escape"))  # noqa: E731
    hand.does("case: open and shut a dialog", shown_and_shut)


def _on_the_map(hand, place) -> None:
    page = hand.page
    hand.looks_at(f"/map?map={place}", DRAWN)
    hand.does("map: switch a layer", lambda: page.click("[data-layer=cases]"))
    hand.does("map: choose a type", lambda: page.click("[data-type=pothole]"))
    hand.does("map: choose a defect", lambda: page.mouse.click(*_middle(page)), 1)


def _middle(page):
    box = page.locator("#map").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _frames(browser, server, state, zoom, place) -> dict[str, float]:
    """While the map moves and zooms for 3.5 s; WebGL is drawn by the processor here."""
    context = browser.new_context(storage_state=state, **DESK)
    page = context.new_page()
    page.goto(f"{server.url}/map?map={zoom}/{place}")
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
    for zoom, frames in told["map_frames_ms"].items():
        figures = f"median {frames['median']} ms, P95 {frames['p95']} ms, worst {frames['worst']} ms"
        lines += ["", f"Frames of the map that moves from zoom {zoom} on: {figures} ({frames['frames']} frames)."]
    return "\n".join(lines)
