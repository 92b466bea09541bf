"""What clients are told, as structures that are then written as XML or JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from roadwarden.cases.dispatch_table import DispatchTable
from roadwarden.cases.domains import DomainTable
from roadwarden.cases.request_table import LISTS, Question, RequestTable, Service
from roadwarden.cases.requests import Update
from roadwarden.cases.tables import Words
from roadwarden.service.requests import Told
from roadwarden.taxonomy import Language

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
CHANGESET = "2026-11-30T00:00:00Z"
"""When our services and forms last changed their shape."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Teller:
    """In whose words, and with whose clock, clients are told."""

    table: RequestTable
    domains: DomainTable
    dispatch: DispatchTable
    language: Language
    zone: tzinfo
    picture_url: Callable[[str], str]  # of a redacted picture, by its sha256

    def discovery(self, url: str, contact: str) -> Row:
        """Where the endpoint is."""
        endpoint = {
            "specification": SPECIFICATION,
            "url": url,
            "changeset": CHANGESET,
            "type": "production",
            "formats": ["text/xml", "application/json"],
        }
        return {"changeset": CHANGESET, "contact": contact, "key_service": contact, "endpoints": [endpoint]}

    def services(self) -> list[Row]:
        """What can be reported."""
        return [self._service(one) for one in self.table.services]

    def definition(self, service: Service) -> Row:
        """What a service asks."""
        asked = self.table.questions_of(service.problem)
        return {
            "service_code": service.problem,
            "attributes": [self._question(one, order) for order, one in enumerate(asked, start=1)],
        }

    def created(self, told_id: str) -> Row:
        """What whoever has just reported is told."""
        return {"service_request_id": told_id, "service_notice": self._say(self.table.notice), "account_id": None}

    def request(self, told: Told) -> Row:
        """One request. Text and pictures of a citizen only once a person of intake has looked at them."""
        request, stands = told.request, told.standing
        phase, public = self.table.phase(stands.phase), stands.looked_at
        pictures = [one for one in told.pictures if one.withheld is None] if public else []
        return {
            "service_request_id": request.id,
            "status": phase.status.value,
            "status_notes": self._say(phase),
            "service_name": self._name(request.asked.service),
            "service_code": request.asked.service,
            "description": request.asked.description if public else None,
            "agency_responsible": self._agency(stands.department),
            "service_notice": None,
            "requested_datetime": self.time(request.requested_at),
            "updated_datetime": self.time(stands.updated_at),
            "expected_datetime": self.time(stands.expected_at),
            "address": request.asked.address if public else None,
            "address_id": None,
            "zipcode": None,
            "lat": request.asked.latitude,
            "long": request.asked.longitude,
            "media_url": self.picture_url(pictures[0].public_sha256) if pictures else None,
        }

    def updates(self, updates: Sequence[Update]) -> list[Row]:
        """FixMyStreet's extension."""
        return [self._update(one) for one in updates]

    def _update(self, update: Update) -> Row:
        phase = self.table.phase(update.phase)
        return {
            "update_id": update.id,
            "service_request_id": update.request,
            "status": phase.update.value,
            "updated_datetime": self.time(update.updated_at),
            "description": self._say(phase),
            "media_url": None,
            "external_status_code": update.phase.value,
        }

    def time(self, moment: datetime | None) -> str | None:
        """Whole seconds, with the city's offset."""
        return None if moment is None else moment.astimezone(self.zone).isoformat(timespec="seconds")

    def _service(self, service: Service) -> Row:
        domain = self.domains.domain_of(service.problem)
        name = self._name(service.problem)
        return {
            "service_code": service.problem,
            "service_name": name,
            "description": f"{name} ({self._say(domain)})",
            "metadata": bool(service.questions),
            "type": "realtime",
            "keywords": ", ".join(service.keywords),
            "group": self._say(domain),
        }

    def _question(self, question: Question, order: int) -> Row:
        row: Row = {
            "variable": True,
            "code": question.id,
            "datatype": question.datatype.value,
            "required": question.required,
            "datatype_description": None,
            "order": order,
            "description": self._say(question),
        }
        if question.datatype in LISTS:
            row["values"] = [{"key": one.id, "name": self._say(one)} for one in question.choices]
        return row

    def _name(self, problem: str) -> str:
        return self._say(self.domains.words_of(problem))

    def _agency(self, department: str | None) -> str | None:
        known = next((one for one in self.dispatch.departments if one.id == department), None)
        return department if known is None else self._say(known)

    def _say(self, words: Words) -> str:
        return words.chinese if self.language is Language.CHINESE else words.english
