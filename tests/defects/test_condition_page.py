"""docs/condition.md claims no conformity; its examples are run by tests/docs."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from roadwarden.defects.cjj36_table import shipped_cjj36_table
from roadwarden.taxonomy import Standard, listed
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "condition.md"
TABLES = ("severity.yaml", "cjj36.yaml", "jtg5210.yaml", "patrol.yaml")


def test_the_page_names_every_type_that_is_refused():
    told = PAGE.read_text(encoding="utf-8").split("**Refused.** On concrete:")[1].split("\n\n")[0]
    refused = [distress for row in shipped_cjj36_table().missing for distress in row.types]
    assert len(refused) == told.split(".")[0].count(",") + 1 == 7


@pytest.mark.parametrize("table", TABLES)
def test_no_table_and_no_page_says_compliant(table):
    texts = [(resources.files("roadwarden") / "tables" / table).read_text(encoding="utf-8"), PAGE.read_text("utf-8")]
    assert not [text for text in texts if "complian" in text.lower()]


def test_chinese_names_of_types_stand_in_the_taxonomy_only():
    names = {entry.code for entry in listed(Standard.CJJ36)} | {entry.code for entry in listed(Standard.JTG5210)}
    for table in TABLES:
        text = json.dumps((resources.files("roadwarden") / "tables" / table).read_text("utf-8"), ensure_ascii=False)
        assert not [name for name in names if name in text]
