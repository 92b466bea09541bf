"""Every page in both themes: nobody is kept out of it (axe-core), and the browser has nothing to complain of."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from every_page import PAGES, visits

GRAVE = {"serious", "critical"}
WORDS = "common|type|state|event|verdict|severity|map|case|board|work|crew|figures|do|field|people|policy|right|role"
"""Beginnings of keys of words: one that stands on a page was not translated."""


@pytest.fixture(scope="module", params=["light", "dark"])
def opened(request, browser, city_with_names):
    with visits(browser, *city_with_names, theme=request.param) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_nobody_is_kept_out_of_a_page_and_the_browser_does_not_complain(opened, shown):
    page = opened.open(shown)
    found = Axe().run(page).response["violations"]
    grave = [
        f"{one['id']} ({one['impact']}): {node['html'][:150]} {node['any'][0]['message'] if node['any'] else ''}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
    assert grave == []
    said = page.inner_text("body")
    assert re.findall(r"\b(?:null|undefined|NaN|\[object \w+\])\b|\b(?:" + WORDS + r")\.[a-z]\w*", said) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    allowed = ("403 (Forbidden)",) if shown.name == "forbidden" else ()
    assert [one for one in page.complaints if not any(part in one for part in allowed)] == []
