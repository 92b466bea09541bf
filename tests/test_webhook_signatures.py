"""Signatures of Standard Webhooks: made as others make them, and only right ones are taken."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from roadwarden.errors import ConfigError
from roadwarden.webhook_signatures import BadSignature, KeyKind, new_key, read_key, signed_headers, verify

BODY = b'{"test": 2432232314}'
THEN = datetime.fromtimestamp(1614265330, UTC)
SHARED = read_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def headers(*keys, body=BODY):
    return signed_headers(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", THEN, body)


def test_the_vector_of_the_specification():
    assert headers(SHARED)["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_ed25519_is_what_the_library_signs():
    raw = bytes(range(32))
    key = read_key("whsk_" + base64.b64encode(raw).decode())
    content = f"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{BODY.decode()}".encode()
    expected = base64.b64encode(Ed25519PrivateKey.from_private_bytes(raw).sign(content)).decode()
    assert headers(key)["webhook-signature"] == f"v1a,{expected}"
    long = read_key("whsk_" + base64.b64encode(raw + key.public().data).decode())  # libsodium's form
    assert long == key


@pytest.mark.parametrize("ed25519", [False, True], ids=["hmac", "ed25519"])
def test_while_a_key_is_changed_both_sides_may_have_either(ed25519):
    old, new = new_key(ed25519=ed25519), new_key(ed25519=ed25519)
    for known in ([old], [new], [new, old]):
        public = [key.public() for key in known]
        assert verify(public, headers(old, new), BODY, THEN).id == "msg_p5jXN8AQM9LWM0D4loKWxJek"
        assert verify([old.public(), new.public()], headers(*known), BODY, THEN).at == THEN
    with pytest.raises(BadSignature, match="no signature"):
        verify([old.public()], headers(new), BODY, THEN)


def test_every_byte_and_every_header_counts():
    right = headers(SHARED)
    for at in range(len(BODY)):
        changed = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
        with pytest.raises(BadSignature):
            verify([SHARED], right, changed, THEN)
    for name, other in (("webhook-id", "msg_2"), ("webhook-timestamp", "1614265331"), ("webhook-signature", "v1,aaaa")):
        with pytest.raises(BadSignature):
            verify([SHARED], right | {name: other}, BODY, THEN)
        with pytest.raises(BadSignature, match="wanted the headers"):
            verify([SHARED], {key: value for key, value in right.items() if key != name}, BODY, THEN)


@pytest.mark.parametrize("timestamp", ["", "soon", "-5", "1" * 30, "1614265330.5", "\u0661"])
def test_a_time_that_is_none(timestamp):
    with pytest.raises(BadSignature):
        verify([SHARED], headers(SHARED) | {"webhook-timestamp": timestamp}, BODY, THEN)


def test_a_recorded_message_is_not_taken_again_after_five_minutes():
    assert verify([SHARED], headers(SHARED), BODY, THEN + timedelta(minutes=5))
    assert verify([SHARED], headers(SHARED), BODY, THEN - timedelta(minutes=5))
    for late in (timedelta(minutes=5, seconds=1), timedelta(minutes=-5, seconds=-1)):
        with pytest.raises(BadSignature, match="more than 300 s apart"):
            verify([SHARED], headers(SHARED), BODY, THEN + late)


def test_a_public_key_is_no_shared_secret():
    """Else who knows the public key signs with it as if it were a secret."""
    public = new_key(ed25519=True).public()
    forged = read_key("whsec_" + base64.b64encode(public.data).decode())
    with pytest.raises(BadSignature):
        verify([public], headers(forged), BODY, THEN)


def test_keys_are_written_as_they_are_read_and_not_shown():
    for key in (new_key(), new_key(ed25519=True), new_key(ed25519=True).public()):
        assert read_key(key.text()) == key
        assert key.text()[5:20] not in repr(key)
    assert read_key("a secret of the district's office").kind is KeyKind.HMAC


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("short", "fewer than 16 bytes"),
        ("whsec_c2hvcnQ=", "fewer than 16 bytes"),
        ("whsec_***", "something else than base64"),
        ("whsk_c2hvcnQ=", "has 5 bytes; Ed25519 keys have 32"),
        ("whpk_" + base64.b64encode(bytes(64)).decode(), "has 64 bytes"),
    ],
)
def test_a_key_that_is_none_is_told_without_it(text, says):
    with pytest.raises(ConfigError, match=says) as told:
        read_key(text)
    assert text not in str(told.value)


def test_nobody_signs_with_a_public_key():
    with pytest.raises(ConfigError, match="give the private one"):
        headers(new_key(ed25519=True).public())
