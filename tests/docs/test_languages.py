"""Chinese pages tell the same: the very blocks of the English ones, and no section less."""

from __future__ import annotations

import re

import pytest

from tests.docs.blocks import blocks_of, ground_of, read

PAIRS = {
    "docs/zh/tutorial.md": "docs/tutorial.md",
    "docs/zh/crew.md": "docs/how-to/crew.md",
    "docs/zh/dispatcher.md": "docs/how-to/dispatcher.md",
}


def sections(page: str) -> list[str]:
    return re.findall(r"(?m)^## (.*)$", re.sub(r"(?ms)^```.*?^```$", "", read(page)))


@pytest.mark.parametrize(("chinese", "english"), PAIRS.items(), ids=PAIRS)
def test_a_translation_has_the_same_blocks_in_the_same_order(chinese, english):
    told = [[(block.language, block.told, block.text) for block in blocks_of(page)] for page in (chinese, english)]
    assert told[0] == told[1]
    assert ground_of(chinese) == ground_of(english)


@pytest.mark.parametrize(("chinese", "english"), PAIRS.items(), ids=PAIRS)
def test_a_translation_has_every_section_in_chinese(chinese, english):
    assert len(sections(chinese)) == len(sections(english))
    assert all(re.search(r"[一-鿿]", title) for title in sections(chinese))
