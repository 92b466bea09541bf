"""A case from the desk to the street and back, seen by a real browser; the board while time passes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from browser import PHONE, somebody, street_pictures
from city import CITY_NOW
from city_server import server_on

from roadwarden.cases.answer import CaseState
from roadwarden.cases.event_types import EventType
from roadwarden.cases.events import Filed, Role, Severity
from roadwarden.cases.permissions import Person
from roadwarden.storage.evidence import UseKind

INTAKE = Person("u1", Role.INTAKE, frozenset({"*"}))
WAIT_MS = 30_000


@pytest.fixture
def server(little_city, tmp_path):
    with server_on(little_city, tmp_path, CITY_NOW) as made:
        yield made


def filed(server, severity=Severity.NORMAL):
    data = Filed(
        "pothole", severity, area="west-lake", domain="pavement", owner="city", latitude=30.25, longitude=120.16
    )
    return server.parts.desk.file(INTAKE, data).row.case_id


@pytest.mark.slow
def test_a_case_goes_from_the_desk_to_the_street_and_back_though_the_phone_was_offline(browser, server, tmp_path):
    before, after = street_pictures(tmp_path / "street")
    case = filed(server)
    evidence = server.parts.requests.evidence
    shown = evidence.take_in(before.read_bytes(), received_from="patrol").sha256
    evidence.belongs(UseKind.CASE, case, [shown])

    dispatcher = somebody(browser, server, "dispatch")
    dispatcher.goto(f"{server.url}/work?queue=dispatch")
    dispatcher.get_by_role("row", name=case).get_by_role("button", name="派遣").click()
    dispatcher.get_by_text("已办理 1 件").wait_for(timeout=WAIT_MS)
    assert server.parts.desk.row(case).crew == "crew-1"

    phone = somebody(browser, server, "foreman", **PHONE)
    phone.goto(f"{server.url}/crew")
    phone.wait_for_function("navigator.serviceWorker.ready.then(() => caches.has('crew-seen'))", timeout=WAIT_MS)
    phone.reload()
    phone.locator(f"[data-case='{case}']").click(timeout=WAIT_MS)
    phone.locator("img.before").wait_for()
    phone.context.set_offline(True)
    phone.reload()
    phone.get_by_text("无网络").wait_for(timeout=WAIT_MS)
    phone.locator("[data-do=accept]").click()
    phone.locator("[data-do=start]").click()
    for guide, picture in (("context", after), ("closeup", before)):
        with phone.expect_file_chooser() as chooser:
            phone.locator(f"[data-shot={guide}]").click()
        chooser.value.set_files(picture)
        phone.locator(f"[data-shot={guide}] img").wait_for(timeout=WAIT_MS)
    phone.locator("[data-do=report]").click()
    phone.get_by_text("3 项待发送").wait_for(timeout=WAIT_MS)
    assert server.parts.desk.row(case).state == CaseState.DISPATCHED  # nobody knows of it yet

    phone.context.set_offline(False)
    phone.locator("#owed").wait_for(state="hidden", timeout=WAIT_MS)
    events = server.parts.desk.events(case)
    assert [event.type for event in events[-3:]] == [
        EventType.ACCEPTED,
        EventType.REPAIR_STARTED,
        EventType.REPAIR_REPORTED,
    ]
    sent = [evidence.known(one) for one in events[-1].data.evidence]
    assert len(sent) == 2
    assert all(one.captured_at is not None for one in sent)  # written on the phone

    judge = somebody(browser, server, "duty")
    judge.goto(f"{server.url}/work?queue=review")
    judge.get_by_role("button", name=case).click()
    judge.keyboard.press("1")
    judge.get_by_text(f"{case}: 已修复").wait_for(timeout=WAIT_MS)
    assert server.parts.desk.row(case).state == CaseState.CLOSED
    phone.reload()
    phone.locator("#case .verdict.good").get_by_text("已修复").wait_for(timeout=WAIT_MS)  # still on the case's own page
    phone.get_by_role("button", name="返回").click()
    phone.locator(f"[data-case='{case}']").get_by_text("已修复").wait_for(timeout=WAIT_MS)
    assert dispatcher.complaints + phone.complaints + judge.complaints == []


@pytest.mark.slow
def test_the_board_turns_yellow_and_red_as_the_server_s_time_passes(browser, server):
    case = filed(server, Severity.SEVERE)
    board = somebody(browser, server, "duty")
    board.goto(f"{server.url}/board")
    row = board.locator(f"tr[data-case='{case}']")
    for passed, colour in (
        (timedelta(hours=1), "green"),
        (timedelta(hours=20), "yellow"),
        (timedelta(hours=25), "red"),
    ):
        server.time = CITY_NOW + passed
        board.locator(f"tr[data-case='{case}'][data-light={colour}]").wait_for(timeout=WAIT_MS)
    assert row.locator(".left b").inner_text().startswith("−1:0")
    assert board.locator("#count-red").inner_text() != "0"
    assert board.complaints == []
