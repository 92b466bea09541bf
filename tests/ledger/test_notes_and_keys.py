"""Signed notes, checkpoints and keys, against the examples of C2SP."""

from __future__ import annotations

import stat

import pytest

from roadwarden.errors import ConfigError, LedgerError, OutputError
from roadwarden.ledger.canonical import canonical, read_canonical, read_json
from roadwarden.ledger.checkpoint import Checkpoint, KeyRing, succession
from roadwarden.ledger.key_files import (
    public_path,
    read_private_key,
    read_public_keys,
    read_succession,
    succession_path,
    write_new_key,
)
from roadwarden.ledger.note import SignedNote, SigningKey, VerifierKey

ORIGIN = "roadwarden.example/west-lake"
GO_KEY = (
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"  # golang.org/x/mod/sumdb/note, its example
)
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
HEAD = Checkpoint(ORIGIN, 3, bytes(range(32)))


@pytest.fixture
def key():
    return SigningKey.new(ORIGIN)


def test_the_note_that_go_signed_is_read():
    note = SignedNote.parse(GO_NOTE)
    assert note.signed_by(VerifierKey.parse(GO_KEY))
    assert str(note) == GO_NOTE
    assert str(VerifierKey.parse(GO_KEY)) == GO_KEY


def test_a_checkpoint_has_the_three_lines_of_c2sp(key):
    content = str(HEAD.sign(key))
    assert content.startswith(f"{ORIGIN}\n3\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n\u2014 {ORIGIN} ")
    assert KeyRing((key.verifier,)).checkpoint(content) == HEAD


def test_every_byte_of_a_checkpoint_counts(key):
    content = str(HEAD.sign(key)).encode()
    ring = KeyRing((key.verifier,))
    for at in range(len(content)):
        for flip in (0x01, 0x20, 0x80):
            bad = content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :]
            with pytest.raises((LedgerError, UnicodeDecodeError)):
                ring.checkpoint(bad.decode())


def test_another_key_of_the_same_name_is_not_believed(key):
    with pytest.raises(LedgerError, match="no good signature"):
        KeyRing((SigningKey.new(ORIGIN).verifier,)).checkpoint(str(HEAD.sign(key)))


def test_the_key_of_one_log_signs_no_checkpoint_of_another(key):
    other = SigningKey.new("roadwarden.example/other")
    with pytest.raises(LedgerError, match="name the log's own key"):
        HEAD.sign(other)
    with pytest.raises(LedgerError, match="key of another log"):
        KeyRing((other.verifier,)).checkpoint(str(other.sign(HEAD.text)))


@pytest.mark.parametrize("text", ["", "x\n1\n", "x\n01\nAAAA\n", "x\n-1\nAAAA\n", "x\n1\nAAAA\nmore\n", "x\n1\n!\n"])
def test_what_is_no_checkpoint(text):
    with pytest.raises(LedgerError, match="checkpoint"):
        Checkpoint.parse(text)


class TestRotation:
    def test_whoever_trusts_the_old_key_believes_its_successor(self, key):
        new, newest = SigningKey.new(ORIGIN), SigningKey.new(ORIGIN)
        chain = [succession(new, newest.verifier), succession(key, new.verifier)]  # in any order
        ring = KeyRing((key.verifier,)).with_successions(chain)
        assert ring.checkpoint(str(HEAD.sign(newest))) == HEAD
        assert KeyRing((newest.verifier,)).checkpoint(str(HEAD.sign(newest))) == HEAD

    def test_a_key_that_nobody_trusts_names_no_successor(self, key):
        new, stranger = SigningKey.new(ORIGIN), SigningKey.new(ORIGIN)
        ring = KeyRing((key.verifier,)).with_successions([succession(stranger, new.verifier)])
        with pytest.raises(LedgerError, match="no good signature"):
            ring.checkpoint(str(HEAD.sign(new)))

    def test_the_newest_key_does_not_vouch_for_older_ones(self, key):
        new = SigningKey.new(ORIGIN)
        ring = KeyRing((new.verifier,)).with_successions([succession(key, new.verifier)])
        with pytest.raises(LedgerError, match="no good signature"):
            ring.checkpoint(str(HEAD.sign(key)))

    def test_keys_of_two_logs(self, key):
        with pytest.raises(LedgerError, match="cannot follow"):
            succession(key, SigningKey.new("elsewhere").verifier)


class TestKeyFiles:
    def test_a_new_key_is_its_owners_alone(self, tmp_path):
        path = tmp_path / "keys" / "log.key"
        made = write_new_key(path, ORIGIN)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert read_private_key(path) == made
        assert read_public_keys(public_path(path)) == (made.verifier,)
        assert made.seed.hex() not in repr(made)

    def test_a_key_is_never_overwritten(self, tmp_path):
        write_new_key(tmp_path / "log.key", ORIGIN)
        with pytest.raises(OutputError, match="never overwritten"):
            write_new_key(tmp_path / "log.key", ORIGIN)

    def test_a_key_that_others_may_read_is_refused(self, tmp_path):
        path = tmp_path / "log.key"
        write_new_key(path, ORIGIN)
        path.chmod(0o640)
        with pytest.raises(ConfigError, match="chmod 600"):
            read_private_key(path)

    def test_the_successor_comes_with_a_note_of_the_old_key(self, tmp_path):
        old = write_new_key(tmp_path / "old.key", ORIGIN)
        new = write_new_key(tmp_path / "new.key", ORIGIN, follows=old)
        note = read_succession(succession_path(tmp_path / "new.key"))
        assert KeyRing((old.verifier,), (note,)).believed == (old.verifier, new.verifier)

    @pytest.mark.parametrize("text", ["", "# nothing\n", "a+b\n", GO_KEY.replace("c7", "c8") + "\n"])
    def test_a_damaged_public_key_is_named(self, tmp_path, text):
        path = tmp_path / "log.pub"
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"log\.pub"):
            read_public_keys(path)

    def test_a_damaged_private_key_is_not_shown(self, tmp_path):
        path = tmp_path / "log.key"
        text = write_new_key(path, ORIGIN).text()
        path.write_text(text[:-6] + "AAAAA=")
        with pytest.raises(ConfigError) as refused:
            read_private_key(path)
        assert text[60:80] not in str(refused.value)


class TestCanonical:
    def test_as_rfc_8785_spells_it(self):
        value = {"\u20ac": "Euro", "\r": "CR", "1": 1.0, "numbers": [333333333.33333329, 1e30, 4.5, 2e-3, 1e-27]}
        assert canonical(value).decode() == (
            '{"\\r":"CR","1":1,"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"\u20ac":"Euro"}'
        )

    @pytest.mark.parametrize("value", [float("nan"), 2**60, {1: 2}, object(), "\ud800"])
    def test_what_json_has_not(self, value):
        with pytest.raises(LedgerError):
            canonical(value)

    @pytest.mark.parametrize("text", [b'{"a":1,"a":1}', b"NaN", b"\xff", b"{"])
    def test_what_is_not_strict(self, text):
        with pytest.raises(LedgerError, match="leaf"):
            read_json(text, "leaf")

    def test_another_spelling(self):
        with pytest.raises(LedgerError, match="canonical form"):
            read_canonical(b'{"a": 1}', "leaf")
