"""A server stands, knows who asks, and tells every error in one shape."""

from __future__ import annotations

from desks import file_one
from served_city import LAKE, PASSWORD


def test_a_case_is_seen_by_its_area_and_by_nobody_elses(served):
    case = file_one(served.parts.desk)
    mine = served.client.get("/api/v1/cases", headers=served.auth("u1")).json()
    assert [one["case_id"] for one in mine["items"]] == [case]
    assert mine["items"][0]["area"] == LAKE
    others = served.client.get("/api/v1/cases", headers=served.auth("e1")).json()
    assert others["items"] == []
    assert served.client.get(f"/api/v1/cases/{case}", headers=served.auth("u1")).headers["etag"] == '"1"'
    hidden = served.client.get(f"/api/v1/cases/{case}", headers=served.auth("e1"))
    absent = served.client.get("/api/v1/cases/2026-999999", headers=served.auth("e1"))
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json()["detail"].replace(case, "?") == absent.json()["detail"].replace("2026-999999", "?")


def test_every_error_has_one_shape(served):
    client, auth = served.client, served.auth("u1")
    for response, status in (
        (client.get("/api/v1/cases"), 401),
        (client.get("/nowhere"), 404),
        (client.put("/api/v1/cases", headers=auth), 405),
        (client.get("/api/v1/cases?limit=9999", headers=auth), 422),
        (client.get("/api/v1/cases?nonsense=1", headers=auth), 422),
        (client.get("/api/v1/cases?after=zzz", headers=auth), 422),
        (client.post("/login", content=b"x" * 300_000), 413),
        (client.get("/healthz", headers={"host": "evil.example"}), 421),
    ):
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        told = response.json()
        assert told["status"] == status
        assert told["request"] == response.headers["x-request-id"]
        assert response.headers["content-security-policy"].startswith("default-src 'none'")


def test_somebody_logs_in_and_out_at_a_browser(served):
    served.people.set_password("u1", PASSWORD, by="test")
    page = served.client.get("/login")
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"name": "u1", "password": PASSWORD, "csrf_token": token, "then": "//evil.example"}
    wrong = served.client.post("/login", data=form | {"password": "guess"}, follow_redirects=False)
    assert wrong.status_code == 401
    entered = served.client.post("/login", data=form, follow_redirects=False)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert served.client.get("/api/v1/me").json()["name"] == "u1"
    assert served.client.post("/logout").status_code == 403
    shown = served.client.get("/login").text.split('name="csrf-token" content="')[1].split('"')[0]
    left = served.client.post("/logout", headers={"x-csrf-token": shown}, follow_redirects=False)
    assert left.status_code == 303
    assert served.client.get("/api/v1/me").status_code == 401


def test_the_time_is_signed(served):
    told = served.client.get("/api/v1/time?nonce=abc").json()
    from roadwarden.ledger.note import SignedNote, VerifierKey

    note = SignedNote.parse(told["note"])
    assert note.signed_by(VerifierKey.parse(told["key"]))
    assert note.text.splitlines() == ["test/time", "abc", told["now"]]
