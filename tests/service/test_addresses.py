"""Webhooks do not reach what only we can reach (SSRF), whatever a name says and whenever it says it."""

from __future__ import annotations

import json
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from receivers import SECRET, answering, receiving

from roadwarden.errors import ConfigError
from roadwarden.service.addresses import Allowance, ForbiddenAddress, PinnedConnection, pinned, resolve, why_forbidden
from roadwarden.service.destinations import read_destinations
from roadwarden.service.senders import NotDelivered, ping_of, sender_of

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
PRIVATE = frozenset({Allowance.PRIVATE_ADDRESS})
PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "223.5.5.5", "64:ff9b::5db8:d822")
INSIDE = (
    "127.0.0.1",
    "127.9.9.9",
    "10.0.0.1",
    "172.16.5.5",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fc00::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "64:ff9b::a00:1",  # NAT64 of 10.0.0.1
    "198.18.0.1",
    "192.0.2.5",
)
NEVER = (
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "fe80::1",
    "fe80::1%eth0",
    "100.100.100.200",
    "192.0.0.192",
    "fd00:ec2::254",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "no address",
)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_everybody_can_reach(address):
    assert why_forbidden(address) is None


@pytest.mark.parametrize("address", INSIDE)
def test_what_only_we_can_reach_is_reached_where_the_file_says_so(address):
    assert "private or loopback" in (why_forbidden(address) or "")
    assert why_forbidden(address, PRIVATE) is None


@pytest.mark.parametrize("address", NEVER)
def test_what_nobody_is_sent_to(address):
    assert why_forbidden(address)
    assert why_forbidden(address, PRIVATE)


def test_a_name_that_leads_to_a_good_and_a_bad_address_is_refused():
    with pytest.raises(ForbiddenAddress, match=r"evil\.example is not sent to: 10\.0\.0\.1 is a private"):
        pinned("evil.example", 443, frozenset(), lambda _host, _port: ("93.184.216.34", "10.0.0.1"))
    with pytest.raises(ForbiddenAddress, match="has no address"):
        pinned("nobody.example", 443, frozenset(), lambda _host, _port: ())


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "017700000001"])
def test_other_ways_to_write_this_machine(host):
    with pytest.raises(OSError, match=r"not sent to|not known|No address|Name"):
        pinned(host, 80, frozenset(), resolve)


