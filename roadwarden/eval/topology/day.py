"""A compressed day of traffic through all hosts, some of which are cut off for a while; then the books are audited."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from roadwarden.access.people import Account
from roadwarden.cases.event_types import Role
from roadwarden.cases.rights import Right
from roadwarden.client.api import Client, Seen, Step
from roadwarden.client.errors import ApiError
from roadwarden.client.transport import Http
from roadwarden.errors import StorageAway
from roadwarden.eval.chaos.audit import Truth, calm_evening, check_books, compare, read_tables
from roadwarden.eval.chaos.broker import Sender
from roadwarden.eval.chaos.plan import Odds, Play, Score, compose
from roadwarden.eval.chaos.stage import Stage
from roadwarden.eval.finding import Finding
from roadwarden.eval.topology.network import DESK, Network
from roadwarden.eval.topology.roles import Roles
from roadwarden.geo.read_network import read_network
from roadwarden.inference.stream.model_slot import load_model
from roadwarden.ledger.key_files import read_private_key, ring_of
from roadwarden.ledger.leaves import Source
from roadwarden.models.load import model_path
from roadwarden.service.ledger_audit import audit
from roadwarden.service.people import People
from roadwarden.service.roads import import_roads
from roadwarden.service.witnesses import open_witness
from roadwarden.storage.assessment_tables import assessment_jobs
from roadwarden.storage.case_tables import case_events, outbox
from roadwarden.storage.engine import reading
from roadwarden.storage.ledger_store import LedgerStore
from roadwarden.storage.schema import open_storage

PATIENCE_S, POLL_S, LOOK_S = 240.0, 1.0, 2.0
QUEUES = ("bus-1", "bus-2", "box-1", "box-2")
MOST_WORKED_ON = 12


@dataclass(frozen=True, slots=True)
class Cut:
    """A host is away for a while; shares of the day."""

    host: str
    begins: float
    lasts: float


CUTS = (
    Cut("worker-1", 0.15, 0.15),
    Cut("database", 0.40, 0.10),
    Cut("broker", 0.58, 0.10),
    Cut("scheduler", 0.72, 0.10),
    Cut("assessor", 0.74, 0.10),
    Cut("web", 0.88, 0.06),
)


@dataclass(slots=True)
class Day:
    """Drives everything from the desk's host."""

    roles: Roles
    network: Network
    stage: Stage
    seconds: float
    rate: float
    seed: int
    tell: Callable[[str], None]
    engine: Engine = field(init=False)
    sender: Sender = field(init=False)
    score: Score = field(init=False)
    asked: Counter[str] = field(default_factory=Counter)
    promised: dict[str, int] = field(default_factory=dict)  # case, to the newest version that was answered
    settled_s: float = 0.0
    _people: threading.Thread = field(init=False)
    _stop: threading.Event = field(default_factory=threading.Event)

    def prepare(self, roads: Path) -> None:
        """The newest schema, roads, people, and the broker's sender."""
        self.engine = open_storage(self.roles.database(DESK))
        import_roads(self.engine, read_network(roads).network.segments, "topology", datetime.now(UTC))
        odds = Odds(late=0.1, again=0.1, corrupt=0.0, wrong_clock=0.0)
        self.score = compose(self.seed, self.seconds, dict.fromkeys(QUEUES, self.rate), 2, broker=True, odds=odds)
        self.sender = Sender(f"nats://{self.network.address('broker', DESK)}")

    def client(self) -> Client:
        """Of somebody who may do everything with cases."""
        people = People(self.engine)
        roles = frozenset({Role.DUTY_OFFICER, Role.DISPATCHER, Role.CREW})
        people.add(Account("desk", "the desk", roles, frozenset({"*"}), department="roads"), by="topology")
        token = people.issue("desk", "topology", set(Right), timedelta(days=1), by="topology").secret.text
        return Client(f"http://{self.network.address('web', DESK)}", token, send=Http(10.0))

    def play(self, client: Client) -> None:
        """Messages, people and cuts, each at its time."""
        begun = time.monotonic()
        self._people = threading.Thread(target=self._work_on, args=(client,), daemon=True)
        self._people.start()
        for at_s, act in sorted([*self._plays(), *self._cuts()], key=lambda one: one[0]):
            time.sleep(max(0.0, begun + at_s - time.monotonic()))
            act()

    def settle(self, truth: Truth) -> bool:
        """Until every frame is in and every report judged; False where patience ends. People go home before."""
        begun = time.monotonic()
        while not self._are_frames_in(truth) and time.monotonic() - begun < PATIENCE_S:
            time.sleep(POLL_S)
        self._stop.set()
        self._people.join()
        while not self._is_all_in(truth):
            if time.monotonic() - begun > PATIENCE_S:
                return False
            time.sleep(POLL_S)
        self.settled_s = time.monotonic() - begun
        return True

    def truth(self) -> Truth:
        """What was played."""
        models = [load_model(model_path("shipped:fp32"), 1, 1)]
        return Truth(self.stage, self.score.shots, frozenset(QUEUES), models)

    def is_told(self, received: Path) -> bool:
        """Whether the scheduler has nothing left to deliver and to log."""
        with reading(self.engine) as connection:
            store = LedgerStore(connection)
            waiting, _ = store.waiting(store.newest(Source.EVENTS))
        return self._messages(received).holds and not waiting

    def audited(self, truth: Truth, received: Path, key: Path, witness: Path) -> list[Finding]:
        """What has to hold."""
        lives = self.roles.drain()
        found = read_tables(self.engine, self.stage.cameras)
        calm = open_storage(f"sqlite:///{self.roles.out}/calm.db")
        import_roads(calm, read_network(self.stage.roads).network.segments, "topology", datetime.now(UTC))
        calm_evening(calm, self.stage, truth.deliveries(found.keys), datetime.now(UTC))
        findings = [*check_books(lives), *compare(found, read_tables(calm, self.stage.cameras), truth)]
        calm.dispose()
        findings += [*self._commands(), self._messages(received), self._verdicts()]
        return [*findings, self._ledger(key, witness)]

    # -- the play

    def _plays(self) -> Iterator[tuple[float, Callable[[], None]]]:
        for play in self.score.plays:
            yield play.at_s, lambda play=play: self._send(play)  # type: ignore[misc]

    def _send(self, play: Play) -> None:
        shot = play.shot
        is_box = shot.camera in self.stage.boxes
        body = self.stage.message(shot) if is_box else self.stage.picture(shot)
        self.sender.put(f"roadwarden.{'boxes' if is_box else 'frames'}.{shot.camera}", body)

    def _cuts(self) -> Iterator[tuple[float, Callable[[], None]]]:
        for cut in CUTS:
            begins, ends = cut.begins * self.seconds, (cut.begins + cut.lasts) * self.seconds
            yield begins, lambda cut=cut: self._cut(cut)  # type: ignore[misc]
            yield ends, lambda cut=cut: self._mend(cut)  # type: ignore[misc]

    def _cut(self, cut: Cut) -> None:
        self.network.cut(cut.host)
        self.tell(f"{cut.host} is cut off")

    def _mend(self, cut: Cut) -> None:
        self.network.mend(cut.host)
        self.tell(f"{cut.host} is back")

    def _work_on(self, client: Client) -> None:
        while not self._stop.wait(LOOK_S):
            self._work(client)

    def _work(self, client: Client) -> None:
        """People take each case one step further, over the web; where it is away they try again later."""
        try:
            for told in itertools.islice(client.cases(open=True), MOST_WORKED_ON):
                self._step(client, client.case(told["case_id"]))
        except ApiError:
            self.asked["not answered"] += 1

    def _step(self, client: Client, seen: Seen) -> None:
        state = seen.told["case"]["state"]
        step, more = _NEXT.get(state, (None, {}))
        if step is None:
            return
        done = client.do(seen, step, key=f"topology:{seen.case}:{seen.version}", **more)
        self.asked[str(step)] += not done.repeated
        self.promised[seen.case] = max(done.version, self.promised.get(seen.case, 0))

    # -- the audit

    def _are_frames_in(self, truth: Truth) -> bool:
        try:
            return not len(self.sender) and not truth.missing(read_tables(self.engine, self.stage.cameras).keys)
        except StorageAway:
            return False

    def _is_all_in(self, truth: Truth) -> bool:
        try:
            return self._are_frames_in(truth) and not self._waiting_reports()
        except StorageAway:
            return False

    def _waiting_reports(self) -> int:
        with reading(self.engine) as connection:
            waiting = assessment_jobs.c.state == "waiting"
            reports = case_events.c.type == "repair_reported"
            jobs = select(func.count()).select_from(assessment_jobs)
            told = connection.execute(select(func.count()).select_from(case_events).where(reports)).scalar_one()
            known = connection.execute(jobs).scalar_one()
            return told - known + connection.execute(jobs.where(waiting)).scalar_one()

    def _commands(self) -> Iterator[Finding]:
        with reading(self.engine) as connection:
            query = select(case_events.c.case_id, func.count(), func.max(case_events.c.version))
            rows = {row[0]: (row[1], row[2]) for row in connection.execute(query.group_by(case_events.c.case_id))}
            by_desk = select(case_events.c.case_id, case_events.c.type).where(case_events.c.actor == "desk")
            steps = Counter(tuple(row) for row in connection.execute(by_desk))
        lost = [case for case, version in self.promised.items() if rows.get(case, (0, 0))[1] < version]
        gaps = [case for case, (number, newest) in rows.items() if number != newest]
        twice = [one for one, number in steps.items() if number > 1]
        answered = {name: number for name, number in self.asked.items() if name != "not answered"}
        yield Finding(
            "no command over the web is lost",
            not lost and not gaps,
            f"{answered} answered, {len(lost)} cases miss some",
        )
        yield Finding(
            "no command is doubled", not twice, f"{sum(steps.values())} events of the desk, {len(twice)} twice; "
            f"{self.asked['not answered']} times the web did not answer",
        )  # fmt: skip

    def _messages(self, received: Path) -> Finding:
        lines = received.read_text(encoding="utf-8").splitlines() if received.exists() else []
        got = Counter(json.loads(line)["id"] for line in lines)
        with reading(self.engine) as connection:
            wanted = set(connection.execute(select(outbox.c.key)).scalars())
        lost, more = wanted - got.keys(), got.keys() - wanted
        return Finding(
            "every message reached its receiver, under one key",
            not lost and not more,
            f"{len(wanted)} written, {len(lost)} missing; {sum(got.values()) - len(got)} came again under their key",
        )

    def _verdicts(self) -> Finding:
        with reading(self.engine) as connection:
            assessed = select(case_events.c.case_id).where(case_events.c.role == "assessor")
            cases = Counter(connection.execute(assessed).scalars())
            reported = select(func.count()).select_from(case_events).where(case_events.c.type == "repair_reported")
            reports = connection.execute(reported).scalar_one()
        twice = [case for case, number in cases.items() if number > 1]
        return Finding(
            "every report is judged once", len(cases) == reports and not twice,
            f"{reports} reports, {len(cases)} judged, {len(twice)} twice",
        )  # fmt: skip

    def _ledger(self, key: Path, witness: Path) -> Finding:
        found = audit(self.engine, ring_of(read_private_key(key)), [open_witness(str(witness))])
        told = (
            f"{found.leaves} leaves, {found.checkpoints} checkpoints, {len(found.faults)} faults, {found.waiting} wait"
        )
        return Finding("the ledger verifies, and its witness agrees", not found.faults and not found.waiting, told)


_NEXT: Mapping[str, tuple[Step, dict[str, Any]]] = {
    "filed": (Step.DISPATCH, {"department": "roads"}),
    "dispatched": (Step.ACCEPT, {}),
    "accepted": (Step.START, {}),
    "under_repair": (Step.REPORT, {"evidence": []}),
}
