"""Every page that somebody can open, and when it has come to rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from browser import DESK, PHONE, somebody, watched

READY_MS = 60_000
RESTED = "document.readyState === 'complete' && document.fonts.status === 'loaded'"
DRAWN = "window.roadMap?.loaded() && window.roadMap.areTilesLoaded()"
FIGURES = "document.querySelector('#blocks')?.getAttribute('aria-busy') === 'false'"


@dataclass(frozen=True, slots=True)
class Shown:
    """``path`` has {names} of ``stocked.Names``; ``rest`` is a JavaScript condition."""

    name: str
    who: str | None
    path: str
    rest: str = RESTED
    phone: bool = False


def there(selector: str) -> str:
    """Once such an element is there."""
    return f"document.querySelector({selector!r}) !== null"


PAGES = (
    Shown("login", None, "/login"),
    Shown("report", None, "/report"),
    Shown("report-phone", None, "/report", phone=True),
    Shown("follow", None, "/follow"),
    Shown("map", "duty", "/map", DRAWN),
    Shown("map-near", "duty", "/map?map={place}", DRAWN),
    Shown("map-defect", "duty", "/map?map={place}&defect={defect}", f"{DRAWN} && {there('#panel .sightings')}"),
    Shown("map-ages", "duty", "/map?layers=ages,cases", DRAWN),
    Shown("map-heat", "duty", "/map?layers=health,heat", DRAWN),
    Shown("map-phone", "duty", "/map", DRAWN, phone=True),
    Shown("board", "duty", "/board", there("#rows tbody tr")),
    Shown("cases", "duty", "/cases?open=0"),
    Shown("case", "duty", "/cases/{judged}"),
    Shown("case-names", "duty", "/cases/{judged}?personal=true"),
    Shown("radiating", "duty", "/cases/{judged}/radiating", FIGURES),
    Shown("work-intake", "intake", "/work?queue=intake", there("#items td")),
    Shown("work-dispatch", "dispatch", "/work?queue=dispatch", there("#items td")),
    Shown("work-review", "duty", "/work?queue=review", there(".judge")),
    Shown("work-close", "duty", "/work?queue=close", there("#items td")),
    Shown("work-wishes", "lake", "/work?queue=wishes", there("#items td")),
    Shown("work-types", "duty", "/work?queue=types", there(".labelling image")),
    Shown("figures", "duty", "/figures", FIGURES),
    Shown("figures-process", "duty", "/figures/process", FIGURES),
    Shown("figures-repeats", "duty", "/figures/repeats", FIGURES),
    Shown("figures-proof", "duty", "/figures/proof", FIGURES),
    Shown("figures-campaigns", "duty", "/figures/campaigns", FIGURES),
    Shown("definitions", "duty", "/figures/definitions"),
    Shown("month", "duty", "/figures/report?month=2026-11"),
    Shown("crew", "foreman", "/crew", there("#list .job"), phone=True),
    Shown("crew-job", "foreman", "/crew#{job}", there("#case [data-shot]"), phone=True),
    Shown("policy", "duty", "/policy"),
    Shown("people", "root", "/people"),
    Shown("person", "root", "/people/lake"),
    Shown("audit", "audit", "/audit"),
    Shown("forbidden", "foreman", "/people"),
)


def rested(page, condition) -> float:
    """Waits frame by frame; milliseconds from the navigation on. Playwright's own polling is blocked by our CSP."""
    return page.evaluate(
        f"""async () => {{
          while (!({condition})) {{
            if (performance.now() > {READY_MS}) throw new Error({condition!r} + " is not so");
            await new Promise(requestAnimationFrame);
          }}
          return performance.now();
        }}"""
    )


class Visits:
    """Pages of a server in one browser, each person logged in once a language and theme."""

    def __init__(self, browser, server, names, language="zh", theme="light") -> None:
        self._browser, self._server, self._names = browser, server, asdict(names)
        self._look = {"language": language, "theme": theme}
        self._pages = {}

    def open(self, shown: Shown):
        """The page at rest; what the browser had against it since it was asked for is in ``complaints``."""
        page = self._page_of(shown.who, PHONE if shown.phone else DESK)
        page.complaints.clear()
        page.goto("about:blank")  # or another fragment of the same page would not be loaded
        page.goto(self._server.url + shown.path.format(**self._names))
        rested(page, shown.rest)
        return page

    def close(self) -> None:
        """Ends what was opened."""
        for page in self._pages.values():
            page.context.close()

    def _page_of(self, who, size):
        key = who, size["viewport"]["width"]
        if key not in self._pages:
            make = somebody if who else stranger
            self._pages[key] = make(self._browser, self._server, who, **self._look, **size)
        return self._pages[key]


@contextmanager
def visits(browser, server, names, **look) -> Iterator[Visits]:
    made = Visits(browser, server, names, **look)
    try:
        yield made
    finally:
        made.close()


def stranger(browser, server, _who, language="zh", theme="light", **context):
    """Somebody who is not logged in."""
    return watched(browser, server, language, theme, **context)
