"""Progress for people: a bar on a terminal, plain lines where the output is piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

PLAIN_EVERY_S = 5.0

Report = Callable[[int, int], None]
"""(done, total) so far."""


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Items a second."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "-/s")


@contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Report]:
    """Gives a function to call with (done, total); everything goes to standard error."""
    console = Console(stderr=True)
    if quiet:
        yield lambda _done, _total: None
    elif console.is_terminal:
        columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(label, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
    else:
        yield _plain_lines(label)


def _plain_lines(label: str) -> Report:
    start, told = time.monotonic(), -PLAIN_EVERY_S

    def tell(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic() - start
        if done < total and now - told < PLAIN_EVERY_S:
            return
        told = now
        print(f"{label}: {done}/{total} after {now:.0f} s", file=sys.stderr)

    return tell
