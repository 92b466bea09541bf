"""A bundle is checked with nothing but a public key, and stops being good when any byte of it changes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from roadwarden.cases.event_lines import parse_event_line
from roadwarden.errors import LedgerError
from roadwarden.ledger.bundle import Bundle, BundleLeaf, events_of, pack_bundle
from roadwarden.ledger.canonical import canonical, sha256_hex
from roadwarden.ledger.checkpoint import Checkpoint, KeyRing, succession
from roadwarden.ledger.leaves import KeptEvent, drafts_of_event, read_leaf
from roadwarden.ledger.merkle import inclusion_proof, leaf_hash
from roadwarden.ledger.note import SigningKey
from roadwarden.ledger.strict_zip import pack, unpack
from roadwarden.ledger.tiles import Tiles
from roadwarden.ledger.verify import verify_bundle

ORIGIN = "roadwarden.example/west-lake"
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
PICTURE = b"\xff\xd8\xff\xe0 a mended pothole"
KEY = SigningKey(ORIGIN, bytes(range(32)))
RING = KeyRing((KEY.verifier,))
CASE = "2026-000001"
DATA = {
    "filed": {"distress": "pothole", "severity": "normal", "note": "says Zhang San", "latitude": 30.25},
    "repair_reported": {"evidence": [sha256_hex(PICTURE), "a" * 64]},
    "assessed": {"verdict": "REPAIRED", "report_seq": 2, "assessment": "a-1"},
}


def kept(version, kind):
    when = MONDAY + timedelta(hours=version)
    return KeptEvent(version, CASE, version, version, kind, when, when, when, "Zhang San", "crew", DATA[kind], 1)


def made(personal=True):
    """The leaves of a small case, amid others in the log, as a bundle takes them."""
    drafts = [draft for version, kind in enumerate(DATA, start=1) for draft in drafts_of_event(kept(version, kind))]
    salts = [b"%032d" % at for at in range(len(drafts))]
    bodies = [draft.sealed(salt) for draft, salt in zip(drafts, salts, strict=True)]
    tiles = Tiles(lambda level, number: b"", 0)
    tiles.append([leaf_hash(b"of another case")] * 3 + [leaf_hash(body) for body in bodies])
    leaves = [
        BundleLeaf(
            at,
            read_leaf(body, "leaf"),
            inclusion_proof(tiles.node, at, tiles.size),
            salt if personal and draft.personal else None,
            draft.personal if personal else {},
        )
        for at, (draft, body, salt) in enumerate(zip(drafts, bodies, salts, strict=True), start=3)
    ]
    return leaves, Checkpoint(ORIGIN, tiles.size, tiles.root())


def bundle(key=KEY, **more):
    leaves, head = made(more.pop("personal", True))
    images = {sha256_hex(PICTURE): PICTURE}
    return Bundle(CASE, leaves, str(head.sign(key)), images=images, model={"model-card.json": b"{}\n"}, **more)


@pytest.fixture(scope="module")
def small():
    return pack_bundle(bundle(), KEY)


def with_files(content, key=KEY, **files):
    """As somebody would who can sign (``key``) or not (None): other files, and a manifest that fits them."""
    from roadwarden.ledger.bundle import MANIFEST, SIGNATURE, manifest_of, signed_text

    there = unpack(content) | {name.replace("__", "."): one for name, one in files.items()}
    there = {name: one for name, one in there.items() if one is not None and name not in (MANIFEST, SIGNATURE)}
    manifest = manifest_of(CASE, there)
    signature = unpack(content)[SIGNATURE] if key is None else str(key.sign(signed_text(manifest))).encode()
    return pack(there | {MANIFEST: manifest, SIGNATURE: signature})


def lines_of(content, name="leaves.jsonl"):
    return unpack(content)[name].splitlines(keepends=True)


class TestGood:
    def test_it_verifies(self, small):
        report = verify_bundle(small, RING)
        assert report.faults == ()
        assert (report.case, report.events, report.leaves, report.withheld) == (CASE, 3, 6, 0)
        assert report.images == (sha256_hex(PICTURE),)
        assert report.images_missing == ("a" * 64,)
        assert report.checkpoint.size == 9

    def test_the_same_case_is_the_same_bytes(self, small):
        assert pack_bundle(bundle(), KEY) == small

    def test_its_events_are_those_of_the_replay(self, small):
        events = [parse_event_line(line) for line in unpack(small)["events.jsonl"].decode().splitlines()]
        assert [event.actor for event in events] == ["Zhang San"] * 3
        assert events[0].data.note == "says Zhang San"

    def test_it_explains_itself_in_two_languages(self, small):
        page = unpack(small)["README.md"].decode()
        assert "存证包" in page
        assert "How to check it" in page
        assert CASE in page

    def test_without_names_it_verifies_too_and_has_none(self):
        content = pack_bundle(bundle(personal=False), KEY)
        report = verify_bundle(content, RING)
        assert (report.verified, report.withheld) == (True, 3)
        assert b"Zhang San" not in content

    def test_after_a_rotation_the_old_public_key_still_serves(self):
        new = SigningKey(ORIGIN, bytes(32))
        content = pack_bundle(bundle(new, successions=[str(succession(KEY, new.verifier))]), new)
        assert verify_bundle(content, RING).verified
        assert verify_bundle(content, KeyRing((new.verifier,))).verified

    def test_another_logs_key_does_not_do(self, small):
        report = verify_bundle(small, KeyRing((SigningKey.new(ORIGIN).verifier,)))
        assert "no good signature" in report.faults[0]


class TestEveryByte:
    def test_of_a_small_one_changed(self, small):
        """All of them: contents, names, and what belongs to the zip alone."""
        survived = []
        for at in range(len(small)):
            bad = bytearray(small)
            bad[at] ^= 1 << at % 8
            if verify_bundle(bytes(bad), RING).verified:
                survived.append(at)
        assert survived == []

    def test_removed_or_added(self, small):
        for at in range(0, len(small), 7):
            assert not verify_bundle(small[:at] + small[at + 1 :], RING).verified
            assert not verify_bundle(small[:at] + b"\0" + small[at:], RING).verified
        for extra in (b"\0", b"PK", small):
            assert not verify_bundle(small + extra, RING).verified
            assert not verify_bundle(extra + small, RING).verified
        assert not verify_bundle(b"", RING).verified

    @pytest.mark.parametrize(
        "packed",
        [
            {"compression": zipfile.ZIP_DEFLATED},
            {"date_time": (2026, 3, 1, 0, 0, 0)},
            {"comment": b"hello"},
            {"external_attr": 0},
            {"extra": b"\x99\x99\x00\x00"},
            {"reverse": True},
            {"twice": True},
        ],
        ids=lambda packed: next(iter(packed)),
    )
    def test_packed_otherwise_with_the_same_files(self, small, packed):
        out = BytesIO()
        files = unpack(small)
        with zipfile.ZipFile(out, "w", packed.get("compression", zipfile.ZIP_STORED)) as archive:
            for name in sorted(files, reverse=packed.get("reverse", False)):
                entry = zipfile.ZipInfo(name, packed.get("date_time", (1980, 1, 1, 0, 0, 0)))
                entry.create_system, entry.external_attr = 3, packed.get("external_attr", 0o100644 << 16)
                entry.extra = packed.get("extra", b"")
                entry.compress_type = packed.get("compression", zipfile.ZIP_STORED)
                archive.writestr(entry, files[name])
            if packed.get("twice"):
                with pytest.warns(UserWarning, match="Duplicate"):
                    archive.writestr(entry, files[name])
            archive.comment = packed.get("comment", b"")
        assert "not packed as bundles are" in verify_bundle(out.getvalue(), RING).faults[0]


class TestTampering:
    """By somebody without the key each is told by the manifest; by one who has it, by the log."""

    def faults(self, content):
        return " | ".join(verify_bundle(content, RING).faults)

    def test_without_the_key_every_file_is_bound(self, small):
        for name in unpack(small):
            if name.startswith("manifest."):
                assert not verify_bundle(pack(unpack(small) | {name: b"something else"}), RING).verified
                continue
            for changed in (b"something else", None):
                assert not verify_bundle(with_files(small, None, **{name: changed}), RING).verified

    def test_a_file_that_was_changed_removed_or_added_is_named(self, small):
        files = unpack(small)
        assert self.faults(pack(files | {"README.md": b"x"})) == (
            "README.md was changed: it is not what the manifest says"
        )
        assert "images/x.jpg was added" in self.faults(pack(files | {"images/x.jpg": b"x"}))
        del files["model/model-card.json"]
        assert "model/model-card.json is missing" in self.faults(pack(files))

    @pytest.mark.parametrize(
        ("name", "change", "named"),
        [
            ("events.jsonl", lambda lines: [lines[0].replace(b"normal", b"severe"), *lines[1:]], ":1: event 1 is not"),
            ("events.jsonl", lambda lines: lines[:-1], "2 events, the log has 3"),
            ("events.jsonl", lambda lines: [*lines, lines[0]], "4 events, the log has 3"),
            ("events.jsonl", lambda lines: [lines[1], lines[0], lines[2]], "events.jsonl:1: event 2 is not"),
            ("leaves.jsonl", lambda lines: [lines[0].replace(b"normal", b"severe"), *lines[1:]], "leaf 3 (event)"),
            ("leaves.jsonl", lambda lines: lines[1:], "version 1 of the case is missing"),
            ("leaves.jsonl", lambda lines: lines[:-2], "3 events, the log has 2"),
            ("leaves.jsonl", lambda lines: [lines[0], *lines], "reordered or stand twice"),
            ("leaves.jsonl", lambda lines: [lines[1], lines[0], *lines[2:]], "reordered or stand twice"),
            ("leaves.jsonl", lambda lines: [*lines[:-1], lines[-1][:-1]], "cut off"),
            ("leaves.jsonl", lambda lines: [b" " + lines[0], *lines[1:]], "not in canonical form"),
            ("leaves.jsonl", lambda lines: [b"{}\n"], "not a line of it"),
            ("leaves.jsonl", lambda lines: [*lines[:-1], lines[-1].replace(b"REPAIRED", b"PARTIAL")], "(assessment)"),
            ("leaves.jsonl", lambda lines: [one.replace(b"a" * 64, b"b" * 64) for one in lines], "(evidence)"),
            ("leaves.jsonl", lambda lines: [one.replace(b"Zhang San", b"Li Si") for one in lines], "actor is not what"),
        ],
    )  # fmt: skip
    def test_even_who_can_sign_is_found_out(self, small, name, change, named):
        changed = b"".join(change(lines_of(small, name)))
        assert named in self.faults(with_files(small, **{name: changed}))

    def test_a_picture_that_was_exchanged(self, small):
        name = f"images/{sha256_hex(PICTURE)}.jpg"
        assert "no event of the case names a picture" in self.faults(with_files(small, **{name: b"another"}))

    def test_a_proof_of_another_place(self, small):
        leaves, _ = made()
        turned = [replace(leaves[0], proof=leaves[1].proof), *leaves[1:]]
        content = b"".join(canonical(leaf.as_json()) + b"\n" for leaf in turned)
        assert "leaf 3 (event): its proof does not lead" in self.faults(with_files(small, leaves__jsonl=content))

    def test_an_older_checkpoint(self, small):
        _, head = made()
        older = str(replace(head, size=8).sign(KEY)).encode()
        assert "does not lead to the checkpoint" in self.faults(with_files(small, checkpoint=older))

    def test_an_event_of_another_case(self, small):
        assert events_of(made()[0], "2026-000002") == ()

    def test_a_form_that_we_do_not_know(self, small):
        files = unpack(small)
        manifest = files["manifest.json"].replace(b"bundle v1", b"bundle v2")
        from roadwarden.ledger.bundle import signed_text

        files |= {"manifest.json": manifest, "manifest.sig": str(KEY.sign(signed_text(manifest))).encode()}
        assert "newer Roadwarden" in self.faults(pack(files))

    def test_a_file_with_a_name_that_leads_out(self):
        with pytest.raises(LedgerError, match="no file named"):
            pack_bundle(replace(bundle(), model={"../../etc/passwd": b""}), KEY)

    def test_a_zip_that_claims_to_be_huge(self):
        out = BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("events.jsonl", b"\0" * 50_000_000)
        assert "compressed" in self.faults(out.getvalue())


class TestOnAnotherMachine:
    """Only the command line and the public key: an empty folder, an empty home, no database, no network."""

    def verify(self, folder, *arguments):
        bare = {"HOME": str(folder / "home"), "PATH": os.defpath, "LANG": "C.UTF-8"}
        (folder / "home").mkdir(exist_ok=True)
        program = (  # as if the cable were pulled
            "import socket, sys\n"
            "def no(*_a, **_k): raise OSError('no network here')\n"
            "socket.socket.connect = no\n"
            "from roadwarden.cli import main\n"
            "main()\n"
        )
        command = [sys.executable, "-c", program, "ledger", "verify", *arguments]
        return subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, check=False)

    def test_a_good_one_and_a_bad_one(self, tmp_path, small):
        (tmp_path / "case.zip").write_bytes(small)
        (tmp_path / "bad.zip").write_bytes(small.replace(b"mended", b"broken"))
        (tmp_path / "log.pub").write_text(f"{KEY.verifier}\n")
        before = sorted(path.name for path in tmp_path.iterdir())
        good = self.verify(tmp_path, "case.zip", "--key", "log.pub")
        assert good.returncode == 0, good.stderr
        assert good.stdout.startswith("verified: case 2026-000001, 3 events, 1 pictures")
        bad = self.verify(tmp_path, "bad.zip", "--key", "log.pub", "--json")
        assert bad.returncode == 3
        assert json.loads(bad.stdout)["verified"] is False
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "home"])
        assert list((tmp_path / "home").iterdir()) == []
        assert stat.S_ISREG((tmp_path / "case.zip").stat().st_mode)
