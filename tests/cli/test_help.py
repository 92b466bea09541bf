"""Every command explains itself, with an example, and docs/cli.md says the same."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from roadwarden.cli import app
from roadwarden.cli.reference import commands, reference_markdown
from tests.conftest import REPOSITORY


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "roadwarden", *arguments], capture_output=True, text=True, check=False)


COMMANDS = dict(commands(app))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_an_example_and_every_option_a_help(name):
    command = COMMANDS[name]
    assert "Example: roadwarden" in (command.help or "")
    for parameter in command.params:
        assert isinstance(parameter, typer.core.TyperOption | typer.core.TyperArgument)
        assert parameter.help, f"{name} {parameter.name}"


def test_the_reference_is_current():
    page = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == reference_markdown(app), "run scripts/docs-cli"


def test_an_unknown_option_is_a_usage_error():
    done = run("detect", "card", "--out", "x", "--treshold", "0.1")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_wrong_shard_is_a_usage_error(tmp_path):
    done = run("detect", str(tmp_path), "--out", str(tmp_path / "out"), "--shard", "3/2")
    assert done.returncode == 2
    assert "wanted i/n" in done.stderr


def test_the_model_card_can_be_read():
    done = run("model")
    assert done.returncode == 0
    assert '"roadwarden-yolo26n-4"' in done.stdout
