"""The commands on one case: path, event, words, example. Their bodies follow from the events' own fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from roadwarden.cases.event_types import EventType, Role
from roadwarden.cases.events import DATA_OF, EventData
from roadwarden.web.api.fields import Moment

_APPROVAL: Final = "approved_by"
"""Nobody can claim another's approval over the network: see ``wishes``."""


@dataclass(frozen=True, slots=True)
class Command:
    """One POST."""

    path: str
    kind: EventType
    words: str
    example: Mapping[str, Any]


COMMANDS: Final = (
    Command("accept", EventType.ACCEPTED, "Take a case on, as its crew (接单).", {}),
    Command("start", EventType.REPAIR_STARTED, "Say that work on the road has begun (处置).", {}),
    Command("report", EventType.REPAIR_REPORTED, "Report the repair (修复上报).", {"evidence": ["9f2c"]}),
    Command(
        "mend", EventType.SELF_HANDLED, "Report that a patrol mended it on the spot (自处理).", {"evidence": ["9f2c"]}
    ),
    Command(
        "assess",
        EventType.ASSESSED,
        "Record a verdict on a repair report (核查).",
        {"verdict": "REPAIRED", "report_seq": 5},
    ),
    Command(
        "ask-evidence",
        EventType.EVIDENCE_REQUESTED,
        "Reject a report whose pictures do not show the repair (补充举证).",
        {"report_seq": 5, "reason": "too dark"},
    ),
    Command("close", EventType.CLOSED, "Close a case whose repair was assessed as done (结案).", {}),
    Command(
        "reopen",
        EventType.REOPENED,
        "Open a closed case again within its warranty (返工).",
        {"reason": "broken up again"},
    ),
    Command("resume", EventType.RESUMED, "End a park before its time (挂账恢复).", {"reason": "the rain is over"}),
    Command(
        "severity",
        EventType.SEVERITY_CHANGED,
        "Raise the severity (定级); lowering it is a wish.",
        {"to": "severe", "reason": "deeper than it looked"},
    ),
    Command("safety", EventType.SAFETY_MEASURE, "Record that the place was made safe (围挡).", {"kind": "fence"}),
    Command(
        "handback",
        EventType.HANDED_BACK,
        "Hand a case back (回退); it is counted.",
        {"reason": "the cover is the gas company's"},
    ),
    Command(
        "transfer",
        EventType.TRANSFERRED,
        "Pass a case on between street office and district (移交); it is counted.",
        {"to": "utilities", "reason": "gas cover"},
    ),
)
"""Dispatching, filing and merging have routes of their own; what needs an approval is a wish."""

EXAMPLES_OF_WISHES: Final[Mapping[EventType, Mapping[str, Any]]] = {
    EventType.PARKED: {"reason": "rain", "until": "2026-03-06T00:00:00Z"},
    EventType.EXTENDED: {"clock": "repair", "due": "2026-03-06T00:00:00Z", "reason": "waits for a valve"},
    EventType.VOIDED: {"reason": "not our road"},
    EventType.SEVERITY_CHANGED: {"to": "normal", "reason": "a shadow"},
    EventType.TIME_ACCEPTED: {"report_seq": 5, "at": "2026-03-04T07:40:00Z", "reason": "no network in the tunnel"},
}


class CommandBody(BaseModel):
    """What every command may say beside its own fields."""

    model_config = ConfigDict(extra="forbid")
    occurred_at: Moment | None = Field(default=None, description="when it happened, by the clock of whoever acted")
    as_role: Role | None = Field(default=None, description="in which of your roles; without it the first that may")

    def data(self, kind: EventType) -> EventData:
        """The data of the event."""
        names = [field.name for field in dataclasses.fields(DATA_OF[kind])]
        return DATA_OF[kind](**{name: getattr(self, name) for name in names if hasattr(self, name)})


def body_of(kind: EventType, example: Mapping[str, Any]) -> type[CommandBody]:
    """A strict model of what an event of that type carries, but for approvals."""
    hints = get_type_hints(DATA_OF[kind], include_extras=True)
    fields: dict[str, Any] = {
        field.name: (hints[field.name], ... if field.default is dataclasses.MISSING else field.default)
        for field in dataclasses.fields(DATA_OF[kind])
        if field.name != _APPROVAL
    }
    name = "".join(word.capitalize() for word in kind.value.split("_")) + "Body"
    model = create_model(name, __base__=CommandBody, __doc__=DATA_OF[kind].__doc__, **fields)
    model.model_config = CommandBody.model_config | ConfigDict(json_schema_extra={"examples": [dict(example)]})
    model.model_rebuild(force=True)
    return model
