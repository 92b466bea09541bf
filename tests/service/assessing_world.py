"""A queue with a clock that tests move, and a judge that says what it is told."""

from __future__ import annotations

import hashlib

from desks import CREW, DISPATCHER, INTAKE, Clock, desk_of, pothole

from roadwarden.cases.events import Accepted, Dispatched, RepairReported, RepairStarted, Verdict
from roadwarden.service.assessing import Assessing, Judged


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def judged(verdict=Verdict.NOT_REPAIRED, hashes=(), **content):
    told = {"verdict": verdict.value, "score": 12.5, "reasons": {"en": "why.", "zh": "原因。"}} | content
    return Judged(verdict, 12.5, "why.", "原因。", told, None, tuple(hashes))


class World:
    def __init__(self, engine, clock=None, audit_share=0.0):
        self.clock = clock or Clock()
        self.desk = desk_of(engine, self.clock)
        self.audit_share = audit_share
        self.engine = engine

    def queue(self, worker="w1", **more):
        return Assessing(self.desk, worker, self.audit_share, **more)

    def reported(self, case=None, evidence=("a" * 64,), **more):
        """A case whose crew says that it is done; returns its name and the report's seq."""
        name = self.desk.file(INTAKE, pothole(**more), case=case).row.case_id
        self.desk.record(DISPATCHER, name, Dispatched("roads", "crew-7"))
        self.desk.record(CREW, name, Accepted())
        self.desk.record(CREW, name, RepairStarted())
        return name, self.report(name, evidence)

    def report(self, case, evidence=("a" * 64,)):
        return self.desk.record(CREW, case, RepairReported(tuple(evidence))).events[0].seq
