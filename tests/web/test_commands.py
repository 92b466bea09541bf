"""A case from filing to closing over the network; keys, versions, roles and approvals."""

from __future__ import annotations

import itertools

from desks import file_one, to_crew
from served_city import LAKE

_KEYS = itertools.count()


class Desk:
    """Somebody at the API."""

    def __init__(self, served, name):
        self.client, self.auth = served.client, served.auth(name)

    def post(self, path, body=None, *, key=None, version="*", **headers):
        sent = self.auth | {"Idempotency-Key": key or f"k{next(_KEYS)}"} | headers
        if version is not None:
            sent["If-Match"] = version
        return self.client.post(f"/api/v1/{path}", json=body or {}, headers=sent)

    def get(self, path):
        return self.client.get(f"/api/v1/{path}", headers=self.auth)


def test_from_filing_to_closing(served):
    intake, dispatcher, duty, judge = (Desk(served, name) for name in ("u1", "u2", "u3", "judge"))
    filed = intake.post("cases", {"distress": "pothole", "area": LAKE, "note": "by the school"}, version=None)
    assert filed.status_code == 201, filed.text
    case, version = filed.json()["case_id"], filed.headers["etag"]
    assert filed.headers["location"] == f"/api/v1/cases/{case}"
    sent = dispatcher.post(f"cases/{case}/dispatch", {"department": "roads", "crew": "crew-7"}, version=version)
    assert sent.status_code == 422  # the shipped table knows no such crew
    assert "crew" in sent.json()["detail"]
    by_rules = dispatcher.post(f"cases/{case}/dispatch", version=version)
    assert by_rules.status_code == 200, by_rules.text
    holder = by_rules.json()["case"]
    served.people.change("u7", "test", department=holder["department"], crew=holder["crew"])
    crew = Desk(served, "u7")
    for step in ("accept", "start"):
        assert crew.post(f"cases/{case}/{step}").status_code == 200
    reported = crew.post(f"cases/{case}/report", {"evidence": ["a" * 64]})
    seq = reported.json()["events"][0]["seq"]
    verdict = judge.post(f"cases/{case}/assess", {"verdict": "REPAIRED", "report_seq": seq})
    assert verdict.status_code == 200, verdict.text
    closed = duty.post(f"cases/{case}/close", version=verdict.headers["etag"])
    assert closed.json()["case"]["state"] == "closed"
    shown = duty.get(f"cases/{case}").json()
    assert [one["type"] for one in shown["events"]][-1] == "closed"
    assert all("actor" not in one and "note" not in one["data"] for one in shown["events"])


def test_the_same_key_does_it_once_even_when_the_case_is_out_of_sight(served):
    case = file_one(served.parts.desk)
    to_crew(served.parts.desk, case)
    crew = Desk(served, "u7")
    first = crew.post(f"cases/{case}/handback", {"reason": "a gas cover"}, key="lost", version='"4"')
    assert (first.status_code, first.json()["repeated"]) == (200, False)
    assert crew.get(f"cases/{case}").status_code == 404
    again = crew.post(f"cases/{case}/handback", {"reason": "a gas cover"}, key="lost", version='"4"')
    assert (again.status_code, again.json()["repeated"], again.json()["case"]) == (200, True, None)
    other = crew.post(f"cases/{case}/handback", {"reason": "something else"}, key="lost", version='"4"')
    assert (other.status_code, other.json()["type"]) == (422, "urn:roadwarden:problem:key-used")
    somebody = Desk(served, "u5").post(f"cases/{case}/safety", {"kind": "fence"}, key="lost")
    assert somebody.status_code == 200  # keys of others are others'


def test_two_who_saw_the_same_version_cannot_both_write(served):
    case = file_one(served.parts.desk)
    dispatcher = Desk(served, "u2")
    body = {"department": "roads"}
    assert dispatcher.post(f"cases/{case}/safety", {"kind": "fence"}, version='"1"').status_code == 200
    late = Desk(served, "u2").post(f"cases/{case}/dispatch", body, version='"1"')
    assert (late.status_code, late.json()["type"]) == (412, "urn:roadwarden:problem:stale-case")
    blind = dispatcher.post(f"cases/{case}/dispatch", body, version=None)
    assert (blind.status_code, blind.json()["faults"][0]["where"]) == (422, "header.if-match")


def test_what_the_workflow_refuses_is_a_conflict_and_what_the_role_may_not_is_forbidden(served):
    case = file_one(served.parts.desk)
    closed = Desk(served, "u3").post(f"cases/{case}/close")
    assert (closed.status_code, closed.json()["type"]) == (409, "urn:roadwarden:problem:not-allowed")
    assert Desk(served, "u1").post(f"cases/{case}/close").status_code == 403
    assert Desk(served, "u1").post(f"cases/{case}/close", {"as_role": "duty_officer"}).status_code == 403
    assert Desk(served, "audit").post(f"cases/{case}/close").status_code == 403
    assert Desk(served, "e1").post(f"cases/{case}/dispatch").status_code == 404


def test_two_cases_of_one_hole_become_one_and_two_again(served):
    kept, gone = file_one(served.parts.desk), file_one(served.parts.desk)
    intake = Desk(served, "u1")
    merged = intake.post(f"cases/{gone}/merge", {"into": kept}, version='"1"')
    assert (merged.status_code, merged.json()["case_id"]) == (200, kept), merged.text
    apart = intake.post(f"cases/{gone}/unmerge", version='"2"')
    assert (apart.status_code, apart.json()["case"]["state"]) == (200, "filed"), apart.text
