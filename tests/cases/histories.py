"""Random case histories as event lines: legal moves mostly, and everything that goes wrong in a city beside them.

A history is drawn from a `random.Random`. `seeded(n)` draws the n-th of an endless, reproducible row;
`histories()` hands Hypothesis a Random of its own, so that what it finds is shrunk.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

START = datetime(2026, 3, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

DESK = ["intake", "duty_officer", "dispatcher", "supervisor", "road_chief", "administrator"]
VERDICTS = [
    *["REPAIRED"] * 5,
    *["NOT_REPAIRED"] * 3,
    "PARTIAL",
    "WRONG_OBJECT",
    "REPAIRED_WITH_DEFECT",
    "LOCATION_UNCERTAIN",
    "INSUFFICIENT_EVIDENCE",
]
STEPS = [
    0 * HOUR,
    MICRO,
    timedelta(minutes=1),
    timedelta(minutes=20),
    HOUR,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    24 * HOUR,
    24 * HOUR + MICRO,
    48 * HOUR,
]
LATE = [0 * HOUR] * 12 + [MICRO, timedelta(minutes=5), 2 * HOUR, 30 * HOUR]
SKEW = [0 * HOUR] * 16 + [
    -MICRO,
    -2 * HOUR,
    -3 * DAY,
    -7 * DAY,
    -7 * DAY - MICRO,
    timedelta(minutes=2),
    timedelta(minutes=2) + MICRO,
    5 * HOUR,
]
LIKELY_NEXT = {
    "filed": ["dispatched"] * 12
    + ["self_handled", "transferred", "severity_changed", "absorbed", "voided"]
    + ["parked"] * 2,
    "dispatched": ["accepted"] * 4
    + ["handed_back", "parked", "parked", "resumed", "extended", "severity_changed", "severity_changed", "dispatched"],
    "accepted": ["repair_started"] * 3
    + ["repair_reported", "parked", "safety_measure", "extended", "severity_changed", "handed_back"],
    "under_repair": ["repair_reported"] * 5
    + ["parked", "resumed", "safety_measure", "extended", "severity_changed", "absorbed"],
    "repair_reported": ["assessed"] * 6
    + ["evidence_requested", "repair_reported", "time_accepted", "parked", "extended"],
    "assessed": ["closed"] * 7 + ["assessed", "absorbed", "evidence_requested", "time_accepted"],
    "closed": ["reopened"] * 5 + ["assessed", "voided", "merged"],
    "voided": ["unmerged", "dispatched", "assessed"],
    "merged": ["unmerged"] * 3 + ["repair_reported", "parked"],
}
ANY = sorted({kind for kinds in LIKELY_NEXT.values() for kind in kinds} | {"filed", "released"})
USUAL_ROLE = {
    "accepted": "crew",
    "repair_started": "crew",
    "repair_reported": "crew",
    "self_handled": "supervisor",
    "handed_back": "crew",
    "assessed": "assessor",
    "dispatched": "dispatcher",
    "filed": "intake",
}
AFTER = {
    "dispatched": "dispatched",
    "accepted": "accepted",
    "repair_started": "under_repair",
    "repair_reported": "repair_reported",
    "self_handled": "repair_reported",
    "handed_back": "filed",
    "transferred": "filed",
    "closed": "closed",
    "reopened": "filed",
    "voided": "voided",
    "merged": "merged",
    "unmerged": "under_repair",
}


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def history(random: Random) -> list[dict[str, Any]]:
    """Lines of one to three cases, in no order, some of them twice."""
    lines: list[dict[str, Any]] = []
    for number in range(random.choice([1, 1, 1, 2, 3])):
        lines += one_case(random, f"HZ-{number + 1}")
    lines += [dict(line) for line in lines if random.random() < 0.08]
    random.shuffle(lines)
    return lines


def one_case(random: Random, name: str) -> list[dict[str, Any]]:
    at = START + random.choice(STEPS)
    stage = "filed"
    lines = [line(random, name, 1, "filed", at, filed(random, at))]
    if random.random() < 0.03:
        lines = []
    for seq in range(2, random.randint(3, 24)):
        kind = random.choice(LIKELY_NEXT[stage]) if random.random() < 0.9 else random.choice(ANY)
        at = next_time(random, kind, at, lines)
        lines.append(line(random, name, seq, kind, at, data_of(random, kind, at, lines)))
        stage = AFTER.get(kind, stage)
        if kind in ("assessed", "evidence_requested"):
            verdict = lines[-1]["data"].get("verdict", "")
            stage = "assessed" if verdict == "REPAIRED" else "repair_reported" if "UNC" in verdict else "under_repair"
    if random.random() < 0.1:
        renumber(random, lines)
    return lines


def next_time(random: Random, kind: str, at: datetime, lines: list[dict[str, Any]]) -> datetime:
    """Somewhat later; often at an instant that matters to this kind, exactly or a microsecond beside."""
    sharp = [moment for moment in turning_points(lines, kind) if at < moment <= at + 50 * DAY]
    if sharp and random.random() < (0.5 if kind in ("resumed", "reopened", "extended") else 0.15):
        return max(at, random.choice(sharp) + random.choice([-MICRO, 0 * MICRO, 0 * MICRO, MICRO]))
    return at + random.choice(STEPS)


def turning_points(lines: list[dict[str, Any]], kind: str = "") -> list[datetime]:
    """Where a deadline, a park or a warranty may end; those that matter to a kind, or all."""
    out = []
    for entry in lines:
        moment = parsed(entry["received_at"])
        if entry["type"] in ("filed", "reopened", "severity_changed", "repair_reported", "self_handled"):
            out += [moment + hours * HOUR for hours in (4, 12, 24, 48)]
        if entry["type"] == "closed":
            out += [moment + days * DAY for days in (7, 30, 45)]
        out += [parsed(entry["data"][name]) for name in ("until", "due", "due_at") if name in entry["data"]]
    if kind == "resumed":
        return [parsed(entry["data"]["until"]) for entry in lines if entry["type"] == "parked"]
    if kind == "reopened":
        return [parsed(e["received_at"]) + days * DAY for e in lines if e["type"] == "closed" for days in (7, 30, 45)]
    return out


def parsed(moment: str) -> datetime:
    return datetime.fromisoformat(moment.replace("Z", "+00:00"))


def renumber(random: Random, lines: list[dict[str, Any]]) -> None:
    """Numbers that do not run with the time, as they come when two writers fill gaps."""
    old = [entry["seq"] for entry in lines]
    new = random.sample(range(1, 60), len(old))
    numbers = dict(zip(old, new, strict=True))
    for entry in lines:
        entry["seq"] = numbers[entry["seq"]]
        if "report_seq" in entry["data"]:
            entry["data"]["report_seq"] = numbers.get(entry["data"]["report_seq"], 99)


def line(random: Random, case: str, seq: int, kind: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    role = (
        "duty_officer"
        if kind == "time_accepted"
        else USUAL_ROLE.get(kind) or random.choice(["duty_officer", "duty_officer", "road_chief"])
    )
    if random.random() < 0.06:
        role = random.choice([*DESK, "crew", "citizen", "auditor", "assessor", "system"])
    if kind == "assessed" and random.random() < 0.35:
        role = random.choice(["duty_officer", "supervisor", "system"])
    received = at + random.choice(LATE)
    return {
        "case": case,
        "seq": seq,
        "type": kind,
        "occurred_at": text(received + random.choice(SKEW)),
        "received_at": text(received),
        "actor": f"u{random.randint(1, 4)}",
        "role": role,
        "data": data,
    }


def filed(random: Random, at: datetime) -> dict[str, Any]:
    severity = random.choice(["normal", "normal", "severe"])
    data = {"distress": "pothole", "severity": severity, "first_seen_at": text(at - random.choice(STEPS))}
    policy = random.choice([None] * 8 + ["roads-1", "waste-1", "waste-1", "nowhere-7"])
    return data if policy is None else {**data, "policy": policy}


def approval(random: Random) -> Any:
    person, role = f"u{random.randint(5, 9)}", random.choice(["duty_officer", "supervisor", "road_chief"])
    form = random.random()
    if form < 0.7:
        return {"actor": person, "role": role}
    if form < 0.78:
        return f"{person}:{role}"
    if form < 0.83:
        return role
    if form < 0.89:
        return f"u{random.randint(1, 6)}"
    if form < 0.95:
        return {"actor": f"u{random.randint(1, 4)}", "role": role}
    return {"actor": person, "role": random.choice(["crew", "dispatcher", "administrator"])}


def approved(random: Random, data: dict[str, Any]) -> dict[str, Any]:
    return data if random.random() < 0.04 else {**data, "approved_by": approval(random)}


def extension(random: Random, due: datetime, report: int) -> dict[str, Any]:
    data = {"clock": random.choice(["repair", "repair", "repair", "assess"]), "due": text(due), "reason": "material"}
    named = data["clock"] == "assess" and random.random() < 0.4
    return {**data, "report_seq": report} if named else data


def data_of(random: Random, kind: str, at: datetime, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """What an event of this kind carries."""
    reported = [entry["seq"] for entry in lines if entry["type"] in ("repair_reported", "self_handled")]
    report = random.choice([*reported, reported[-1]]) if reported and random.random() < 0.97 else 77
    report_at = max([parsed(entry["received_at"]) for entry in lines if entry["seq"] == report], default=at)
    accepted_at = report_at - random.choice(STEPS)
    if lines and random.random() < 0.15:
        accepted_at = parsed(lines[0]["received_at"])  # the very start
    later = at + random.choice([*STEPS[4:], 72 * HOUR, 5 * DAY, 12 * DAY, 25 * DAY])
    filed_at = START + random.choice(STEPS)
    due_at = filed_at + random.choice([24, 48, 60, 120]) * HOUR
    other = random.choice(["HZ-8", "HZ-9"])
    return {
        "filed": lambda: filed(random, at),
        "severity_changed": lambda: approved(random, {"to": random.choice(["normal", "severe"])}),
        "dispatched": lambda: {"department": "roads", "crew": "c1"},
        "accepted": dict,
        "repair_started": dict,
        "repair_reported": lambda: {"evidence": ["after.jpg"]},
        "self_handled": lambda: {"evidence": ["after.jpg"]},
        "assessed": lambda: {"verdict": random.choice(VERDICTS), "report_seq": report},
        "evidence_requested": lambda: {"report_seq": report},
        "time_accepted": lambda: approved(
            random,
            {"report_seq": report, "at": text(accepted_at), "reason": "no signal in the tunnel"},
        ),
        "closed": dict,
        "reopened": lambda: {"reason": "open again"},
        "extended": lambda: approved(random, extension(random, later, report)),
        "parked": lambda: approved(
            random, {"reason": "weather", "until": text(at if random.random() < 0.05 else later)}
        ),
        "resumed": dict,
        "handed_back": lambda: {"reason": "not ours"},
        "transferred": lambda: {"to": "street office", "reason": "small"},
        "voided": lambda: approved(random, {"reason": "no defect"}),
        "absorbed": lambda: {
            "case": other,
            "filed_at": text(filed_at),
            "severity": random.choice(["normal", "severe"]),
            "due_at": text(due_at),
        },
        "released": lambda: {"case": other},
        "merged": lambda: {"into": "HZ-9"},
        "unmerged": dict,
        "safety_measure": lambda: {"kind": "fence"},
    }[kind]()


def instant(random: Random, lines: list[dict[str, Any]]) -> datetime:
    """A `now`: anywhere, at an event, or at a deadline, exactly or one microsecond beside."""
    if random.random() < 0.3 or not lines:
        return START + random.randint(0, 30 * 24 * 60) * timedelta(minutes=1)
    moments = turning_points(lines) if random.random() < 0.6 else [parsed(entry["received_at"]) for entry in lines]
    moment = random.choice(moments or [START])
    return moment + random.choice([-MICRO, 0 * MICRO, MICRO])


def seeded(number: int) -> tuple[list[dict[str, Any]], datetime]:
    """The n-th history and its `now`: always the same."""
    random = Random(number)
    lines = history(random)
    return lines, instant(random, lines)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, Any]], datetime]:
    """A history and a `now`, for Hypothesis."""
    random = draw(st.randoms(use_true_random=False))
    lines = history(random)
    return lines, instant(random, lines)
