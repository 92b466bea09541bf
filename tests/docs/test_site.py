"""The site of the documentation builds without a warning, holds every page, and asks nobody else for anything."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest
import yaml

from tests.conftest import REPOSITORY

MKDOCS = importlib.util.find_spec("mkdocs") and importlib.util.find_spec("material")


def nav_pages(entries) -> list[str]:
    found: list[str] = []
    for entry in entries:
        ((_, inside),) = entry.items()
        found += [inside] if isinstance(inside, str) else nav_pages(inside)
    return found


def test_every_page_has_its_place_in_the_nav():
    told = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"))
    there = {str(path.relative_to(REPOSITORY / "docs")) for path in (REPOSITORY / "docs").rglob("*.md")}
    pages = nav_pages(told["nav"])
    assert set(pages) == there
    assert len(pages) == len(set(pages))


@pytest.mark.slow
@pytest.mark.skipif(not MKDOCS, reason="MkDocs Material is not installed: pip install 'roadwarden[docs]'")
def test_the_site_builds_and_works_in_a_closed_network(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 80
    for page in pages:
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r"<(?:script|img|iframe)[^>]+src=\"?(https?:[^\"\s>]+)", text)
        fetched += re.findall(r"<link[^>]+rel=\"?(?:stylesheet|preconnect|icon)[^>]+href=\"?(https?:[^\"\s>]+)", text)
        assert fetched == [], page.name
