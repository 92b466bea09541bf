"""The code blocks of our pages: found, told apart, run.

A block is a fence. What stands behind its language says how it is proven:

    ```bash                         run in a shell, in the order of the page, in one folder a page
    ```bash no-run="why not"        only read: every command and option has to exist
    ```bash exit=3                  run, and ends so
    ```text output                  what the block before prints: its lines, in this order; … stands for anything
    ```python                       examples of the interpreter (>>>), run by doctest
    ```yaml reads=destinations      taken by the reader of that kind of file (test_code_blocks.READERS)
    ```LANGUAGE run-by=tests/x.py   run, or read, by that test, which names the page

A page may want something to be there: ``<!-- tests: city -->`` names what its folder holds (test_code_blocks.GROUNDS).
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import REPOSITORY

FENCE = re.compile(r"^(?P<pad> *)```(?P<info>.*)$")
INSERTED = re.compile(r"\$\(([^()]*)\)")
GROUND = re.compile(r"<!-- tests: (\w+) -->")
SHELL = "bash"


@dataclass(frozen=True, slots=True)
class Block:
    """One fence of a page."""

    page: str  # path from the root of the repository
    line: int  # of its first line of content
    language: str
    told: dict[str, str]  # what stands behind the language; a bare word has an empty value
    text: str

    @property
    def name(self) -> str:
        """For messages and ids."""
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """All pages that are written by hand or made, README first."""
    found = sorted((REPOSITORY / "docs").rglob("*.md"))
    return ["README.md", *(str(path.relative_to(REPOSITORY)) for path in found)]


def read(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def blocks_of(page: str) -> list[Block]:
    """In the order of the page."""
    return list(_blocks(page, read(page).splitlines()))


def _blocks(page: str, lines: list[str]) -> Iterator[Block]:
    inside: list[str] | None = None
    start, info, pad = 0, "", 0
    for number, line in enumerate(lines, start=1):
        fence = FENCE.match(line)
        if fence and inside is None:
            inside, start, info, pad = [], number + 1, fence["info"], len(fence["pad"])
        elif fence and inside is not None and not fence["info"]:
            language, *words = shlex.split(info) or [""]
            told = {word.partition("=")[0]: word.partition("=")[2] for word in words}
            yield Block(page, start, language, told, "\n".join(inside) + "\n")
            inside = None
        elif inside is not None:
            inside.append(line[pad:])


def indented(page: str) -> list[int]:
    """Lines of code that is marked by spaces only: nothing can be told of such a block."""
    found, fenced, before = [], False, ""
    for number, line in enumerate(read(page).splitlines(), start=1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and line.startswith("    ") and not before.strip() and line.strip():
            found.append(number)
        before = line if line.strip() or fenced else ""
    return found


def ground_of(page: str) -> str:
    """What the page's folder has to hold before its first command."""
    named = GROUND.search(read(page))
    return named[1] if named else "nothing"


def commands(text: str) -> Iterator[list[str]]:
    """The calls of ``roadwarden`` in a piece of shell, as lists of words behind that name."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    while lines:
        line = lines.pop(0)
        while inner := INSERTED.search(line):  # what stands in $( ) is a line of its own
            lines.append(inner[1])
            line = INSERTED.sub("INSERTED", line, count=1)
        lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
        lexer.whitespace_split = True
        yield from _calls(lexer)


def _calls(words: Iterable[str]) -> Iterator[list[str]]:
    call: list[str] | None = None
    for word in words:
        if set(word) <= set("();<>|&"):
            if call is not None:
                yield call
            call = None
        elif call is not None:
            call.append(word)
        elif word == "roadwarden" or word.endswith("/roadwarden"):
            call = []
    if call is not None:
        yield call


def shell_environment(home: Path) -> dict[str, str]:
    """An empty home, our ``roadwarden`` on the path, no settings of whoever runs the tests."""
    programs = home / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    program = programs / "roadwarden"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m roadwarden "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROADWARDEN_", "MLFLOW_"))}
    return kept | {
        "HOME": str(home),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "LANG": "C.UTF-8",
        "COLUMNS": "160",
        "TZ": "UTC",
    }


def run_page(page: str, folder: Path, environment: Mapping[str, str]) -> int:
    """Types the shell blocks of a page into one shell that stands in ``folder``; how many.

    Fails where a block ends otherwise than it is to, or does not print what the page says.
    """
    typed = [block for block in blocks_of(page) if typed_in(block)]
    script = "".join(_typed(number, block) for number, block in enumerate(typed))
    done = subprocess.run(
        ["bash", "-uo", "pipefail", "-c", script],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=800,
    )  # fmt: skip
    said: dict[str, str] = {}
    for number, block in enumerate(typed):
        told = re.search(rf"(?ms)^@@begin {number}\n(.*?)@@end {number} (\d+)$", done.stdout)
        assert told, (
            f"{block.name} was not reached or failed:\n{block.text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        )
        wanted = int(block.told.get("exit", "0"))
        assert int(told[2]) == wanted, (
            f"{block.name} ends with {told[2]}, not {wanted}\n{told[1]}\n{done.stderr[-3000:]}"
        )
        said[block.name] = told[1]
    before = ""
    for block in blocks_of(page):
        before = said.get(block.name, before)
        if "output" in block.told:
            require_lines(block, before)
    return len(typed)


def typed_in(block: Block) -> bool:
    """Whether it is run by ``run_page``."""
    return block.language == SHELL and not {"no-run", "run-by"} & block.told.keys()


def _typed(number: int, block: Block) -> str:
    """A block ends at its first failure, unless it is to end so."""
    stops = "set +e" if "exit" in block.told else "set -e"
    return f"echo '@@begin {number}'\n{stops}\n{block.text}\necho \"@@end {number} $?\"\n"


def require_lines(block: Block, said: str) -> None:
    """Every line of the block stands in what was said, one behind the other."""
    rest = iter(said.splitlines())
    for line in filter(str.strip, block.text.splitlines()):
        parts = (re.escape(part) for part in re.sub(r"\s+", " ", line.strip()).split("…"))
        wanted = re.compile(".*".join(parts))
        found = any(wanted.fullmatch(re.sub(r"\s+", " ", one.strip())) for one in rest)
        assert found, f"{block.name}: '{line.strip()}' is not said (there, or in this order) in\n{said}"
