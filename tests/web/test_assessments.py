"""Records of assessments over the network: who sees them, what was drawn, a person's verdict beside the machine's."""

from __future__ import annotations

import pytest
from assessing_world import World, judged
from test_commands import Desk

from roadwarden.cases.events import Verdict
from roadwarden.service.assessing import Judged


@pytest.fixture
def world(served):
    return World(served.parts.engine, served.clock)


def assessed(world, served, verdict=Verdict.NOT_REPAIRED):
    case, seq = world.reported()
    queue = world.queue()
    queue.sync()
    drawn = served.parts.requests.evidence.blobs.put(b"\xff\xd8 drawn")
    said = judged(verdict)
    said = Judged(said.verdict, said.score, said.english, said.chinese, said.content, drawn)
    return case, seq, queue.keep(queue.take(), said).assessment


def test_a_record_is_read_with_its_content_and_its_drawing(served, world):
    case, seq, row = assessed(world, served)
    duty = Desk(served, "u3")
    (item,) = duty.get("assessments").json()["items"]
    assert (item["id"], item["case"], item["report_seq"], item["verdict"]) == (row.id, case, seq, "NOT_REPAIRED")
    shown = duty.get(f"assessments/{row.id}").json()
    assert shown["content"]["reasons"]["zh"] == "原因。"
    assert duty.get(f"cases/{case}/assessments").json()["items"] == [item]
    drawn = duty.get(f"assessments/{row.id}/overlay")
    assert (drawn.headers["content-type"], drawn.content) == ("image/jpeg", b"\xff\xd8 drawn")


def test_records_of_another_area_do_not_exist(served, world):
    _, _, row = assessed(world, served)
    east = Desk(served, "e1")
    assert east.get("assessments").json()["items"] == []
    assert east.get("assessments/waiting").json()["items"] == []
    for path in (f"assessments/{row.id}", f"assessments/{row.id}/overlay"):
        away = east.get(path)
        nowhere = east.get(path.replace(row.id, "0" * 64))
        assert away.status_code == nowhere.status_code == 404
        assert away.json()["detail"].replace(row.id, "") == nowhere.json()["detail"].replace("0" * 64, "")


def test_what_waits_for_a_person_is_listed_and_ruled_on(served, world):
    case, seq, row = assessed(world, served, Verdict.INSUFFICIENT_EVIDENCE)
    duty = Desk(served, "u3")
    (item,) = duty.get("assessments/waiting").json()["items"]
    assert (item["case"], item["why"], item["machine"]["id"]) == (case, "uncertain", row.id)
    body = {"report_seq": seq, "verdict": "REPAIRED", "reason": "seen on the spot"}
    version = duty.get(f"cases/{case}").headers["etag"]
    first = duty.post(f"cases/{case}/review", body, key="r1", version=version)
    assert (first.status_code, first.json()["case"]["state"]) == (200, "closed"), first.text
    again = duty.post(f"cases/{case}/review", body, key="r1", version=version)
    assert (again.status_code, again.json()["repeated"]) == (200, True), again.text
    assert duty.get("assessments/waiting").json()["items"] == []
    kinds = [one["kind"] for one in duty.get(f"cases/{case}/assessments").json()["items"]]
    assert kinds == ["review", "machine"]


def test_who_may_not_judge_may_not_review(served, world):
    case, seq, _ = assessed(world, served, Verdict.INSUFFICIENT_EVIDENCE)
    body = {"report_seq": seq, "verdict": "REPAIRED"}
    assert Desk(served, "u7").post(f"cases/{case}/review", body).status_code == 403
    assert Desk(served, "audit").post(f"cases/{case}/review", body).status_code == 403
    assert Desk(served, "judge").post(f"cases/{case}/review", body).status_code == 409
    assert Desk(served, "e1").post(f"cases/{case}/review", body).status_code == 404
    stale = Desk(served, "u3").post(f"cases/{case}/review", body, version='"1"')
    assert stale.status_code == 412
    no_report = Desk(served, "u3").post(f"cases/{case}/review", body | {"report_seq": 99})
    assert no_report.status_code == 409


def test_pages_neither_repeat_nor_leave_out(served, world):
    ids = [assessed(world, served)[2].id for _ in range(3)]
    duty, seen, before = Desk(served, "u3"), [], ""
    while True:
        page = duty.get(f"assessments?limit=2{before}").json()
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None or not page["items"]:
            break
        before = f"&before={page['next']}"
    assert seen == ids[::-1]
