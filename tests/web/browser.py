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


def launched(playwright):
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    return playwright.chromium.launch(executable_path=CHROMIUM, args=WEBGL)


def somebody(browser, server, name, language="zh", theme="light", **context):
    """A page of somebody who has logged in; whatever the browser complains of is in ``page.complaints``."""
    made = browser.new_context(**(context or DESK))
    for cookie, value in (("lang", language), ("theme", theme)):
        made.add_cookies([{"name": cookie, "value": value, "url": server.url}])
    page = made.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(f"{server.url}/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def street_pictures(folder: Path) -> list[Path]:
    """JPEGs of the synthetic street, small enough to be sent by a phone."""
    frames = sorted((write_sample_archive(folder, frames=2) / "frames").iterdir())
    return [_small(frame, folder / f"shot-{number}.jpg") for number, frame in enumerate(frames)]


def _small(frame: Path, to: Path) -> Path:
    cv2.imwrite(str(to), cv2.resize(cv2.imread(str(frame)), (960, 720)))
    return to
