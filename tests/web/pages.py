"""A client on the little city, logged in as one of its people."""

from __future__ import annotations

import re

from city_server import PASSWORD


def log_in(client, name):
    page = client.get("/login")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text).group(1)
    form = {"name": name, "password": PASSWORD, "csrf_token": token, "then": "/"}
    assert client.post("/login", data=form, follow_redirects=False).status_code == 303
    return csrf(client)


def csrf(client):
    return re.search(r'name="csrf-token" content="([^"]+)"', client.get("/login").text).group(1)
