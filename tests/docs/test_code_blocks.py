"""What our pages tell people to type is typed: every block of code is run, read, or says why not."""

from __future__ import annotations

import doctest
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from roadwarden.cases.campaigns import read_campaigns
from roadwarden.cases.domains import shipped_domain_table
from roadwarden.cases.time_saved import read_baseline
from roadwarden.cli import app
from roadwarden.cli.reference import commands as known_commands
from roadwarden.geo.camera_file import read_camera
from roadwarden.service.destinations import read_destinations
from roadwarden.service.integrations.partner import read_partner
from roadwarden.service.single_sign_on.settings import read_sign_on
from tests.conftest import REPOSITORY
from tests.docs.blocks import (
    SHELL,
    Block,
    blocks_of,
    commands,
    ground_of,
    indented,
    pages,
    run_page,
    shell_environment,
    typed_in,
)

TOLD_APART = {"bash", "python", "yaml", "text", "jsonl", "console", "json"}
OWN_TEST = {"docs/tutorial.md", "docs/zh/tutorial.md", "docs/zh/crew.md", "docs/zh/dispatcher.md"}
"""The tutorial is run by test_tutorial.py; Chinese pages have the blocks of the English ones (test_languages.py)."""

READERS: dict[str, Callable[[Path], Any]] = {
    "any": lambda path: yaml.safe_load(path.read_text(encoding="utf-8")),  # a piece of a file
    "baseline": read_baseline,
    "camera": read_camera,
    "campaigns": lambda path: read_campaigns(path, shipped_domain_table()),
    "destinations": read_destinations,
    "partner": lambda path: read_partner(path, shipped_domain_table()),
    "sign-on": read_sign_on,
}
GROUNDS: dict[str, str] = {
    "nothing": "true",
    "history": f'cp "{REPOSITORY}/tests/cases/histories/1-in-time.jsonl" events.jsonl',
    "case": "roadwarden case file --case 2026-000001 --distress pothole --area west-lake --owner city"
    " --latitude 30.274 --longitude 120.155 --by u1 --role intake",
    "city": "roadwarden simulate seed-city --roads 4 --days 6 --defects 30 --until 2026-11-25T08:00:00+08:00",
    "admin": "echo 'a password of 20 signs' | roadwarden user init root",
    "street": "roadwarden sample var/street --seed 11 --drive 11 --frames 20"
    " && roadwarden survey var/street --keep-pictures"
    " --camera var/street/camera.yaml --roads var/street/roads.geojson --out var/survey",
}
GROUNDS["filed"] = f"{GROUNDS['street']} && roadwarden case file-defects --area west-lake --owner city"
GROUNDS["sent"] = (
    f"{GROUNDS['filed']} && roadwarden case dispatch $(roadwarden simulate holes --street var/street | head -1)"
    " --by wang --role dispatcher"
)
GROUNDS["tutorial"] = (
    "\n".join(block.text for block in blocks_of("docs/tutorial.md") if typed_in(block)) + "\ncd .. || true"
)


def every_block() -> list[Block]:
    return [block for page in pages() for block in blocks_of(page)]


def runnable(page: str) -> bool:
    return any(map(typed_in, blocks_of(page)))


def test_no_page_marks_code_by_spaces_only():
    assert {page: lines for page in pages() if (lines := indented(page))} == {}


@pytest.mark.parametrize("page", pages())
def test_every_block_says_how_it_is_proven(page):
    for block in blocks_of(page):
        assert block.language in TOLD_APART, f"{block.name}: ```{block.language} says nothing to the tests"
        proven = {"no-run", "run-by", "reads", "output"} & block.told.keys()
        if block.language == "text":
            assert not re.search(r"(?m)^roadwarden ", block.text), f"{block.name}: commands are ```bash"
        elif block.language == "python":
            assert proven or ">>>" in block.text, f"{block.name}: run it (>>>), or say who does"
        elif block.language != SHELL:
            assert proven, f"{block.name}: who reads it?"
        assert len(block.told.get("no-run", "a reason")) >= 8, f"{block.name}: why is it not run?"