@pytest.fixture
def destination(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTRICT_SECRET", SECRET)

    def make(url, *allow, **more):
        entry = {"name": "d", "kind": "webhook", "url": url, "secret": {"env": "DISTRICT_SECRET"}, "timeout_s": 1}
        entry |= {"allow": list(allow)} | more
        (tmp_path / "d.yaml").write_text(json.dumps({"version": "1", "destinations": [entry]}))
        return read_destinations(tmp_path / "d.yaml")[0]

    return make


class TestSettings:
    @pytest.mark.parametrize(
        ("url", "says"),
        [
            ("http://desk.example/", "write https://"),
            ("https://10.0.0.1/", "private or loopback"),
            ("https://[::1]/", "private or loopback"),
            ("https://169.254.169.254/latest/meta-data", "metadata"),
            ("https://desk.example:99999/", "out of range|Port"),
            ("file:///etc/passwd", "wanted https://HOST"),
            ("gopher://desk.example/", "wanted https://HOST"),
        ],
    )
    def test_is_told_before_anything_is_sent(self, destination, url, says):
        with pytest.raises(ConfigError, match=says):
            destination(url)

    def test_an_allowance_is_of_its_destination_alone(self, destination):
        assert destination("http://10.0.0.1/", "plain-http", "private-address")
        with pytest.raises(ConfigError, match="metadata"):
            destination("http://169.254.169.254/", "plain-http", "private-address")
        with pytest.raises(ConfigError, match="'private-address' or 'plain-http'"):
            destination("https://desk.example/", "everything")


class TestSending:
    def test_a_name_that_leads_inside_by_now_is_not_followed(self, destination):
        """DNS rebinding: what is judged is what is connected to."""
        with receiving() as receiver:
            port = receiver.url.split(":")[2]
            asked = []

            def turns(host, _port):
                asked.append(host)
                return ("127.0.0.1",) if len(asked) > 1 else ("93.184.216.34",)

            there = destination(f"http://desk.example:{port}", "plain-http")
            sender = replace(sender_of(there), resolved=turns)
            turns("warm", 0)
            with pytest.raises(NotDelivered, match=r"desk\.example is not sent to: 127\.0\.0\.1"):
                sender.send(ping_of(NOW), NOW)
            assert receiver.requests == 0
            assert asked == ["warm", "desk.example"]  # once a message, never between judging and connecting

    def test_the_address_that_was_judged_is_the_one_that_is_asked(self, destination):
        """The name does not exist; only the pinned address leads anywhere, and the server is told the name."""
        hosts = []

        def behave(handler, _number):
            hosts.append(handler.headers["Host"])
            return True

        with receiving(behave) as receiver:
            port = receiver.url.rsplit(":")[2].split("/")[0]
            there = destination(f"http://desk.invalid:{port}/hook", "plain-http", "private-address")
            sender = replace(sender_of(there), resolved=lambda _host, _port: ("127.0.0.1",))
            sender.send(ping_of(NOW), NOW)
        assert hosts == [f"desk.invalid:{port}"]
        assert receiver.bad_signatures == 0

    def test_a_redirect_to_the_inside_is_not_followed(self, destination):
        with receiving() as inside, receiving(answering(302, [("Location", inside.url)])) as receiver:
            sender = sender_of(destination(receiver.url, "plain-http", "private-address"))
            with pytest.raises(NotDelivered, match="answered 302"):
                sender.send(ping_of(NOW), NOW)
        assert inside.requests == 0

    def test_an_answer_without_end_is_cut_off(self, destination):
        def behave(handler, _number):
            handler.send_response(500)
            handler.end_headers()
            try:
                while True:
                    handler.wfile.write(b"x" * 65536)
            except OSError:
                return False

        with receiving(behave) as receiver:
            sender = sender_of(destination(receiver.url, "plain-http", "private-address"))
            with pytest.raises(NotDelivered, match=r"answered 500: x{200}$"):
                sender.send(ping_of(NOW), NOW)

    def test_who_answers_a_byte_at_a_time_does_not_hold_us(self, destination):
        stop = threading.Event()

        def behave(handler, _number):
            try:
                for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 10_000:
                    handler.wfile.write(bytes([byte]))
                    if stop.wait(0.1):
                        break
            except OSError:
                pass
            return False

        with receiving(behave) as receiver:
            sender = sender_of(destination(receiver.url, "plain-http", "private-address", timeout_s=0.3))
            start = time.monotonic()
            with pytest.raises(NotDelivered, match="no answer"):
                sender.send(ping_of(NOW), NOW)
            assert time.monotonic() - start < 2
            stop.set()

    def test_over_tls_the_certificate_is_that_of_the_name(self, tmp_path):
        """The name does not exist; the server at the pinned address shows a certificate of that name, or of another."""
        with encrypted(tmp_path, "desk.invalid") as (port, trusting):
            good = PinnedConnection("desk.invalid", port, "127.0.0.1", 5, trusting)
            good.request("POST", "/", b"{}")
            assert good.getresponse().status == 204
            good.close()
            other = PinnedConnection("other.invalid", port, "127.0.0.1", 5, trusting)
            with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'other\.invalid'"):
                other.request("POST", "/", b"{}")


@contextmanager
def encrypted(folder, name):
    """A server over TLS on this machine with a certificate of that name, and a context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(subject, subject, key.public_key(), 1)
    made = made.not_valid_before(datetime(2020, 1, 1)).not_valid_after(datetime(2120, 1, 1))  # noqa: DTZ001 - UTC
    certificate = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False).sign(key, SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    (folder / "both.pem").write_bytes(pem)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "both.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_port, ssl.create_default_context(cadata=certificate.public_bytes(Encoding.PEM).decode())
    finally:
        server.shutdown()
        server.server_close()
