"""How a server is set up: behind https cookies are Secure, and passwords never pass in the clear by accident."""

from __future__ import annotations

import shutil

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from served_city import PASSWORD, served_city

from roadwarden.storage.engine import open_engine
from roadwarden.web.app import create_app
from roadwarden.web.settings import WebSettings


def test_behind_https_cookies_are_for_us_alone(kept_people, tmp_path):
    engine = open_engine(f"sqlite:///{shutil.copy(kept_people, tmp_path / 'city.db')}")
    made = served_city(engine, settings=WebSettings(public_url="https://roads.example"))
    made.people.set_password("u1", PASSWORD, by="test")
    with TestClient(create_app(made.parts), base_url="https://roads.example") as client:
        page = client.get("/login")
        assert page.headers["strict-transport-security"]
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        form = {"name": "u1", "password": PASSWORD, "csrf_token": token, "then": "/"}
        entered = client.post("/login", data=form, follow_redirects=False)
        cookie = entered.headers["set-cookie"]
        assert cookie.startswith("__Host-roadwarden=")
        for word in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"):
            assert word in cookie
        assert "Domain" not in cookie
        assert client.get("/api/v1/me").json()["name"] == "u1"


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({"public_url": "http://roads.example"}, "in the clear"),
        ({"public_url": "ftp://roads.example"}, "wanted an address"),
        ({"public_url": "https://roads.example/below"}, "wanted an address"),
        ({"body_bytes": 0}, "greater than or equal"),
        ({"burts": 3}, "Extra inputs"),
    ],
)
def test_a_setting_that_would_let_secrets_out_is_refused(told, word):
    with pytest.raises(ValidationError, match=word):
        WebSettings(**told)
    assert WebSettings(public_url="http://roads.example", plain_http=True).hosts == {"roads.example"}
