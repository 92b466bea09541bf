"""The real server on a copy of the city in small, with a clock that tests move, for a browser to look at."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from served_city import requests_of

from roadwarden.access.people import Account
from roadwarden.bootstrap import sighting_pictures
from roadwarden.cases.domains import shipped_domain_table
from roadwarden.cases.events import Role
from roadwarden.ledger.note import SigningKey
from roadwarden.service.access import Access
from roadwarden.service.cases import CaseDesk
from roadwarden.service.city.offices import city_dispatch_table
from roadwarden.service.people import People
from roadwarden.storage.schema import open_storage
from roadwarden.web.app import create_app
from roadwarden.web.parts import Parts
from roadwarden.web.settings import WebSettings

PASSWORD = "correct horse battery"
EVERYWHERE = frozenset({"*"})
PEOPLE = (
    Account("intake", "李受理", frozenset({Role.INTAKE}), EVERYWHERE),
    Account("dispatch", "马派遣", frozenset({Role.DISPATCHER}), EVERYWHERE),
    Account("duty", "吴值班", frozenset({Role.DUTY_OFFICER}), EVERYWHERE),
    Account("lake", "赵路长", frozenset({Role.ROAD_CHIEF}), frozenset({"west-lake"})),
    Account("foreman", "韩班长", frozenset({Role.CREW}), department="roads", crew="crew-1"),
    Account("other", "卢班长", frozenset({Role.CREW}), department="roads", crew="crew-2"),
    Account("audit", "审计员", frozenset({Role.AUDITOR}), EVERYWHERE),
    Account("root", "管理员", frozenset({Role.ADMINISTRATOR}), EVERYWHERE),
)


@dataclass
class CityServer:
    """``time`` is the server's; a browser's own clock does not matter to it."""

    file: Path
    time: datetime
    more: Mapping[str, Any] = field(default_factory=dict)  # parts beside the usual ones
    port: int = 0
    parts: Parts = field(init=False)

    def __post_init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", self.port))
            self.port = free.getsockname()[1]
        engine = open_storage(f"sqlite:///{self.file}")
        people = People(engine, now=self.now)
        for account in PEOPLE:
            people.add(account, by="test")
            people.set_password(account.name, PASSWORD, by="test")
        self.parts = self._parts(engine)
        app = create_app(self.parts)
        usual = {"log_level": "warning", "access_log": False, "timeout_graceful_shutdown": 1}  # boards never hang up
        config = uvicorn.Config(app, host="127.0.0.1", port=self.port, **usual)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def now(self):
        return self.time

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _parts(self, engine):
        desk = CaseDesk(engine, now=self.now)
        requests = requests_of(desk)
        return Parts(
            engine=engine,
            desk=desk,
            access=Access(engine, now=self.now),
            dispatch=city_dispatch_table(),
            domains=shipped_domain_table(),
            settings=WebSettings(public_url=self.url, per_second=1000, burst=5000, anonymous_burst=500),
            signer=SigningKey.new("test/time"),
            requests=requests,
            sightings=sighting_pictures(engine, requests.evidence),
            **self.more,
        )

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join(10)
        self.parts.engine.dispose()


def server_on(kept: Path, folder: Path, now: datetime, **more: Any) -> CityServer:
    copy = folder / "served.db"
    shutil.copy(kept, copy)
    return CityServer(copy, now, more)
