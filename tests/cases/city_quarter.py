"""A quarter of a city as event lines: 90 days of 194 cases with all that goes wrong in a real one.

Rain that parks whole districts, cases that bounce between departments, crews that report what they did not do, phones
whose clocks are wrong or that were offline, messages that come late or twice, duplicates that are merged and wrongly
merged, defects that come back. Seeded: the same seed is the same city. About 8 lines a case.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

FIRST_DAY = datetime(2026, 3, 31, 16, tzinfo=UTC)  # 1 April, 00:00 in Hangzhou
CASES_A_DAY = 194
DAYS = 90
HOUR = 3600.0

Line = dict[str, Any]


def quarter(seed: int = 7, days: int = DAYS, cases_a_day: int = CASES_A_DAY) -> list[Line]:
    """All lines in the order in which the server received them."""
    random = Random(seed)
    rains = rain(random, days)
    lines: list[Line] = []
    for day in range(days):
        merged_before: list[Case] = []
        for n in range(cases_a_day):
            case = Case(random, f"HZ-{day * cases_a_day + n + 1:06d}", filing_time(random, day), rains)
            live(case)
            if merged_before and random.random() < 0.04:
                merge(case, random.choice(merged_before))
            elif random.random() < 0.3:
                merged_before.append(case)
            lines += case.lines
        # A survivor tells of its merge after its own story: its lines of this day are in already.
        lines += [line for case in merged_before for line in case.afterwards]
    again = [line for line in lines if random.random() < 0.02]
    for line in again:
        lines.append(dict(line))
    return sorted(lines, key=lambda line: line["received_at"])


def rain(random: Random, days: int) -> list[tuple[datetime, datetime]]:
    """Spells of rain that stop asphalt work: about one day in seven begins one of 8 to 60 hours."""
    spells = []
    for day in range(days + 10):
        if random.random() < 0.14:
            begin = FIRST_DAY + timedelta(days=day, hours=random.randint(0, 23))
            spells.append((begin, begin + timedelta(hours=random.randint(8, 60))))
    return spells


def filing_time(random: Random, day: int) -> datetime:
    hour = random.triangular(0, 24, 10)
    return FIRST_DAY + timedelta(days=day, seconds=int(hour * HOUR))


class Case:
    """One case while it is told; `at` is the true time, which nobody's clock shows exactly."""

    def __init__(self, random: Random, name: str, at: datetime, rains: list[tuple[datetime, datetime]]) -> None:
        self.random, self.name, self.at, self.rains = random, name, at, rains
        self.lines: list[Line] = []
        self.afterwards: list[Line] = []
        self.severe = random.random() < 0.12
        self.filed_at = at
        self.seq = 0
        self.crew = f"crew-{random.randint(1, 30)}"

    def chance(self, p: float) -> bool:
        return self.random.random() < p

    def hours(self, typical: float) -> float:
        """A duration around `typical`, now and then four times as long."""
        return min(self.random.lognormvariate(0.0, 0.7), 8.0) * typical

    def wait(self, typical_h: float) -> None:
        self.at += timedelta(seconds=int(self.hours(typical_h) * HOUR) + 1)

    def tell(self, kind: str, role: str, data: dict[str, Any] | None = None, at: datetime | None = None) -> Line:
        """It happens now (or at `at`) and reaches the server, as late and as wrong as the role's device makes it."""
        happened = at or self.at
        received = happened + timedelta(seconds=self.random.randint(0, 40))
        occurred = happened
        if role == "crew":
            if self.chance(0.06):
                received += timedelta(seconds=int(self.random.expovariate(1 / (5 * HOUR))))
            if self.chance(0.05):
                occurred += timedelta(seconds=int(self.random.gauss(0, 6 * HOUR)))
        elif self.chance(0.02):
            received += timedelta(minutes=self.random.randint(1, 300))
        elif self.chance(0.004):
            occurred = received + self.random.choice([timedelta(minutes=1), timedelta(hours=8), timedelta(days=-8)])
        actor = self.crew if role == "crew" else f"{role}-{self.random.randint(1, 5)}"
        return self.add(kind, role, actor, occurred, received, data or {})

    def add(
        self, kind: str, role: str, actor: str, occurred: datetime, received: datetime, data: dict[str, Any]
    ) -> Line:
        self.seq += 1
        line = {
            "case": self.name,
            "seq": self.seq,
            "type": kind,
            "occurred_at": text(occurred),
            "received_at": text(received),
            "actor": actor,
            "role": role,
            "data": data,
        }
        self.lines.append(line)
        return line

    def approval(self) -> dict[str, str]:
        return {"actor": f"chief-{self.random.randint(1, 4)}", "role": self.random.choice(["road_chief", "supervisor"])}


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def live(case: Case) -> None:
    """From the first sighting to the end, twice where the defect comes back."""
    file_it(case)
    if case.chance(0.02):
        return void(case)
    if case.chance(0.03):
        case.wait(1.0)
        report = case.tell("self_handled", "supervisor", {"evidence": ["after.jpg"]})
        return judge_and_close(case, report)
    once_through(case)
    if case.lines[-1]["type"] == "closed" and case.chance(0.03):
        case.wait(150.0)
        case.tell("reopened", "duty_officer", {"reason": "open again"})
        once_through(case)
    return None


