"""Debian's Chromium on the pages of a city, and synthetic pictures for crews to take."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pytest
from city_server import PASSWORD

from roadwarden.data.synthetic import write_sample_archive

CHROMIUM = shutil.which("chromium")
WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1366, "height": 800}}
OFFLINE = "net::ERR_INTERNET_DISCONNECTED"
"""What a page says that tries to send while there is no network: it is meant to try."""


def launched(playwright):
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    return playwright.chromium.launch(executable_path=CHROMIUM, args=WEBGL)


def watched(browser, server, language="zh", theme="light", **context):
    """A page of a stranger; errors of scripts and of the console, a blocked style too, are in ``page.complaints``."""
    made = browser.new_context(**(context or DESK))
    for cookie, value in (("lang", language), ("theme", theme)):
        made.add_cookies([{"name": cookie, "value": value, "url": server.url}])
    page = made.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: _note(page.complaints, said))
    return page


def somebody(browser, server, name, language="zh", theme="light", **context):
    """A page of somebody who has logged in."""
    page = watched(browser, server, language, theme, **context)
    page.goto(f"{server.url}/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def _note(complaints, said):
    if said.type == "error" and OFFLINE not in said.text:
        complaints.append(f"{said.text} ({said.location.get('url', '')})")


def street_pictures(folder: Path) -> list[Path]:
    """JPEGs of the synthetic street, small enough to be sent by a phone."""
    frames = sorted((write_sample_archive(folder, frames=2) / "frames").iterdir())
    return [_small(frame, folder / f"shot-{number}.jpg") for number, frame in enumerate(frames)]


def _small(frame: Path, to: Path) -> Path:
    cv2.imwrite(str(to), cv2.resize(cv2.imread(str(frame)), (960, 720)))
    return to
