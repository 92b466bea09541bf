from __future__ import annotations

import sys

import pytest

from roadwarden.cli import main


@pytest.fixture
def run_main(tmp_path, monkeypatch, capsys):
    """The program as a user starts it, in an empty folder with a database of its own; gives what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROADWARDEN_DATABASE", "sqlite:///city.db")

    def roadwarden(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["roadwarden", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert (ended.value.code or 0) == code, said.out + said.err
        return said

    return roadwarden
