"""What is told outside arrives at least once, in order, under one key, however badly the receiver behaves."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from receivers import SECRET, answering, hang_up, receiving

from roadwarden.errors import ConfigError
from roadwarden.service import delivery as deliveries
from roadwarden.service.delivery import Courier, Tally, hand_out, pause_s
from roadwarden.service.destinations import Retries, read_destinations
from roadwarden.service.senders import sender_of
from roadwarden.storage.case_tables import DeliveryState
from roadwarden.storage.case_unit import reading, writing
from roadwarden.storage.outbox import Message
from roadwarden.storage.schema import open_storage

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.time = MONDAY

    def __call__(self):
        return self.time

    def wait(self, **time):
        self.time += timedelta(**time)


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def lite(tmp_path):
    engine = open_storage(f"sqlite:///{tmp_path}/lite.db")
    yield engine
    engine.dispose()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def courier_of(monkeypatch, tmp_path, clock):
    """A courier for one destination, as it stands in a file."""
    monkeypatch.setenv("DISTRICT_SECRET", SECRET)

    def make(engine, draw=1.0, name="", **settings):
        file = tmp_path / f"{settings['kind']}.yaml"
        file.write_text(json.dumps({"version": "1", "destinations": [{"name": "district", **settings}]}))
        (destination,) = read_destinations(file)
        hand_out(engine, [destination], clock())
        return Courier(engine, destination, sender_of(destination), clock, lambda: draw, name)

    return make


def webhook(receiver, **more):
    here = {"allow": ["private-address", "plain-http"], "secret": {"env": "DISTRICT_SECRET"}, "timeout_s": 2}
    return {"kind": "webhook", "url": receiver.url} | here | more


def message(number, case="HZ-1", topic="case.filed", **payload):
    return Message(f"event:{case}:{number}", topic, case, {"title": f"{case} 立案", **payload}, MONDAY)


def tell(engine, *messages):
    with writing(engine) as unit:
        return unit.outbox.put(messages)


def deliver(courier, rounds=50):
    """Hands out and sends until nothing is due."""
    total = Tally()
    for _ in range(rounds):
        hand_out(courier.engine, [courier.destination], courier.now())
        done = courier.round()
        total += done
        if done == Tally():
            return total
    raise AssertionError(f"still busy: {total}")


def states(engine):
    return {state.value: number for (_, state), number in deliveries.counts(engine).items()}


class TestWebhooks:
    def test_messages_arrive_signed_and_in_the_order_of_their_case(self, engine, courier_of):
        with receiving() as receiver:
            courier = courier_of(engine, **webhook(receiver, topics=["case.*"]))
            tell(engine, *(message(number, case) for number in range(5) for case in ("HZ-1", "HZ-2")))
            tell(engine, message(9, topic="warning.past_due"))
            assert deliver(courier) == Tally(sent=10)
        assert receiver.bad_signatures == 0
        for case in ("HZ-1", "HZ-2"):
            assert [key for key in receiver.keys if case in key] == [f"event:{case}:{number}" for number in range(5)]
        assert receiver.bodies[0] == {
            "id": "event:HZ-1:0",
            "topic": "case.filed",
            "case": "HZ-1",
            "created_at": "2026-03-02T08:00:00Z",
            "data": {"title": "HZ-1 立案"},
        }

    def test_what_is_told_twice_is_sent_once(self, engine, courier_of):
        with receiving() as receiver:
            courier = courier_of(engine, **webhook(receiver))
            assert tell(engine, message(1), message(1)) == 1
            assert tell(engine, message(1)) == 0
            assert deliver(courier) == Tally(sent=1)
            assert deliver(courier) == Tally()

    def test_a_new_destination_gets_what_is_told_from_now_on(self, lite, courier_of):
        tell(lite, message(1))
        with receiving() as receiver:
            courier = courier_of(lite, **webhook(receiver))
            tell(lite, message(2))
            deliver(courier)
        assert receiver.keys == ["event:HZ-1:2"]

    def test_a_receiver_that_fails_is_tried_again_later_and_later(self, lite, courier_of, clock):
        with receiving(lambda handler, number: number > 3 or answering(500)(handler, number)) as receiver:
            courier = courier_of(lite, **webhook(receiver))
            tell(lite, message(1), message(2))
            for seconds in (10, 20, 40):
                assert deliver(courier) == Tally(failed=1)
                clock.wait(seconds=seconds - 1)
                assert deliver(courier) == Tally()  # too early; and the second of the case waits for the first
                clock.wait(seconds=1)
            assert deliver(courier) == Tally(sent=2)
        assert receiver.keys == ["event:HZ-1:1", "event:HZ-1:2"]

    def test_a_receiver_that_dies_half_way_gets_it_again_under_the_same_key(self, lite, courier_of, clock):
        taken = []

        def behave(handler, number):
            taken.append(handler.headers["Idempotency-Key"])
            if number == 1:
                hang_up(handler)
            return number > 1

        with receiving(behave) as receiver:
            courier = courier_of(lite, **webhook(receiver))
            tell(lite, message(1))
            assert deliver(courier) == Tally(failed=1)
            clock.wait(seconds=10)
            assert deliver(courier) == Tally(sent=1)
        assert taken == ["event:HZ-1:1"] * 2

    def test_a_receiver_that_dawdles_does_not_hold_us(self, lite, courier_of):
        def behave(_handler, _number):
            time.sleep(3)
            return False

        with receiving(behave) as receiver:
            courier = courier_of(lite, **webhook(receiver, timeout_s=0.2))
            tell(lite, message(1))
            start = time.monotonic()
            assert deliver(courier) == Tally(failed=1)
            assert time.monotonic() - start < 2.5

    def test_a_receiver_that_asks_for_time_gets_it(self, lite, courier_of, clock):
        with receiving(answering(503, [("Retry-After", "600")])) as receiver:
            courier = courier_of(lite, **webhook(receiver))
            tell(lite, message(1))
            deliver(courier)
            clock.wait(seconds=599)
            assert deliver(courier) == Tally()
            clock.wait(seconds=1)
            assert deliver(courier) == Tally(failed=1)

    def test_a_redirect_is_not_followed(self, lite, courier_of):
        with receiving() as elsewhere, receiving(answering(307, [("Location", elsewhere.url)])) as receiver:
            tell(lite, message(0))
            courier = courier_of(lite, **webhook(receiver))
            tell(lite, message(1))
            assert deliver(courier) == Tally(failed=1)
        assert elsewhere.requests == 0

    def test_a_lease_of_a_dead_courier_runs_out(self, engine, courier_of, clock):
        with receiving() as receiver:
            courier = courier_of(engine, name="second", **webhook(receiver))
            tell(engine, message(1))
            hand_out(engine, [courier.destination], clock())
            with writing(engine) as unit:  # the first one leases, and dies
                assert len(unit.outbox.lease("district", "first", clock(), timedelta(minutes=5), 10)) == 1
            assert deliver(courier) == Tally()
            clock.wait(minutes=5)
            assert deliver(courier) == Tally(sent=1)

    def test_who_was_taken_over_does_not_overwrite_what_the_other_wrote(self, lite, courier_of, clock):
        with receiving() as receiver:
            courier = courier_of(lite, **webhook(receiver))
            tell(lite, message(1))
            hand_out(lite, [courier.destination], clock())
            with writing(lite) as unit:
                (slow,) = unit.outbox.lease("district", "slow", clock(), timedelta(minutes=5), 10)
            clock.wait(minutes=6)
            assert deliver(courier) == Tally(sent=1)
            with writing(lite) as unit:
                assert not unit.outbox.settle(slow, "slow", {"state": "dead", "error": "too late"})
            assert states(lite) == {"sent": 1}


class TestDeadLetters:
    def test_hours_count_not_attempts_and_people_can_send_it_again(self, engine, courier_of, clock):
        healthy = []
        with receiving(lambda handler, number: bool(healthy) or answering(500)(handler, number)) as receiver:
            retries = {"first_s": 60, "longest_s": 3600, "give_up_after_h": 12}
            courier = courier_of(engine, **webhook(receiver, retries=retries))
            tell(engine, message(1), message(2))
            total = Tally()
            hand_out(engine, [courier.destination], clock())
            while not total.dead:
                total += courier.round()
                with reading(engine) as unit:
                    clock.time = unit.outbox.list(DeliveryState.WAITING)[0].try_at
            assert total == Tally(failed=17, dead=1)  # 1, 3, 7 … 63 minutes, every hour up to 12 h; then the second
            (dead,) = deliveries.dead_letters(engine)
            assert (dead.message.key, dead.attempts, dead.error) == ("event:HZ-1:1", 17, "answered 500: nope")
            assert deliveries.dead_letters(engine, "nobody") == ()
            healthy.append(True)
            assert deliver(courier) == Tally(sent=1)  # the second one was not held up for ever
            with pytest.raises(ConfigError, match=f"{dead.number + 1}: no dead letter of district; .* Nothing is sent"):
                deliveries.replay(engine, "district", [dead.number, dead.number + 1], clock())
            with pytest.raises(ConfigError, match="no destination 'nobody'; known are: district"):
                deliveries.replay(engine, "nobody", None, clock())
            assert deliveries.replay(engine, "district", None, clock()) == 1
            assert deliver(courier) == Tally(sent=1)
            assert states(engine) == {"sent": 2}

    def test_what_can_never_be_taken_is_dead_at_once(self, lite, courier_of):
        with receiving(answering(422)) as receiver:
            courier = courier_of(lite, **webhook(receiver))
            tell(lite, message(1))
            assert deliver(courier) == Tally(dead=1)

    def test_pauses_double_up_to_the_longest_and_differ(self):
        retries = Retries(first_s=10, longest_s=100)
        assert [pause_s(number, retries, 1.0) for number in (1, 2, 3, 4, 5, 5000)] == [10, 20, 40, 80, 100, 100]
        assert pause_s(3, retries, 0.0) == 20
        assert pause_s(3, retries, 0.5) == 30

    def test_old_messages_that_everybody_has_are_forgotten(self, engine, courier_of, clock):
        with receiving(lambda handler, number: number != 2 or answering(410)(handler, number)) as receiver:
            courier = courier_of(engine, **webhook(receiver))
            tell(engine, *(message(1, case) for case in ("HZ-1", "HZ-2", "HZ-3")))
            assert deliveries.prune(engine, MONDAY + timedelta(days=1)) == 0  # nobody has them yet
            assert deliver(courier) == Tally(sent=2, dead=1)
            assert deliveries.prune(engine, MONDAY) == 0  # not old
            assert deliveries.prune(engine, MONDAY + timedelta(days=1)) == 1  # not the dead one, not the newest
            tell(engine, message(2))
            assert deliver(courier) == Tally(sent=1)
        with reading(engine) as unit:
            assert [one.message.key for one in unit.outbox.list(DeliveryState.DEAD)] == ["event:HZ-2:1"]


class TestFiles:
    def test_a_line_each_and_what_a_crash_left_of_one_is_cut_off(self, lite, courier_of, tmp_path):
        path = tmp_path / "out" / "messages.jsonl"
        courier = courier_of(lite, kind="file", path=str(path))
        tell(lite, message(1))
        deliver(courier)
        with path.open("ab") as file:
            file.write(b'{"half": "a li' + b"n" * 9000)
        tell(lite, message(2), message(3, "HZ-2"))
        deliver(courier)
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert [line["id"] for line in lines] == ["event:HZ-1:1", "event:HZ-1:2", "event:HZ-2:3"]

    def test_a_file_that_cannot_be_written_is_tried_again(self, lite, courier_of, tmp_path):
        (tmp_path / "out").write_text("no folder")
        courier = courier_of(lite, kind="file", path=str(tmp_path / "out" / "messages.jsonl"))
        tell(lite, message(1))
        assert deliver(courier) == Tally(failed=1)


class Mailbox:
    def __init__(self):
        self.mails, self.refuse = [], {}

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        if answer := self.refuse.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails.append(envelope)
        return "250 OK"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def post():
    box = Mailbox()
    box.port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    with contextlib.suppress(Exception):
        controller.stop()


def mail(post, **more):
    fixed = {"kind": "email", "host": "127.0.0.1", "port": post.port, "security": "none", "timeout_s": 5}
    return fixed | {"sender": "roads@city.example", "to": ["chief@city.example"]} | more


class TestMail:
    def test_a_mail_arrives_with_its_words_and_a_name_that_stays(self, lite, post, courier_of):
        courier = courier_of(lite, **mail(post))
        tell(lite, message(1, title="48 小时将到\r\nBcc: everybody@example.org", text="还剩 4 小时"))
        assert deliver(courier) == Tally(sent=1)
        (envelope,) = post.mails
        got = message_from_bytes(envelope.content, policy=policy.default)
        assert envelope.rcpt_tos == ["chief@city.example"]
        assert got["Subject"] == "HZ-1: 48 小时将到 Bcc: everybody@example.org"
        assert got["Bcc"] is None
        assert got["Idempotency-Key"] == "event:HZ-1:1"
        assert got["Message-ID"].endswith("@city.example>")
        assert got.get_content().startswith("还剩 4 小时\r\n")

    def test_a_mailbox_that_is_full_is_tried_again_and_one_that_is_none_is_not(self, lite, post, courier_of, clock):
        courier = courier_of(lite, **mail(post))
        post.refuse["chief@city.example"] = "452 full"
        tell(lite, message(1))
        assert deliver(courier) == Tally(failed=1)
        post.refuse["chief@city.example"] = "550 no such person"
        clock.wait(minutes=1)
        assert deliver(courier) == Tally(dead=1)

    def test_a_mail_server_that_is_away_is_tried_again(self, lite, courier_of):
        class Nobody:
            port = 1

        courier = courier_of(lite, **mail(Nobody()))
        tell(lite, message(1))
        assert deliver(courier) == Tally(failed=1)

    def test_a_server_without_tls_gets_no_password(self, lite, post, courier_of, monkeypatch):
        monkeypatch.setenv("MAIL_PASSWORD", "sesame")
        login = {"security": "starttls", "username": "roads", "password": {"env": "MAIL_PASSWORD"}}
        courier = courier_of(lite, **mail(post, **login))
        tell(lite, message(1))
        assert deliver(courier) == Tally(failed=1)
        with reading(lite) as unit:
            (waiting,) = unit.outbox.list(DeliveryState.WAITING)
        assert "STARTTLS" in waiting.error
        assert "sesame" not in waiting.error

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, lite, post, courier_of, tmp_path):
        if shutil.which("openssl") is None:
            pytest.skip("no openssl here to make a certificate with")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
             "2", "-subj", "/CN=127.0.0.1", "-keyout", tmp_path / "key", "-out", tmp_path / "cert"],
            check=True, capture_output=True,
        )  # fmt: skip
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
        port = free_port()
        controller = Controller(post, hostname="127.0.0.1", port=port, tls_context=context)
        controller.start()
        try:
            post.port = port
            courier = courier_of(lite, **mail(post, security="starttls"))
            tell(lite, message(1))
            assert deliver(courier) == Tally(failed=1)
        finally:
            controller.stop()
        with reading(lite) as unit:
            assert "CERTIFICATE_VERIFY_FAILED" in unit.outbox.list(DeliveryState.WAITING)[0].error
        assert post.mails == []


class TestSettings:
    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"kind": "webhook", "url": "ftp://x/", "secret": {"env": "S"}}, "wanted https://HOST"),
            ({"kind": "webhook", "url": "https://u:p@x/", "secret": {"env": "S"}}, "no user or password"),
            ({"kind": "webhook", "url": "https://x/", "secret": {"env": "S", "file": "f"}}, "wanted one of"),
            ({"kind": "webhook", "url": "https://x/", "secret": "sesame"}, "secret"),
            ({"kind": "email", "host": "h", "sender": "a@b", "to": ["chief"]}, "'chief' is no mail address"),
            ({"kind": "email", "host": "h", "sender": "a@b", "to": ["c@d"], "username": "u"}, "go together"),
            ({"kind": "file", "path": "x", "topic": ["*"]}, "unknown key 'destinations.0.file.topic'"),
            ({"kind": "pigeon"}, "pigeon"),
        ],
        ids=["scheme", "password in url", "two secrets", "secret in clear", "address", "login", "typo", "kind"],
    )
    def test_a_wrong_destination_is_refused_with_what_to_write(self, tmp_path, wrong, says):
        (tmp_path / "d.yaml").write_text(json.dumps({"version": "1", "destinations": [{"name": "d", **wrong}]}))
        with pytest.raises(ConfigError, match=says):
            read_destinations(tmp_path / "d.yaml")

    def test_a_secret_that_is_missing_short_or_broken_is_told_without_it(self, courier_of, lite, monkeypatch, tmp_path):
        class There:
            url = "http://127.0.0.1:1/"

        monkeypatch.delenv("NO_SECRET", raising=False)
        with pytest.raises(ConfigError, match="environment variable NO_SECRET is to hold a secret and is empty"):
            courier_of(lite, **webhook(There(), secret={"env": "NO_SECRET"}))
        monkeypatch.setenv("NO_SECRET", "short")
        with pytest.raises(ConfigError, match="fewer than 16 bytes"):
            courier_of(lite, **webhook(There(), secret={"env": "NO_SECRET"}))
        monkeypatch.setenv("NO_SECRET", "whsec_***")
        with pytest.raises(ConfigError, match="base64"):
            courier_of(lite, **webhook(There(), secret={"env": "NO_SECRET"}))
        with pytest.raises(ConfigError, match="cannot be read: FileNotFoundError"):
            courier_of(lite, **webhook(There(), secret={"file": str(tmp_path / "none")}))
        (tmp_path / "key").write_text(f"{SECRET}\n")
        (key,) = courier_of(lite, **webhook(There(), secret={"file": str(tmp_path / "key")})).sender.keys
        assert key.data == SECRET.encode()
        assert SECRET not in repr(key)

    def test_secrets_are_neither_logged_nor_kept(self, lite, courier_of, caplog, tmp_path):
        with receiving(answering(500)) as receiver:
            courier = courier_of(lite, **webhook(receiver))
            tell(lite, message(1))
            deliver(courier)
        assert "was not taken" in caplog.text
        assert SECRET not in caplog.text
        kept = b"".join(path.read_bytes() for path in tmp_path.glob("lite.db*"))
        assert SECRET.encode() not in kept
        assert b"event:HZ-1:1" in kept
