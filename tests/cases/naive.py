"""A second implementation of the replay contract (issue 7, part 2), written from the issue's text alone.

Nothing is shared with roadwarden.cases and nothing is clever: plain JSON dicts, lists that are filtered again for each
question. Where the issue is silent the choices stand in docs/clocks.md. For tests only: it trusts its lines to be well
formed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)
ZERO = timedelta(0)
NORMAL, SEVERE, ASSESS = 48 * HOUR, 24 * HOUR, 24 * HOUR
PARK_CAP, PARK_COUNT = 240 * HOUR, 3
WARRANTY = timedelta(days=30)
POLICY = "2020-07"

DESK = ["intake", "duty_officer", "dispatcher", "supervisor", "road_chief", "administrator", "assessor", "system"]
ROLES = [*DESK, "crew", "citizen", "auditor"]
APPROVING = ["duty_officer", "supervisor", "road_chief"]
MACHINES = ["assessor", "system"]
REJECTING = ["NOT_REPAIRED", "PARTIAL", "WRONG_OBJECT"]
WITH_APPROVAL = ["extended", "parked", "voided", "time_accepted"]
REPORTS = ["repair_reported", "self_handled"]
OPEN_STAGES = ["filed", "dispatched", "accepted", "under_repair", "repair_reported", "assessed"]
WORKING = ["dispatched", "accepted", "under_repair"]
STAGES_FROM = {
    "dispatched": ["filed", *WORKING],
    "accepted": ["dispatched"],
    "repair_started": ["dispatched", "accepted"],
    "repair_reported": [*WORKING, "repair_reported"],
    "self_handled": ["filed", *WORKING, "repair_reported"],
    "handed_back": WORKING,
    "transferred": ["filed", *WORKING],
    "reopened": ["closed"],
    "unmerged": [],
    "released": [],
    "filed": [],
}
LEADS_TO = {
    "filed": "filed",
    "dispatched": "dispatched",
    "accepted": "accepted",
    "repair_started": "under_repair",
    "repair_reported": "repair_reported",
    "self_handled": "repair_reported",
    "handed_back": "filed",
    "transferred": "filed",
    "reopened": "filed",
    "closed": "closed",
    "voided": "voided",
    "merged": "merged",
}


class BrokenFile(Exception):
    """The same seq stands for two different things."""


def answers(lines: list[dict], now: datetime) -> dict[str, dict]:
    names = []
    for line in lines:
        if line["case"] not in names:
            names.append(line["case"])
    return {name: answer(name, [line for line in lines if line["case"] == name], now) for name in names}


def answer(name: str, lines: list[dict], now: datetime) -> dict:
    known = [e for e in once(lines) if when(e["received_at"]) <= now]
    filings = [e for e in known if e["type"] == "filed" and not forbidden(e, known)]
    if not filings:
        refused = [{"seq": e["seq"], "why": "not filed"} for e in sorted(known, key=lambda e: e["seq"])]
        return {
            "case": name,
            "state": None,
            "policy": None,
            "severity": None,
            "flags": [],
            "refused": refused,
            "clocks": [],
        }
    filing = min(filings, key=lambda e: (own_time(e)[0], when(e["received_at"]), e["seq"]))
    events, flags = timed(known, filing)
    refused = []
    allowed = []
    for e in events:
        why = forbidden(e, known)
        if why:
            refused.append((e, why))
        else:
            allowed.append(e)
    allowed = without_undone_merges(allowed, refused)
    good = []
    for e in allowed:
        why = why_not(good, e)
        if why:
            refused.append((e, why))
        else:
            good.append(e)
    good = without_bad_parks_and_extensions(good, refused)
    return {
        "case": name,
        "state": state(good, now),
        "policy": filing["data"].get("policy") or POLICY,
        "severity": severity(good),
        "flags": sorted(set(flags)),
        "refused": [{"seq": e["seq"], "why": why} for e, why in sorted(refused, key=lambda pair: pair[0]["seq"])],
        "clocks": all_clocks(good, now),
    }


# lines, times, order


def when(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def once(lines: list[dict]) -> list[dict]:
    kept = []
    for line in lines:
        same = [k for k in kept if k["seq"] == line["seq"]]
        if same and not the_same(same[0], line):
            raise BrokenFile(f"seq {line['seq']} of {line['case']} twice, and different")
        if not same:
            kept.append(line)
    return kept


def the_same(one: dict, other: dict) -> bool:
    times = ["occurred_at", "received_at"]
    if any(when(one[t]) != when(other[t]) for t in times):
        return False
    return {k: v for k, v in one.items() if k not in times} == {k: v for k, v in other.items() if k not in times}


def own_time(e: dict) -> tuple[datetime, bool]:
    """Effective time before it is compared with the filing, and whether it was clamped."""
    occurred, received = when(e["occurred_at"]), when(e["received_at"])
    if e["role"] not in DESK:
        return received, False
    clamped = occurred > received + timedelta(minutes=2) or occurred < received - timedelta(days=7)
    at = received if clamped else occurred
    if e["type"] in ["filed", "parked"] or (e["type"] == "severity_changed" and e["data"]["to"] == "severe"):
        at = max(at, received)
    return at, clamped


def timed(known: list[dict], filing: dict) -> tuple[list[dict], list[str]]:
    filed_at = own_time(filing)[0]
    flags = []
    out = []
    for e in known:
        at, clamped = own_time(e)
        if clamped:
            flags.append("clamped")
        if approver_unknown(e, known):
            flags.append("approver_role_unknown")
        if at < filed_at:
            at = filed_at
            flags.append("before_filing")
        out.append({**e, "at": at, "got": when(e["received_at"]), "first": 0 if e is filing else 1})
    return sorted(out, key=key), flags


def key(e: dict) -> tuple:
    return (e["at"], e["first"], e["got"], e["seq"])


# who may


def forbidden(e: dict, known: list[dict]) -> str:
    if e["type"] == "assessed" and e["role"] in ["crew", "citizen", "auditor"]:
        return "may not assess"
    if e["type"] == "time_accepted" and e["role"] != "duty_officer":
        return "only a duty officer accepts another time"
    if needs_approval(e):
        return not_approved(e, known)
    return ""


def approver(by: object) -> tuple[str | None, str | None]:
    """Person and role of an `approved_by`: an object, "person:role" either way round, a person alone, a role alone."""
    if isinstance(by, dict):
        return by.get("actor"), by.get("role")
    parts = str(by).split(":")
    roles = [part for part in parts if part in ROLES]
    persons = [part for part in parts if part not in ROLES]
    return (persons[0] if persons else None), (roles[0] if roles else None)


def not_approved(e: dict, known: list[dict]) -> str:
    if not e["data"].get("approved_by"):
        return "no approval"
    person, role = approver(e["data"]["approved_by"])
    if person == e["actor"]:
        return "approved by the actor himself"
    if role is not None:
        return "" if role in APPROVING else "the approver may not approve"
    acts_as = [k["role"] for k in known if k["actor"] == person]
    if acts_as and not any(role in APPROVING for role in acts_as):
        return "the approver may not approve"
    return ""


def approver_unknown(e: dict, known: list[dict]) -> bool:
    if not needs_approval(e) or not e["data"].get("approved_by"):
        return False
    person, role = approver(e["data"]["approved_by"])
    return role is None and person not in [k["actor"] for k in known]


def needs_approval(e: dict) -> bool:
    return e["type"] in WITH_APPROVAL or (e["type"] == "severity_changed" and e["data"]["to"] == "normal")


# merges that were undone


def without_undone_merges(events: list[dict], refused: list) -> list[dict]:
    standing: dict[str, dict] = {}
    dropped = []
    for e in events:
        if e["type"] in ["absorbed", "merged"]:
            thing = e["data"]["case"] if e["type"] == "absorbed" else "itself"
            if thing in standing:
                refused.append((e, "merged already"))
                dropped.append(e)
            else:
                standing[thing] = e
        if e["type"] in ["released", "unmerged"]:
            thing = e["data"]["case"] if e["type"] == "released" else "itself"
            if thing in standing:
                dropped += [e, standing.pop(thing)]
            else:
                refused.append((e, "was not merged"))
                dropped.append(e)
    return [e for e in events if e not in dropped]


# workflow


def of_last_cycle(good: list[dict]) -> list[dict]:
    reopenings = [n for n, e in enumerate(good) if e["type"] == "reopened"]
    return good[reopenings[-1] :] if reopenings else good


def cycles(good: list[dict]) -> list[list[dict]]:
    out: list[list[dict]] = []
    for e in good:
        if e["type"] in ["filed", "reopened"]:
            out.append([])
        out[-1].append(e)
    return out


def stage(good: list[dict]) -> str:
    now_at = "unfiled"
    for n, e in enumerate(good):
        if e["type"] in LEADS_TO:
            now_at = LEADS_TO[e["type"]]
        if e["type"] in ["assessed", "evidence_requested"]:
            cycle = of_last_cycle(good[: n + 1])
            kinds = [ruling(r, cycle) for r in reports(cycle)]
            now_at = (
                "assessed" if "accepted" in kinds else "repair_reported" if "undecided" in kinds else "under_repair"
            )
    return now_at


def why_not(good: list[dict], e: dict) -> str:
    at_stage = stage(good)
    kind = e["type"]
    if kind == "filed":
        return "filed already" if good else ""
    if at_stage not in STAGES_FROM.get(kind, OPEN_STAGES):
        return f"{kind} is not possible when {at_stage}"
    cycle = of_last_cycle(good)
    if kind in ["assessed", "evidence_requested", "time_accepted"] and not report_of(e, cycle):
        return "no such report in this cycle"
    if kind == "time_accepted" and not cycle_start(cycle) <= when(e["data"]["at"]) <= report_of(e, cycle)[0]["got"]:
        return "the time is not between the start and the report"
    if kind == "closed" and "accepted" not in [ruling(r, cycle) for r in reports(cycle)]:
        return "no final stop"
    if kind == "reopened" and e["at"] - [g for g in good if g["type"] == "closed"][-1]["at"] > WARRANTY:
        return "the warranty is over"
    if kind == "severity_changed" and severity(good) == e["data"]["to"]:
        return "has this severity already"
    return ""


def cycle_start(cycle: list[dict]) -> datetime:
    return cycle[0]["at"]


def severity(good: list[dict]) -> str:
    is_now = "normal"
    for e in good:
        if e["type"] == "filed":
            is_now = e["data"]["severity"]
        if e["type"] == "severity_changed":
            is_now = e["data"]["to"]
        if e["type"] == "absorbed" and e["data"]["severity"] == "severe":
            is_now = "severe"
    return is_now


# reports and what was ruled on them


def reports(cycle: list[dict]) -> list[dict]:
    return [e for e in cycle if e["type"] in REPORTS]


def report_of(e: dict, cycle: list[dict]) -> list[dict]:
    return [r for r in reports(cycle) if r["seq"] == e["data"]["report_seq"]]


def rulings_on(report: dict, cycle: list[dict]) -> list[dict]:
    return [
        e for e in cycle if e["type"] in ["assessed", "evidence_requested"] and e["data"]["report_seq"] == report["seq"]
    ]


def decision(e: dict) -> str:
    if e["type"] == "evidence_requested":
        return "rejected"
    verdict = e["data"]["verdict"]
    if verdict == "REPAIRED" or (verdict == "REPAIRED_WITH_DEFECT" and e["role"] == "duty_officer"):
        return "accepted"
    return "rejected" if verdict in REJECTING else "undecided"


def ruling(report: dict, cycle: list[dict]) -> str:
    decided = [e for e in rulings_on(report, cycle) if decision(e) != "undecided"]
    persons = [e for e in decided if e["role"] not in MACHINES]
    standing = persons or decided
    return decision(standing[-1]) if standing else "undecided"


def report_key(report: dict, cycle: list[dict]) -> tuple:
    accepted = [e for e in cycle if e["type"] == "time_accepted" and e["data"]["report_seq"] == report["seq"]]
    at = when(accepted[-1]["data"]["at"]) if accepted else report["at"]
    return (at, 1, report["got"], report["seq"])


def stop_of(cycle: list[dict]) -> tuple[str, tuple] | None:
    """("stopped" or "provisional", key of the report), nothing while no report stands."""
    for kind, name in [("accepted", "stopped"), ("undecided", "provisional")]:
        keys = [report_key(r, cycle) for r in reports(cycle) if ruling(r, cycle) == kind]
        if keys:
            return name, min(keys)
    return None


# parks


def park_interval(park: dict, cycle: list[dict]) -> tuple[datetime, datetime]:
    ends = [when(park["data"]["until"])]
    ends += [e["at"] for e in cycle if e["type"] == "resumed" and key(e) > key(park)]
    for r in reports(cycle):
        if ruling(r, cycle) != "rejected" and report_key(r, cycle) >= key(park):
            ends.append(report_key(r, cycle)[0])
    return park["at"], max(park["at"], min(ends))


def without_bad_parks_and_extensions(good: list[dict], refused: list) -> list[dict]:
    kept: list[dict] = []
    for cycle in cycles(good):
        left = [e for e in cycle if e["type"] not in ["parked", "resumed", "extended"]]
        for e in cycle:
            if e["type"] in ["parked", "resumed", "extended"]:
                why = {"parked": why_no_park, "resumed": why_no_resume, "extended": why_no_extension}[e["type"]](
                    e, left, [*kept, *left]
                )
                if why:
                    refused.append((e, why))
                else:
                    left = sorted([*left, e], key=key)
        kept += left
    return kept


def why_no_park(e: dict, cycle: list[dict], everything: list[dict]) -> str:
    if when(e["data"]["until"]) <= e["at"]:
        return "ends before it begins"
    before = [p for p in cycle if p["type"] == "parked"]
    if len(before) + 1 > PARK_COUNT:
        return "parked too often"
    spans = [park_interval(p, [*cycle_before(cycle, e), *reports_and_rulings(cycle)]) for p in before]
    if length([*spans, (e["at"], when(e["data"]["until"]))]) > PARK_CAP:
        return "parked too long"
    if severity([x for x in everything if key(x) < key(e)]) == "severe":
        measures = [x for x in cycle_before(cycle, e) if x["type"] == "safety_measure"]
        if not measures:
            return "severe, and no safety measure"
    return ""


def cycle_before(cycle: list[dict], e: dict) -> list[dict]:
    kinds = [*REPORTS, "assessed", "evidence_requested", "time_accepted"]
    return [x for x in cycle if key(x) < key(e) and x["type"] not in kinds]


def reports_and_rulings(cycle: list[dict]) -> list[dict]:
    return [x for x in cycle if x["type"] in [*REPORTS, "assessed", "evidence_requested", "time_accepted"]]


def why_no_resume(e: dict, cycle: list[dict], everything: list[dict]) -> str:
    for p in cycle:
        if p["type"] == "parked" and key(p) < key(e):
            begin, end = park_interval(p, cycle)
            if begin <= e["at"] < end:
                return ""
    return "not parked"


def why_no_extension(e: dict, cycle: list[dict], everything: list[dict]) -> str:
    due = when(e["data"]["due"])
    if e["data"]["clock"] == "repair":
        present = dues(cycle, [x for x in everything if key(x) < key(cycle[0])], until=key(e))[-1][1]
    elif e["data"]["clock"] == "assess":
        extended = report_extended(e, cycle)
        if not extended:
            return "nothing is being assessed"
        present = assess_due(extended, [x for x in cycle if key(x) < key(e)])
    else:
        return "no such clock"
    if not e["at"] < present:
        return "was due already"
    if not due > present:
        return "not later than the present due"
    return ""


def report_extended(e: dict, cycle: list[dict]) -> dict | None:
    before = [r for r in reports(cycle) if key(r) < key(e)]
    if e["data"].get("report_seq") is not None:
        before = [r for r in before if r["seq"] == e["data"]["report_seq"]]
    return before[-1] if before else None


# lengths of time


def union(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    out: list[tuple[datetime, datetime]] = []
    for begin, end in sorted(span for span in spans if span[1] > span[0]):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out


def length(spans: list[tuple[datetime, datetime]]) -> timedelta:
    return sum((end - begin for begin, end in union(spans)), ZERO)


def common(one: list[tuple[datetime, datetime]], other: list[tuple[datetime, datetime]]) -> timedelta:
    return sum((max(ZERO, min(b, d) - max(a, c)) for a, b in union(one) for c, d in union(other)), ZERO)


# the repair clock of one cycle


def dues(
    cycle: list[dict], before: list[dict], until: tuple | None = None
) -> list[tuple[datetime, datetime, datetime]]:
    """(from when, due, original due) in order: each event that moved them, up to the standing report."""
    start = cycle_start(cycle)
    is_now = severity([*before, cycle[0]])
    due = original = start + (SEVERE if is_now == "severe" else NORMAL)
    out = [(start, due, original)]
    standing = stop_of(cycle)
    counted: list[tuple[datetime, datetime]] = []
    extension = None
    for e in cycle:
        if until is not None and key(e) >= until:
            break
        if e["type"] == "absorbed":
            start = min(start, when(e["data"]["filed_at"]))
            due, original = min(due, when(e["data"]["due_at"])), min(original, when(e["data"]["due_at"]))
        if standing is None or key(e) < standing[1]:
            if e["type"] == "parked" and e["at"] <= due:
                grown = length([*counted, park_interval(e, cycle)]) - length(counted)
                counted.append(park_interval(e, cycle))
                due, original = due + grown, original + grown
                extension = extension + grown if extension else None
            if e["type"] == "severity_changed" and e["data"]["to"] == "severe":
                due, original = min(due, e["at"] + SEVERE), min(original, e["at"] + SEVERE)
            if e["type"] == "severity_changed" and e["data"]["to"] == "normal":
                original = start + NORMAL + length(counted)
                due = max(original, extension) if extension else original
            if e["type"] == "extended" and e["data"]["clock"] == "repair":
                due = extension = when(e["data"]["due"])
        out.append((e["at"], due, original))
    return out


def counted_parks(cycle: list[dict], before: list[dict]) -> list[tuple[datetime, datetime]]:
    standing = stop_of(cycle)
    out = []
    for e in cycle:
        if e["type"] == "parked" and (standing is None or key(e) < standing[1]):
            due = dues(cycle, before, until=key(e))[-1][1]
            if e["at"] <= due:
                out.append(park_interval(e, cycle))
    return out


def breach(cycle: list[dict], before: list[dict], end: datetime) -> list[tuple[datetime, datetime]]:
    steps = dues(cycle, before)
    spans = []
    for n, (begin, due, _) in enumerate(steps):
        finish = steps[n + 1][0] if n + 1 < len(steps) else end
        spans.append((max(begin, due), min(finish, end)))
    spans += [(when(e["data"]["due_at"]), min(e["at"], end)) for e in cycle if e["type"] == "absorbed"]
    return union(spans)


def cancelled_at(cycle: list[dict]) -> datetime | None:
    ends = [e["at"] for e in cycle if e["type"] in ["voided", "merged"]]
    return ends[0] if ends else None


def repair_clock(cycle: list[dict], before: list[dict], now: datetime) -> dict:
    standing = stop_of(cycle)
    parks = union(counted_parks(cycle, before))
    is_now, end, stopped = "running", now, None
    if standing:
        is_now, end = standing[0], standing[1][0]
        stopped = end
    elif any(a <= now < b for a, b in parks):
        is_now = "paused"
    cancelled = cancelled_at(cycle)
    if cancelled and is_now != "stopped":
        is_now, stopped = "cancelled", cancelled
        end = end if standing else cancelled
    _, due, original = dues(cycle, before)[-1]
    absorbed = [when(e["data"]["filed_at"]) for e in cycle if e["type"] == "absorbed"]
    late = breach(cycle, before, end)
    by_assessor = common(late, [span for r in reports(cycle) for span in assess_breach(r, cycle, now)])
    remaining = due - end
    if is_now == "paused":
        back = next(b for a, b in parks if a <= now < b)
        remaining = due - (back if back <= due else now)
    return {
        "clock": "repair",
        "state": is_now,
        "started_at": written(min([cycle_start(cycle), *absorbed])),
        "due_at": written(due),
        "original_due_at": written(original),
        "stopped_at": written(stopped),
        "remaining_s": None if is_now == "cancelled" else seconds(remaining),
        "breached": length(late) > ZERO,
        "breached_s": seconds(length(late)),
        "paused_s": seconds(sum((max(ZERO, min(b, end) - a) for a, b in parks), ZERO)),
        "attributed_s": {"crew": seconds(length(late) - by_assessor), "assessor": seconds(by_assessor)},
    }


def seconds(span: timedelta) -> float:
    return span / timedelta(seconds=1)


# the assess clock of one report


def assess_due(report: dict, cycle: list[dict]) -> datetime:
    due = report["at"] + ASSESS
    for e in cycle:
        if e["type"] == "extended" and e["data"]["clock"] == "assess":
            extended = report_extended(e, cycle)
            if extended and extended["seq"] == report["seq"]:
                due = when(e["data"]["due"])
    return due


def accepted_since(cycle: list[dict]) -> datetime | None:
    """The ruling since which, without a break, some report of the cycle has been accepted."""
    since = None
    for n, e in enumerate(cycle):
        if e["type"] in ["assessed", "evidence_requested"]:
            so_far = cycle[: n + 1]
            if "accepted" not in [ruling(r, so_far) for r in reports(so_far)]:
                since = None
            elif since is None:
                since = e["at"]
    return since


def assess_end(report: dict, cycle: list[dict], now: datetime) -> tuple[str, datetime]:
    decided = [e for e in rulings_on(report, cycle) if decision(e) != "undecided"]
    if decided:
        return "stopped", decided[0]["at"]
    if accepted_since(cycle):
        return "cancelled", accepted_since(cycle)
    if cancelled_at(cycle):
        return "cancelled", cancelled_at(cycle)
    return "running", now


def assess_breach(report: dict, cycle: list[dict], now: datetime) -> list[tuple[datetime, datetime]]:
    return union([(assess_due(report, cycle), assess_end(report, cycle, now)[1])])


def assess_clock(report: dict, cycle: list[dict], now: datetime) -> dict:
    is_now, end = assess_end(report, cycle, now)
    due = assess_due(report, cycle)
    late = length(assess_breach(report, cycle, now))
    return {
        "clock": "assess",
        "report_seq": report["seq"],
        "state": is_now,
        "started_at": written(report["at"]),
        "due_at": written(due),
        "original_due_at": written(report["at"] + ASSESS),
        "stopped_at": None if is_now == "running" else written(end),
        "remaining_s": None if is_now == "cancelled" else seconds(due - end),
        "breached": late > ZERO,
        "breached_s": seconds(late),
        "paused_s": 0.0,
        "attributed_s": {"crew": 0.0, "assessor": seconds(late)},
    }


# the answer


def all_clocks(good: list[dict], now: datetime) -> list[dict]:
    out = []
    for number, cycle in enumerate(cycles(good), start=1):
        before = [e for e in good if key(e) < key(cycle[0])]
        clocks = [repair_clock(cycle, before, now), *[assess_clock(r, cycle, now) for r in reports(cycle)]]
        out += [{**clock, "cycle": number} for clock in clocks]
    return out


def state(good: list[dict], now: datetime) -> str:
    at_stage = stage(good)
    if at_stage not in OPEN_STAGES:
        return at_stage
    cycle = of_last_cycle(good)
    parked = [park_interval(e, cycle) for e in cycle if e["type"] == "parked"]
    if stop_of(cycle) is None and any(a <= now < b for a, b in parked):
        return "parked"
    return at_stage
