"""Pages that are made from the code are what the code makes today, and tell everything that there is."""

from __future__ import annotations

import re
import runpy

import pytest

from roadwarden.cli.packages import packages
from roadwarden.settings import ENVIRONMENT
from tests.conftest import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "docs-reference"
TELLS_PROCESSES_OF_OURS = {"ROADWARDEN_SERVE", "ROADWARDEN_CITY_TOKEN", "ROADWARDEN_CITY_CASES"}
STREAMS = {"ROADWARDEN_FRAMES", "ROADWARDEN_BOXES"}
"""Names of NATS streams, no variables."""


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT), run_name="docs_reference")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for one in ENVIRONMENT:
        monkeypatch.delenv(one.name, raising=False)


@pytest.mark.parametrize("page", ["settings", "operations", "metrics", "licences", "glossary"])
def test_a_page_is_current(script, page):
    name = {"operations": "api-operations"}.get(page, page)
    written = (REPOSITORY / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert written == script[page](), "run scripts/docs-reference"


def test_every_variable_that_the_code_names_is_told():
    named = {
        found
        for path in (REPOSITORY / "roadwarden").rglob("*.py")
        for found in re.findall(r"ROADWARDEN_[A-Z_]+", path.read_text(encoding="utf-8"))
    }
    told = {one.name for one in ENVIRONMENT}
    assert named - told - TELLS_PROCESSES_OF_OURS - STREAMS == set()
    assert len(told) > 10


def test_every_key_of_a_settings_file_says_what_it_is(script):
    page = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    silent = re.findall(r"(?m)^\| (`\w+`) \|.*\|  \|$", page)
    assert silent == []


FITS = {
    *("AGPL-3.0-only", "AGPL-3.0-or-later", "LGPL-2.1-or-later", "LGPL-3.0-only", "MPL-2.0"),
    *("Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSL-1.0", "MIT", "MIT-0", "MIT-CMU", "ISC", "0BSD", "Zlib"),
    *("BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "PSF-2.0", "Unlicense"),
}
"""Licences whose works may be used together with a work under the AGPL, version 3."""
FOR_TRAINING_ONLY = {"LicenseRef-NVIDIA-Proprietary"}


def parts(licence: str) -> set[str]:
    return {part.strip(" ()") for part in re.split(r" AND | OR ", licence)}


@pytest.mark.parametrize(
    ("extras", "let_through"),
    [(("video", "stream", "s3", "oidc", "registry", "postgres", "cluster", "notebooks"), set()),
     (("train",), FOR_TRAINING_ONLY)],
    ids=["servers", "training"],
)  # fmt: skip
def test_no_licence_is_unknown_or_goes_not_together_with_ours(extras, let_through):
    wrong = {one.name: one.licence for one in packages(extras) if not parts(one.licence) <= FITS | let_through}
    assert wrong == {}
