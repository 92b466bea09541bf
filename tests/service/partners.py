"""A department and a city's platform that sign what they tell us, as the shipped examples describe them."""

from __future__ import annotations

import json
from pathlib import Path

from roadwarden.cases.domains import shipped_domain_table
from roadwarden.service.inbox import InboxDesk, by_name
from roadwarden.service.integrations.partner import read_partners
from roadwarden.webhook_signatures import read_key, signed_headers

EXAMPLES = Path(__file__).parents[2] / "inference" / "integrations"
SECRETS = {"ROADS_SECRET": "a secret of the roads department", "DUM_SECRET": "a secret of the city's platform"}
ROADS, PLATFORM = "roads-department", "digital-urban-management"
SECRET_OF = {ROADS: SECRETS["ROADS_SECRET"], PLATFORM: SECRETS["DUM_SECRET"]}


def inbox_of(desk, monkeypatch, folder=EXAMPLES):
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    return InboxDesk(desk, by_name(read_partners(folder, shipped_domain_table())))


def signed(partner, id, content, now, secret=None):
    """Headers and body as the partner sends them."""
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    key = read_key(secret or SECRET_OF[partner])
    return signed_headers([key], id, now, body), body


def tell(inbox, partner, id, **content):
    return inbox.receive(partner, *signed(partner, id, content, inbox.desk.now()))[0]


def tell_platform(inbox, id, **data):
    return tell(inbox, PLATFORM, id, data=data)
