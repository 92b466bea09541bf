"""Workers that are killed, and every order of things: no report is judged twice, none is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from assessing_world import World, judged
from desks import DUTY, Clock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadwarden.cases.assessments import AssessmentKind, JobState, Wait
from roadwarden.cases.events import Assessed, Role, Verdict
from roadwarden.cases.report_turn import Turn, report_stand
from roadwarden.errors import CaseError
from roadwarden.storage.assessments import AssessmentFilter
from roadwarden.storage.case_unit import reading
from roadwarden.storage.engine import open_engine
from roadwarden.storage.schema import open_storage

HERE = Path(__file__).parent


def start(database, name, seconds=0.05):
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, str(HERE / "queue_worker.py"), database, name, str(seconds)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)


def verdicts_by_machines(world):
    """How many events by machines each report has."""
    with reading(world.engine) as unit:
        events = [event for name in unit.events.cases() for event in unit.events.of(name)]
    return Counter(
        (event.case, event.data.report_seq)
        for event in events
        if isinstance(event.data, Assessed) and event.role is Role.ASSESSOR
    )


def assert_each_once(world, reports):
    assert verdicts_by_machines(world) == Counter(reports)
    with reading(world.engine) as unit:
        rows = unit.assessments.list(AssessmentFilter(kind=AssessmentKind.MACHINE), 1000)
        assert sorted((row.case, row.report_seq) for row in rows) == sorted(reports)
        assert unit.jobs.counts()[JobState.WAITING] == 0


def test_a_worker_is_killed_and_another_goes_on(tmp_path):
    database = f"sqlite:///{tmp_path}/roadwarden.db"
    world = World(open_storage(database))
    reports = [world.reported() for _ in range(12)]
    victim = start(database, "victim")
    kept = 0
    for line in victim.stdout:
        kept += line.startswith("kept")
        if kept == 3 and line.startswith("took"):
            victim.kill()  # -9, with a report in its hands
            break
    victim.wait(60)
    survivor = start(database, "survivor")
    until = time.monotonic() + 120
    try:
        for line in survivor.stdout:
            assert time.monotonic() < until, "too slow"
            if line.startswith("idle") and len(verdicts_by_machines(world)) == len(reports):
                break
    finally:
        survivor.kill()
        survivor.wait(60)
    assert_each_once(world, reports)
    world.engine.dispose()


@pytest.mark.slow
def test_workers_are_killed_again_and_again(tmp_path):
    database = f"sqlite:///{tmp_path}/roadwarden.db"
    world = World(open_storage(database))
    reports = [world.reported() for _ in range(40)]
    until, rounds, done = time.monotonic() + 240, 0, 0
    while done < len(reports):
        workers = [start(database, f"{rounds}-{number}") for number in range(3)]
        while len(verdicts_by_machines(world)) < min(len(reports), done + 10):
            assert time.monotonic() < until, "too slow"
            time.sleep(0.05)
        for worker in workers:
            worker.kill()
            worker.wait(60)
        rounds, done = rounds + 1, len(verdicts_by_machines(world))
    assert rounds > 1  # some were killed in the middle
    assert_each_once(world, reports)
    world.engine.dispose()


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory):
    file = tmp_path_factory.mktemp("template") / "roadwarden.db"
    engine = open_storage(f"sqlite:///{file}")
    engine.dispose()
    return file


WORKERS = ("one", "two", "three")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("report"), st.integers(0, 2)),
        st.tuples(st.just("take"), st.sampled_from(WORKERS)),
        st.tuples(st.just("keep"), st.sampled_from(WORKERS), st.sampled_from(list(Verdict))),
        st.tuples(st.just("fail"), st.sampled_from(WORKERS), st.sampled_from([Wait.FAILED, Wait.NO_MODEL])),
        st.tuples(st.just("die"), st.sampled_from(WORKERS)),
        st.tuples(st.just("person"), st.integers(0, 2), st.sampled_from(list(Verdict))),
        st.tuples(st.just("wait"), st.sampled_from([1, 6, 40, 600])),
    ),
    max_size=25,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_in_every_order_each_report_is_judged_once_or_with_people(empty_database, tmp_path, story):
    file = tmp_path / f"{time.monotonic_ns()}.db"
    shutil.copy(empty_database, file)
    engine = open_engine(f"sqlite:///{file}")
    world = World(engine, Clock(), audit_share=0.5)
    cases = [world.reported()[0] for _ in range(3)]
    queues, hands = {name: world.queue(name) for name in WORKERS}, dict.fromkeys(WORKERS)
    for step in story:
        play(world, cases, queues, hands, step)
    world.clock.wait(minutes=10)  # all leases have run out
    finish(world)
    check(world, cases)
    engine.dispose()


def play(world, cases, queues, hands, step):
    match step:
        case ("report", at):
            world.report(cases[at])
        case ("take", name):
            queues[name].sync()
            hands[name] = queues[name].take() or hands[name]
        case ("keep", name, verdict) if hands[name] is not None:
            with contextlib.suppress(CaseError):  # another has it, or a person has ruled
                queues[name].keep(hands[name], judged(verdict))
        case ("fail", name, why) if hands[name] is not None:
            queues[name].fail(hands[name].job, why, "story")
        case ("die", name):
            hands[name] = None
        case ("person", at, verdict):
            seq = max(job.report_seq for job in jobs_of(world, cases[at]))
            with contextlib.suppress(CaseError):  # of an earlier cycle
                world.desk.record(DUTY, cases[at], Assessed(verdict, seq))
        case ("wait", minutes):
            world.clock.wait(minutes=minutes)


def jobs_of(world, case):
    world.queue("looker").sync()
    with reading(world.engine) as unit:
        return unit.jobs.of_case(case)


def finish(world):
    last = world.queue("last")
    last.sync()
    for _ in range(50):
        taken = last.take()
        if taken is not None:
            last.keep(taken, judged(Verdict.NOT_REPAIRED))
        elif any_waiting(world):
            world.clock.time += timedelta(minutes=31)
        else:
            return
    raise AssertionError("the queue never gets empty")


def any_waiting(world):
    with reading(world.engine) as unit:
        return unit.jobs.counts()[JobState.WAITING] > 0


def check(world, cases):
    times = verdicts_by_machines(world)
    assert set(times.values()) <= {1}
    for name in cases:
        events = world.desk.events(name)
        for job in jobs_of(world, name):
            stand = report_stand(events, world.desk.policies, job.report_seq, world.clock())
            if job.state is JobState.DONE:
                judged_once = times[name, job.report_seq] == 1
                assert judged_once or stand is None or stand.turn in (Turn.NOBODY, Turn.ACCEPTED)
            else:
                assert job.state in (JobState.PERSON, JobState.QUARANTINED)  # people know of it
