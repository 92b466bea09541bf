"""The page of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from roadwarden.eval.finding import Finding
from roadwarden.eval.topology.day import CUTS
from roadwarden.eval.topology.network import HOSTS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    findings: Sequence[Finding]
    network: str
    seconds: float
    frames: int
    settled_s: float
    at: datetime
    command: str
    machine: str
    commit: str

    @property
    def holds(self) -> bool:
        """Whether everything does."""
        return all(one.holds for one in self.findings)


def page(outcome: Outcome) -> str:
    """Markdown."""
    cuts = [f"| {one.host} | {one.begins * outcome.seconds:.0f} | {one.lasts * outcome.seconds:.0f} |" for one in CUTS]
    rows = [f"| {one.name} | {'yes' if one.holds else '**NO**'} | {one.told} |" for one in outcome.findings]
    return "\n".join(
        [
            f"# All roles on hosts of their own: {'everything holds' if outcome.holds else 'IT DOES NOT HOLD'}",
            "",
            f"`{outcome.command}` at {outcome.at:%Y-%m-%d %H:%M} UTC, commit {outcome.commit}, {outcome.machine}; "
            f"hosts are {outcome.network}.",
            "",
            f"{len(HOSTS)} hosts: PostgreSQL, NATS, MLflow, web, two stream workers on the same queues, scheduler with "
            "the ledger, assessor, and the desk where people and boxes are. Workers and assessor take their model from "
            f"the registry. {outcome.frames} frames and box messages were sent in {outcome.seconds:.0f} s, a tenth "
            "twice, a tenth late; cases were worked on over the web; all was in "
            f"{outcome.settled_s:.0f} s after the last message.",
            "",
            "| host | cut off at, s | for, s |",
            "| --- | --- | --- |",
            *cuts,
            "",
            "| what has to hold | | |",
            "| --- | --- | --- |",
            *rows,
            "",
            "Reports bear no pictures, so the assessor's verdict is that evidence is missing: its road through "
            "registry, queue and database is tried here, its judgement elsewhere.",
            "",
        ]
    )
