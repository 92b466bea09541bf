"""A page of the pairs that a run has judged, drawn as an assessment is: to see why a verdict was wrong.

One file, no script, pictures within: it opens from a folder. While the run goes on only what may be shown is kept, as
JPEG.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

from roadwarden.eval.repairs import ACCEPTED, Kind, Outcome
from roadwarden.eval.repairs_report import Run
from roadwarden.repairs.assess import Assessment
from roadwarden.repairs.overlay import overlay_jpeg
from roadwarden.repairs.pictures import Picture

MOST_OF_A_KIND = 3
"""Right ones of a kind that are kept: they show what the kind looks like."""
MOST_WIDE_PX, QUALITY = 1600, 82


@dataclass(frozen=True, slots=True)
class Shown:
    """One pair on the page."""

    outcome: Outcome
    english: str
    chinese: str
    jpeg: bytes

    @property
    def data_uri(self) -> str:
        """The picture within the page."""
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode("ascii")

    @property
    def wanted(self) -> str:
        """The verdicts that are right."""
        return " or ".join(verdict.value for verdict in ACCEPTED[self.outcome.kind])


class Gallery:
    """Collects pairs while they are judged; at most ``most`` are shown."""

    def __init__(self, most: int) -> None:
        """Empty."""
        self._most = most
        self._wrong: list[Shown] = []
        self._right: dict[Kind, list[Shown]] = defaultdict(list)

    def add(self, outcome: Outcome, before: Picture, after: Picture, done: Assessment) -> None:
        """Draws and keeps the pair where there is still room for one like it."""
        kept, room = (self._right[outcome.kind], MOST_OF_A_KIND) if outcome.right else (self._wrong, self._most)
        if len(kept) < room:
            jpeg = overlay_jpeg(before, after, done, MOST_WIDE_PX, QUALITY)
            kept.append(Shown(outcome, done.words.english, done.words.chinese, jpeg))

    def pairs(self) -> tuple[Shown, ...]:
        """The wrong ones as they came, then the first of each kind, the second of each, and so on."""
        return tuple(islice(self._in_order(), self._most))

    def page(self, run: Run, *, real: bool) -> str:
        """The HTML; ``real`` pictures come with the word that they are not to be committed."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        environment = Environment(
            loader=PackageLoader("roadwarden.eval"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        return environment.get_template("repairs_gallery.html.j2").render(run=run, pairs=self.pairs(), real=real) + "\n"

    def _in_order(self) -> Iterator[Shown]:
        yield from self._wrong
        for turn in zip_longest(*(self._right[kind] for kind in Kind)):
            yield from (one for one in turn if one is not None)