def file_it(case: Case) -> None:
    seen = case.at - timedelta(seconds=int(case.hours(6.0) * HOUR))
    severity = "severe" if case.severe else "normal"
    source = "citizen" if case.chance(0.07) else "patrol"
    data = {"distress": "pothole", "severity": severity, "first_seen_at": text(seen), "source": source}
    line = case.tell("filed", case.random.choice(["intake", "intake", "system"]), data)
    case.at = max(case.at, datetime.fromisoformat(line["received_at"].replace("Z", "+00:00")))
    case.filed_at = case.at


def void(case: Case) -> None:
    case.wait(3.0 if case.chance(0.85) else 50.0)
    if case.chance(0.1):
        case.tell("voided", "duty_officer", {"reason": "no defect"})  # nobody approved: refused
        return once_through(case)
    case.tell("voided", "duty_officer", {"reason": "no defect", "approved_by": case.approval()})
    return None


def once_through(case: Case) -> None:
    """Dispatch, bounces, severity, rain, repair; it may stay undone."""
    dispatch(case)
    for _ in range(2):
        if case.chance(0.07):
            case.wait(2.0)
            case.tell("handed_back", "crew", {"reason": "not our road"})
            dispatch(case)
    if case.chance(0.03):
        case.wait(1.0)
        case.tell("transferred", "dispatcher", {"to": "street office", "reason": "small"})
        dispatch(case)
    case.wait(1.5)
    case.tell("accepted", "crew")
    change_severity(case)
    wait_for_the_weather(case)
    extend(case)
    case.wait(5.0 if case.severe else 11.0)
    case.tell("repair_started", "crew")
    if case.chance(0.012):
        return
    report_until_repaired(case)


def dispatch(case: Case) -> None:
    case.wait(0.8)
    crew = {"department": case.random.choice(["roads", "utilities"]), "crew": case.crew}
    case.tell("dispatched", "dispatcher", crew)


def change_severity(case: Case) -> None:
    if not case.severe and case.chance(0.03):
        case.wait(4.0)
        case.tell("severity_changed", "supervisor", {"to": "severe"})
        case.severe = True
    elif case.severe and case.chance(0.06):
        case.wait(4.0)
        by = case.approval() if case.chance(0.8) else None
        case.tell("severity_changed", "duty_officer", {"to": "normal"} | ({"approved_by": by} if by else {}))
        case.severe = case.severe and by is None


def wait_for_the_weather(case: Case) -> None:
    wet = [(begin, end) for begin, end in case.rains if begin <= case.at < end]
    if not wet or not case.chance(0.7):
        return
    if case.severe:
        if case.chance(0.15):  # parked without a fence: refused
            case.tell(
                "parked",
                "duty_officer",
                {"reason": "weather", "until": text(wet[0][1]), "approved_by": case.approval()},
            )
        case.tell("safety_measure", "crew", {"kind": "fence"})
        case.at += timedelta(minutes=10)
    data = {"reason": "weather", "until": text(wet[0][1] + timedelta(hours=4)), "approved_by": case.approval()}
    case.tell("parked", "duty_officer", data)
    if case.chance(0.2):
        case.tell("parked", "duty_officer", {**data, "until": text(wet[-1][1] + timedelta(hours=9))})
    case.at = max(case.at + timedelta(hours=1), wet[0][1])
    if case.chance(0.6):
        case.tell("resumed", "duty_officer")


def extend(case: Case) -> None:
    if not case.chance(0.05):
        return
    due = text(case.filed_at + timedelta(hours=case.random.choice([36, 60, 96])))
    approved_by = case.approval() if case.chance(0.9) else None
    data = {"clock": "repair", "due": due, "reason": "material"}
    case.tell("extended", "dispatcher", data | ({"approved_by": approved_by} if approved_by else {}))


