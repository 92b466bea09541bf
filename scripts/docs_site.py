"""A hook of MkDocs: pages link to files beside docs/ as on a code host, and the site has to stand alone.

What a page links to outside docs/ (reports, model cards, examples) joins the site under ``repository/`` with all that
it links to in turn. A folder stands for its README; one without a README is named, not linked.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
SITE = "repository/"
LINK = re.compile(r"(?P<text>!?\[(?:[^\]\[]|\[[^\]]*\])*\])\((?P<to>[^)\s]+)\)")
FENCE = re.compile(r"^```(\w+) [^\n]*$", re.MULTILINE)
"""Words behind the language tell the tests what a block needs; readers are spared them."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what the pages link to outside docs/."""
    waiting = [f"docs/{file.src_uri}" for file in files if file.src_uri.endswith(".md")]
    known = set(waiting)
    while waiting:
        page = waiting.pop()
        for target in _targets(page):
            if target in known or target.startswith("docs/"):
                continue
            known.add(target)
            files.append(File.generated(config, SITE + target, abs_src_path=str(ROOT / target)))
            if target.endswith(".md"):
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as the site has them, and fences with their language only."""
    here = _repository_path(page.file.src_uri)

    def moved(found: re.Match[str]) -> str:
        text, to = found["text"], found["to"]
        target = _target(here, to)
        if target is None:
            return found[0]
        if target == "":
            return text.strip("[]")
        _, mark, anchor = to.partition("#")
        there = target.removeprefix("docs/") if target.startswith("docs/") else SITE + target
        return f"{text}({posixpath.relpath(there, posixpath.dirname(page.file.src_uri) or '.')}{mark}{anchor})"

    return FENCE.sub(r"```\1", "".join(_outside_code(markdown, moved)))


def _outside_code(markdown: str, moved: object) -> Iterator[str]:
    """Fenced blocks stay as they are."""
    for number, part in enumerate(re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)):
        yield part if number % 2 else LINK.sub(moved, part)  # type: ignore[arg-type]


def _repository_path(uri: str) -> str:
    return uri.removeprefix(SITE) if uri.startswith(SITE) else f"docs/{uri}"


def _targets(page: str) -> Iterator[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in LINK.finditer(text):
        target = _target(page, found["to"])
        if target:
            yield target


def _target(page: str, to: str) -> str | None:
    """Path in the repository that a link leads to; empty for a folder without README; None where the link stays."""
    place = to.partition("#")[0]
    if not place or ":" in place.partition("/")[0]:
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), place))
    if (ROOT / path).is_dir():
        path = f"{path}/README.md"
        return path if (ROOT / path).is_file() else ""
    return path if (ROOT / path).is_file() else None
