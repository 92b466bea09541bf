"""Every word of the pages is there in both languages, and no page says anything that is not in the catalogue."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from roadwarden.cases.answer import CaseState, ClockState
from roadwarden.cases.case_row import Light
from roadwarden.cases.event_types import EventType, Role, Verdict
from roadwarden.cases.filing import Source
from roadwarden.cases.permissions import Scope
from roadwarden.defects.cells import Code
from roadwarden.defects.presence import Presence
from roadwarden.taxonomy import DistressType, Language, Severity
from roadwarden.web.icons import icons
from roadwarden.web.words import words_of

WEB = Path(str(resources.files("roadwarden.web")))
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
MODULES = sorted((WEB / "static").rglob("*.js"))
ENGLISH, CHINESE = (words_of(language).below("") for language in (Language.ENGLISH, Language.CHINESE))
NAMED = re.compile(r"""\bw\(["'`]([\w.\-]+)["'`]\s*[,)]""")
BUILT = re.compile(r"""\bw\((?:["']([\w.]+)["']\s*\+|`([\w.]+)\$\{)""")
KEYS_IN_LISTS = re.compile(r'"((?:board|work|map|crew|case)\.\w+)"(?! \+)')


def test_both_languages_have_the_same_words():
    assert ENGLISH.keys() == CHINESE.keys()
    assert [key for key, text in (ENGLISH | CHINESE).items() if not text.strip()] == []


def test_what_is_filled_in_is_the_same_in_both():
    def holes(text):
        return sorted(re.findall(r"\{(\w+)\}", text))

    assert [key for key in ENGLISH if holes(ENGLISH[key]) != holes(CHINESE[key])] == []


def test_chinese_is_chinese_and_english_is_not():
    han = re.compile(r"[\u4e00-\u9fff]")
    assert [key for key, text in ENGLISH.items() if han.search(text)] == ["look.language"]
    assert [key for key, text in CHINESE.items() if not han.search(text)] == ["look.language"]


@pytest.mark.parametrize("file", [*TEMPLATES, *MODULES], ids=lambda file: file.name)
def test_every_word_that_a_page_names_is_there(file):
    text = file.read_text(encoding="utf-8")
    missing = {key for key in NAMED.findall(text) + KEYS_IN_LISTS.findall(text) if key not in ENGLISH}
    assert missing == set()
    for beginning in ("".join(pair) for pair in BUILT.findall(text)):
        assert any(key.startswith(beginning) for key in ENGLISH), beginning


@pytest.mark.parametrize("file", [*TEMPLATES, *MODULES], ids=lambda file: file.name)
def test_no_page_has_words_of_its_own(file):
    assert re.findall(r"[\u4e00-\u9fff]+", file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("state", CaseState),
        ("clock_state", ClockState),
        ("light", Light),
        ("event", EventType),
        ("role", Role),
        ("verdict", Verdict),
        ("severity", Severity),
        ("presence", Presence),
        ("type", DistressType),
        ("source", Source),
        ("people.scope", Scope),
    ],
)
def test_whatever_can_be_told_has_a_word(prefix, names):
    joint = "_" if prefix == "people.scope" else "."
    assert [name.value for name in names if f"{prefix}{joint}{name.value}" not in ENGLISH] == []
    assert [code for code in Code if f"code.{code.name.lower()}" not in ENGLISH] == []


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_templates_name_icons_that_are_drawn_and_hold_neither_scripts_nor_styles(file):
    text = file.read_text(encoding="utf-8")
    assert set(re.findall(r'icon\("(\w+)"\)', text)) <= icons().keys()
    assert re.findall(r"<script(?![^>]*\b(?:src=|type=\"application/json\"))", text) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", text) == []