def report_until_repaired(case: Case) -> None:
    """The crew says done; one time in twelve it is not."""
    for _ in range(4):
        case.wait(2.0 if case.severe else 4.0)
        if case.chance(0.05):
            case.tell(
                "parked",
                "duty_officer",
                {"reason": "other works", "until": text(case.at), "approved_by": case.approval()},
            )
        report = case.tell("repair_reported", "crew", {"evidence": ["before.jpg", "after.jpg"]})
        accept_another_time(case, report)
        if case.chance(0.03):
            case.tell("repair_reported", "crew", {"evidence": ["again.jpg"]})
        if case.chance(0.08):
            case.wait(10.0)
            verdict = case.random.choice(["NOT_REPAIRED", "PARTIAL", "WRONG_OBJECT"])
            case.tell("assessed", "assessor", {"verdict": verdict, "report_seq": report["seq"]})
            continue
        return judge_and_close(case, report)
    return None


def accept_another_time(case: Case, report: Line) -> None:
    """Where the phone was provably offline the true time is accepted, some hours later."""
    received = datetime.fromisoformat(report["received_at"].replace("Z", "+00:00"))
    if received - case.at < timedelta(hours=1):
        return
    case.at, true_time = received + timedelta(minutes=30), case.at
    if case.chance(0.6):
        data = {"report_seq": report["seq"], "at": text(true_time), "reason": "tunnel", "approved_by": case.approval()}
        case.tell("time_accepted", "duty_officer", data)


def judge_and_close(case: Case, report: Line) -> None:
    received = datetime.fromisoformat(report["received_at"].replace("Z", "+00:00"))
    case.at = max(case.at, received)
    case.wait(8.0)
    verdict, seq = case.random.random(), report["seq"]
    if verdict < 0.06:
        unsure = case.random.choice(["INSUFFICIENT_EVIDENCE", "LOCATION_UNCERTAIN"])
        case.tell("assessed", "assessor", {"verdict": unsure, "report_seq": seq})
        case.wait(6.0)
        case.tell("assessed", "duty_officer", {"verdict": "REPAIRED", "report_seq": seq})
    elif verdict < 0.09:
        case.tell("assessed", "assessor", {"verdict": "REPAIRED_WITH_DEFECT", "report_seq": seq})
        case.wait(6.0)
        case.tell("assessed", "duty_officer", {"verdict": "REPAIRED_WITH_DEFECT", "report_seq": seq})
    elif verdict < 0.11:
        case.tell("evidence_requested", "duty_officer", {"report_seq": seq})
        case.wait(6.0)
        report = case.tell("repair_reported", "crew", {"evidence": ["better.jpg"]})
        return judge_and_close(case, report)
    elif verdict < 0.125:
        case.tell("assessed", "assessor", {"verdict": "REPAIRED", "report_seq": seq})
        case.wait(1.0)
        case.tell("assessed", "supervisor", {"verdict": "NOT_REPAIRED", "report_seq": seq})
        return report_until_repaired(case)
    else:
        case.tell("assessed", "assessor", {"verdict": "REPAIRED", "report_seq": seq})
    if case.chance(0.02):
        return None
    case.wait(2.0)
    case.tell("closed", "duty_officer")
    return None


def merge(case: Case, survivor: Case) -> None:
    """The case was a duplicate: it is merged soon after its filing; one time in five that was wrong and is undone."""
    first = case.lines[0]
    at = datetime.fromisoformat(first["received_at"].replace("Z", "+00:00")) + timedelta(
        minutes=case.random.randint(5, 90)
    )
    limit = timedelta(hours=24 if first["data"]["severity"] == "severe" else 48)
    filed_at = datetime.fromisoformat(first["received_at"].replace("Z", "+00:00"))
    taken = {
        "case": case.name,
        "filed_at": text(filed_at),
        "severity": first["data"]["severity"],
        "due_at": text(filed_at + limit),
    }
    told = len(survivor.lines)
    undone = case.chance(0.2)
    if not undone:  # the crew of the duplicate is called back, mostly
        case.lines = [line for line in case.lines if line["received_at"] <= text(at) or case.chance(0.1)]
    case.tell("merged", "duty_officer", {"into": survivor.name}, at)
    survivor.tell("absorbed", "duty_officer", taken, at)
    if undone:
        later = at + timedelta(hours=case.random.randint(1, 12))
        case.tell("unmerged", "duty_officer", {}, later)
        survivor.tell("released", "duty_officer", {"case": case.name}, later)
    survivor.afterwards += survivor.lines[told:]
    del survivor.lines[told:]
