"""The tutorial, word by word, in an empty folder with an empty home."""

from __future__ import annotations

import pytest

from tests.docs.blocks import run_page, shell_environment


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tutorial_ends_with_a_verified_bundle(tmp_path):
    (tmp_path / "empty").mkdir()
    assert run_page("docs/tutorial.md", tmp_path / "empty", shell_environment(tmp_path / "home")) > 10