def test_who_is_said_to_run_a_block_is_there():
    for block in every_block():
        if (named := block.told.get("run-by")) is not None:
            assert (REPOSITORY / named).is_file(), f"{block.name}: {named} is not there"


def faults(call: list[str], known: dict[str, typer.core.TyperCommand]) -> str | None:
    """What is wrong with the words of a call, read as far as names go: values are the page's own."""
    words = [word for word in call if not word.startswith("-")]
    name = next((" ".join(words[:depth]) for depth in (3, 2, 1) if " ".join(words[:depth]) in known), None)
    if name is None:
        return None if call in ([], ["--help"], ["--version"]) else "there is no such command"
    options = {option for parameter in known[name].params for option in (*parameter.opts, *parameter.secondary_opts)}
    asked = {word.partition("=")[0] for word in call if re.match(r"--?[a-z]", word)}
    unknown = sorted(asked - options - {"--help"})
    return f"'{name}' has no option {', '.join(unknown)}" if unknown else None


def test_every_command_and_option_on_a_page_exists():
    known = dict(known_commands(app))
    shells = [(block.name, block.text) for block in every_block() if block.language == SHELL]
    examples = [
        (f"--help of {name}", re.sub(r"\s*\n\s*", " ", (command.help or "").partition("Example: ")[2]))
        for name, command in known.items()
    ]
    wrong = {
        f"{place}: {' '.join(call)[:80]}": fault
        for place, text in (*shells, *examples)
        for call in commands(text)
        if (fault := faults(call, known))
    }
    assert not wrong, "\n".join(f"{place}: {fault}" for place, fault in wrong.items())
    assert sum(1 for _, text in shells for _ in commands(text)) > 200


def yaml_blocks() -> list[Block]:
    return [block for block in every_block() if "reads" in block.told]


@pytest.mark.parametrize("block", yaml_blocks(), ids=[block.name for block in yaml_blocks()])
def test_a_file_on_a_page_is_taken(block, tmp_path, monkeypatch):
    for secret in re.findall(r"\{env: (\w+)\}", block.text):
        monkeypatch.setenv(secret, "whsec_" + "c2VjcmV0" * 6)
    text = block.text
    for number, path in enumerate(re.findall(r"\{file: ([^}]+)\}", text)):
        place = tmp_path / f"secret-{number}"
        place.write_text("whsec_" + "c2VjcmV0" * 6 + "\n", encoding="utf-8")
        place.chmod(0o600)
        text = text.replace(path, str(place))
    file = tmp_path / "file.yaml"
    file.write_text(text, encoding="utf-8")
    assert READERS[block.told["reads"]](file) is not None


def with_examples() -> list[str]:
    return [page for page in pages() if any(">>>" in block.text for block in blocks_of(page))]


@pytest.mark.parametrize("page", with_examples())
def test_examples_of_the_interpreter_hold(page):
    """All of a page in one session; two blocks are two breaths."""
    text = "\n".join(block.text for block in blocks_of(page) if ">>>" in block.text)
    found = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    done = doctest.DocTestRunner().run(found)
    assert (done.failed, done.attempted > 2) == (0, True)


@pytest.fixture(scope="session")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder that holds what a page wants, made once, copied for each page."""
    made: dict[str, Path] = {}

    def ground(name: str) -> Path:
        if name not in made:
            folder = tmp_path_factory.mktemp(f"ground-{name}")
            environment = shell_environment(tmp_path_factory.mktemp("home"))
            done = subprocess.run(
                ["bash", "-uo", "pipefail", "-c", GROUNDS[name]],
                cwd=folder, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            made[name] = folder
        return made[name]

    return ground


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [page for page in pages() if runnable(page) and page not in OWN_TEST])
def test_a_page_can_be_followed_word_by_word(page, grounds, tmp_path):
    folder = tmp_path / "here"
    shutil.copytree(grounds(ground_of(page)), folder)
    assert run_page(page, folder, shell_environment(tmp_path / "home")) > 0
