"""The log of a district: it follows, is signed and witnessed, and every kind of tampering is found and named."""

from __future__ import annotations

import json
import secrets
import shutil
import threading
from dataclasses import replace

import pytest
from desks import MONDAY, desk_of, file_one, report
from logged import CASES, ORIGIN, District, district, live, moves
from sqlalchemy import text

from roadwarden.errors import DataError, LedgerError, UnknownCase, WitnessRefused
from roadwarden.ledger.checkpoint import KeyRing, head_of, succession
from roadwarden.ledger.leaves import LeafKind, Source, drafts_of_event, read_leaf
from roadwarden.ledger.merkle import included, leaf_hash
from roadwarden.ledger.note import SigningKey
from roadwarden.models.mlflow_store import MlflowStore
from roadwarden.service.ledger import MODEL_NAME, Ledger, kept_event, registry_moves
from roadwarden.service.ledger_erasure import ErasedEvents, Erasure, erase
from roadwarden.service.witnesses import open_witness
from roadwarden.storage.case_unit import reading as reading_cases
from roadwarden.storage.engine import reading, writing
from roadwarden.storage.ledger_store import LedgerStore
from roadwarden.storage.schema import open_storage

FIRST, SECOND, THIRD = CASES


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def template(request, tmp_path_factory):
    """A district that was logged and witnessed, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("district")
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    url = server.new_database() if server else f"sqlite:///{folder}/roadwarden.db"
    engine = open_storage(url)
    live(engine)
    there = district(engine, folder)
    there.advance()
    there.close()
    yield folder, url, server, there.key
    if server:
        server.drop(url)


@pytest.fixture
def logged(template, tmp_path) -> District:
    folder, source, server, key = template
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    url = f"sqlite:///{tmp_path}/roadwarden.db"
    if server:
        name = f"t{secrets.token_hex(6)}"
        server.run(f"CREATE DATABASE {name} TEMPLATE {source.rpartition('/')[2]}")
        url = server.url(name)
    there = replace(district(open_storage(url), tmp_path), key=key)
    yield there
    there.close()
    if server:
        server.drop(url)


def leaves(engine):
    with reading(engine) as connection:
        store = LedgerStore(connection)
        return store.leaves(0, store.size())


class TestFollowing:
    def test_every_event_picture_and_verdict_is_a_leaf_in_the_order_in_which_they_were_kept(self, logged):
        with reading_cases(logged.engine) as unit:
            events = list(unit.events.all())
        found = leaves(logged.engine)
        bodies = [read_leaf(leaf.body.encode(), "leaf") for leaf in found]
        logged_events = [(body["case"], body["seq"]) for body in bodies if body["kind"] == LeafKind.EVENT]
        assert logged_events == [(event.case, event.seq) for event in events]
        kinds = [body["kind"] for body in bodies]
        assert kinds.count(LeafKind.EVIDENCE) == 3
        assert kinds.count(LeafKind.ASSESSMENT) == 2
        assert [leaf.number for leaf in found] == list(range(len(found)))

    def test_again_nothing_is_added(self, logged):
        before = leaves(logged.engine)
        assert logged.ledger.follow() == 0
        assert leaves(logged.engine) == before

    def test_many_followers_at_once_add_each_event_once(self, engine, tmp_path):
        desk = desk_of(engine)
        for number in range(40):
            file_one(desk, f"c{number}")
        threads = [threading.Thread(target=Ledger(engine).follow) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [leaf.case for leaf in leaves(engine)] == [f"c{number}" for number in range(40)]
        assert district(engine, tmp_path).named(witnesses=()) == []

    def test_names_and_free_text_are_not_in_the_log(self, logged):
        everything = "".join(leaf.body for leaf in leaves(logged.engine))
        with reading_cases(logged.engine) as unit:
            written = json.dumps([event.as_json() for event in unit.events.all()])
        for personal in ("u7", "u4", "too dark", "Wang Wu"):
            assert f'"{personal}' in written or personal in written
            assert personal not in everything
        assert '"approved_by":{"role":"road_chief"}' in everything

    def test_the_same_name_is_sealed_differently_each_time(self, logged):
        seals = [json.loads(leaf.body)["personal"]["actor"] for leaf in leaves(logged.engine) if leaf.salt]
        assert len(set(seals)) == len(seals) > 10

    def test_moves_of_model_aliases_are_leaves(self, logged):
        logged.advance(moves=moves(2))
        assert logged.ledger.follow(moves(3)) == 1
        found = [json.loads(leaf.body) for leaf in leaves(logged.engine) if leaf.source == Source.REGISTRY]
        assert [(leaf["number"], leaf["to_version"]) for leaf in found] == [(1, 1), (2, 2), (3, 3)]
        assert "Li Si" not in json.dumps(found)
        assert logged.named(moves=moves(3)) == []

    def test_more_events_than_one_transaction_takes(self, engine, tmp_path, monkeypatch):
        monkeypatch.setattr("roadwarden.service.ledger.EVENTS_AT_ONCE", 7)
        live(engine)
        Ledger(engine).follow()
        assert len(leaves(engine)) == 9 + 5 + 10  # of the three cases, with pictures and verdicts
        assert district(engine, tmp_path).named(witnesses=()) == []


class TestCheckpoints:
    def test_each_leaf_is_proved_in_the_newest_checkpoint(self, logged):
        proved = logged.ledger.prove(leaves(logged.engine))
        for one in proved:
            head = logged.ring.checkpoint(one.checkpoint.note)
            assert included(leaf_hash(one.leaf.body.encode()), one.leaf.number, head.size, one.proof, head.root)

    def test_nothing_new_is_not_signed_again(self, logged):
        assert logged.advance().number == 1
        file_one(desk_of(logged.engine), "later")
        assert logged.advance().number == 2

    def test_a_leaf_that_is_not_signed_yet_is_not_proved(self, logged):
        file_one(desk_of(logged.engine), "later")
        logged.ledger.follow()
        with pytest.raises(LedgerError, match="newer than the checkpoint"):
            logged.ledger.prove(leaves(logged.engine)[-1:])

    def test_a_log_that_was_cut_is_not_signed(self, logged):
        logged.attack("DELETE FROM ledger_leaves WHERE number > 3")
        with pytest.raises(LedgerError, match="ledger audit"):
            logged.ledger.checkpoint(logged.key, MONDAY)

    def test_the_database_refuses_changes_while_its_triggers_stand(self, logged):
        for statement in (
            "UPDATE ledger_leaves SET body = 'x' WHERE number = 1",
            "DELETE FROM ledger_leaves WHERE number = 1",
            "DELETE FROM ledger_checkpoints",
            "DELETE FROM ledger_tiles",
            "UPDATE ledger_tiles SET level = 5",
        ):
            with pytest.raises(DataError, match="only"), writing(logged.engine) as connection:
                connection.execute(text(statement))

    def test_a_key_that_follows_another_goes_on_with_the_log(self, logged):
        new = SigningKey.new(ORIGIN)
        note = succession(logged.key, new.verifier)
        logged.ledger.add_succession(note, str(new.verifier), MONDAY)
        logged.ledger.add_succession(note, str(new.verifier), MONDAY)
        row = logged.ledger.checkpoint(new, MONDAY)
        assert logged.ledger.ring(logged.ring).checkpoint(row.note).size == row.size
        assert logged.ledger.show(logged.file, logged.ring, MONDAY) == 1
        assert logged.named(witnesses=[logged.file]) == []
        assert [leaf.kind for leaf in leaves(logged.engine)].count(LeafKind.KEY) == 1


class TestWitnesses:
    def test_both_keep_every_checkpoint(self, logged):
        file_one(desk_of(logged.engine), "later")
        logged.advance()
        for witness in logged.witnesses:
            assert [head_of(one.note).size for one in witness.kept(ORIGIN)] == [
                len(leaves(logged.engine)) - 1,
                len(leaves(logged.engine)),
            ]

    def test_one_that_was_away_gets_what_it_missed(self, logged, tmp_path):
        for number in range(3):
            file_one(desk_of(logged.engine), f"later {number}")
            logged.ledger.follow()
            logged.ledger.checkpoint(logged.key, MONDAY)
        late = open_witness(str(tmp_path / "late.jsonl"))
        assert logged.ledger.show(late, logged.ring, MONDAY) == 4
        assert logged.ledger.show(logged.other, logged.ring, MONDAY) == 3
        assert logged.named(witnesses=[late, logged.other]) == []

    def test_two_who_show_the_same_at_once_and_the_slower_shows_an_older_one(self, logged):
        older = logged.ledger.checkpoint(logged.key, MONDAY).note
        file_one(desk_of(logged.engine), "later")
        logged.advance()
        for witness in logged.witnesses:
            before = witness.kept(ORIGIN)
            witness.submit(older, (), logged.ring, MONDAY)
            assert witness.kept(ORIGIN) == before

    def test_a_file_is_written_by_one_at_a_time(self, logged):
        for number in range(6):
            file_one(desk_of(logged.engine), f"later {number}")
            logged.ledger.follow()
            logged.ledger.checkpoint(logged.key, MONDAY)
        show = lambda: logged.ledger.show(logged.file, logged.ring, MONDAY)  # noqa: E731
        threads = [threading.Thread(target=show) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [head_of(one.note).size for one in logged.file.kept(ORIGIN)] == list(range(24, 31))

    def test_a_log_that_was_written_anew_is_refused_and_named(self, logged, tmp_path):
        other = open_storage(f"sqlite:///{tmp_path}/forged.db")
        desk = desk_of(other)
        for number in range(30):
            file_one(desk, f"invented {number}")
        forger = Ledger(other)
        forger.follow()
        forger.checkpoint(logged.key, MONDAY)  # with the real key
        for witness in logged.witnesses:
            with pytest.raises(WitnessRefused, match=r"does not begin with the .* that were witnessed"):
                forger.show(witness, logged.ring, MONDAY)
        assert len(logged.file.kept(ORIGIN)) == len(logged.other.kept(ORIGIN)) == 1

    def test_a_log_that_was_cut_is_refused_and_named(self, logged, tmp_path):
        other = open_storage(f"sqlite:///{tmp_path}/older.db")
        file_one(desk_of(other), FIRST)
        forger = Ledger(other)
        forger.follow()
        forger.checkpoint(logged.key, MONDAY)
        with pytest.raises(WitnessRefused, match="truncated or an older one put back"):
            forger.show(logged.file, logged.ring, MONDAY)

    def test_another_log_of_the_same_size_is_refused_and_named(self, logged, tmp_path):
        other = open_storage(f"sqlite:///{tmp_path}/other.db")
        live(other)
        forger = Ledger(other)
        forger.follow()
        forger.checkpoint(logged.key, MONDAY)
        assert len(leaves(other)) == len(leaves(logged.engine))
        with pytest.raises(WitnessRefused, match="different roots: leaves were changed"):
            forger.show(logged.other, logged.ring, MONDAY)

    def test_a_checkpoint_of_a_stranger_is_not_taken(self, logged):
        stranger = KeyRing((SigningKey.new(ORIGIN).verifier,))
        file_one(desk_of(logged.engine), "later")
        logged.ledger.follow()
        logged.ledger.checkpoint(logged.key, MONDAY)
        with pytest.raises(LedgerError, match="no good signature"):
            logged.ledger.show(logged.file, stranger, MONDAY)

    @pytest.mark.parametrize(
        ("tamper", "named"),
        [
            (lambda lines: [lines[0].replace(b"2026", b"2025"), *lines[1:]], "line 2 does not follow"),
            (lambda lines: lines[1:], "line 1 does not follow"),
            (lambda lines: [lines[0], lines[2], lines[1]], "line 2 does not follow"),
            (lambda lines: [lines[0], lines[0], *lines[1:]], "line 2 does not follow"),
            (lambda lines: [*lines[:2], lines[2][:-5]], "line 3 was cut off"),
            (lambda lines: [b"{}\n", *lines], "line 1 is none of a witness"),
        ],
        ids=["changed", "deleted", "reordered", "inserted", "cut", "foreign"],
    )
    def test_a_file_that_was_tampered_with_is_named(self, logged, tamper, named):
        for number in range(2):
            file_one(desk_of(logged.engine), f"c{number}")
            logged.advance()
        lines = logged.file_path.read_bytes().splitlines(keepends=True)
        logged.file_path.write_bytes(b"".join(tamper(lines)))
        found = logged.named(witnesses=[logged.file])
        assert any(named in fault for fault in found), found


def changed(column, value="'somebody else'"):
    return f"UPDATE case_events SET {column} = {value} WHERE case_id = '{FIRST}' AND version = 5"


ATTACKS = {
    "the actor of an event": ([changed("actor")], "changed: event repair_reported of case 2026-000001 version 5"),
    "the role": ([changed("role", "'auditor'")], 'role is "auditor", the log has "crew"'),
    "its time": (
        ["UPDATE case_events SET received_at = occurred_at, occurred_at = recorded_at, recorded_at = '2026-03-01'"],
        "recorded_at is",
    ),
    "its type": ([changed("type", "'self_handled'")], 'type is "self_handled"'),
    "evidence's sha256": (
        [f"UPDATE case_events SET data = replace(data, '{'a' * 64}', '{'b' * 64}')"],
        "changed: evidence of case 2026-000001 event 5",
    ),
    "a verdict": (
        ["UPDATE case_events SET data = replace(data, 'INSUFFICIENT_EVIDENCE', 'REPAIRED')"],
        "changed: assessment of case 2026-000003 event 6",
    ),
    "a reason": (
        ["UPDATE case_events SET data = replace(data, 'too dark', 'too late')"],
        "data.reason is not what the log has sealed",
    ),
    "data that is none": ([changed("data", "'rubbish'")], "its data is no JSON object"),
    "an event deleted": (
        [f"DELETE FROM case_events WHERE case_id = '{SECOND}' AND version = 3"],
        "deleted: event accepted of case 2026-000002 version 3",
    ),
    "an event inserted": (
        [
            f"UPDATE case_events SET position = -1 WHERE case_id = '{FIRST}' AND version = 2",
            "INSERT INTO case_events SELECT 2, 'invented', 1, 1, type, occurred_at, received_at, recorded_at, actor, "
            f"role, data, event_schema FROM case_events WHERE case_id = '{FIRST}' AND version = 1",
        ],
        "in its place event filed of case invented",
    ),
    "two events exchanged": (
        [
            "UPDATE case_events SET position = -1 WHERE position = 3",
            "UPDATE case_events SET position = 3 WHERE position = 4",
            "UPDATE case_events SET position = 4 WHERE position = -1",
        ],
        "reordered: event accepted of case 2026-000001 version 3 (position 3): it stands at position 4 now",
    ),
    "events cut off at the end": (
        ["DELETE FROM case_events WHERE position > 12"],
        "truncated: events: the last",
    ),
    "a leaf changed": (
        ["UPDATE ledger_leaves SET body = replace(body, '\"crew\"', '\"auditor\"') WHERE number = 4"],
        "changed: leaf 4 (event of case 2026-000001): it does not hash to what the tree has",
    ),
    "a leaf deleted": (["DELETE FROM ledger_leaves WHERE number = 4"], "deleted: leaf 4"),
    "leaves exchanged": (
        [
            "UPDATE ledger_leaves SET number = 1000 WHERE number = 4",
            "UPDATE ledger_leaves SET number = 4 WHERE number = 5",
            "UPDATE ledger_leaves SET number = 5 WHERE number = 1000",
        ],
        "reordered: leaf 4",
    ),
    "leaves cut off": (["DELETE FROM ledger_leaves WHERE number > 10"], "truncated: leaves"),
    "salts thrown away": (["DELETE FROM ledger_salts WHERE number = 0"], "its salt is gone"),
    "a checkpoint changed": (
        ["UPDATE ledger_checkpoints SET note = replace(note, 'west', 'east') WHERE number = 1"],
        "unsigned: checkpoint 1",
    ),
    "a checkpoint deleted": (["DELETE FROM ledger_checkpoints WHERE number = 1"], "deleted: checkpoint 1"),
    "checkpoints cut off": (
        ["DELETE FROM ledger_checkpoints WHERE number = 2"],
        "truncated: checkpoint of",
    ),
    "checkpoints exchanged": (
        [
            "UPDATE ledger_checkpoints SET number = 9 WHERE number = 1",
            "UPDATE ledger_checkpoints SET number = 1 WHERE number = 2",
            "UPDATE ledger_checkpoints SET number = 2 WHERE number = 9",
        ],
        "reordered: checkpoint 2",
    ),
}


class TestTampering:
    def test_nothing_was_done_and_nothing_is_found(self, logged):
        assert logged.named(moves=()) == []

    @pytest.mark.parametrize("attack", ATTACKS)
    def test_straight_in_the_database(self, logged, attack):
        desk = desk_of(logged.engine)
        file_one(desk, "the last one")
        logged.advance()
        statements, named = ATTACKS[attack]
        logged.attack(*statements)
        found = logged.named()
        assert any(named in fault for fault in found), found

    def test_a_hash_of_the_tree(self, logged):
        with reading(logged.engine) as connection:
            hashes = LedgerStore(connection).tile(0, 0)
        logged.attack("UPDATE ledger_tiles SET hashes = :hashes", hashes=hashes[32:] + hashes[:32])
        assert any("leaf 0 (event of case 2026-000001): " in fault for fault in logged.named())

    def test_an_event_slipped_in_between_what_was_logged(self, logged):
        """PostgreSQL leaves gaps where a transaction was undone; SQLite's attacker makes one."""
        logged.attack("UPDATE case_events SET position = position + 100 WHERE position > 5")
        assert any(fault.startswith("reordered: event") for fault in logged.named())

    def test_an_inserted_event_that_the_log_has_nothing_of(self, engine, tmp_path):
        live(engine)
        there = district(engine, tmp_path)
        there.attack(
            "UPDATE case_events SET position = position + 1 WHERE position = (SELECT max(position) FROM case_events)"
        )
        there.advance()
        with reading(engine) as connection:
            gap = connection.execute(text("SELECT max(position) - 1 FROM case_events")).scalar()
        there.attack(
            f"INSERT INTO case_events SELECT {gap}, 'invented', 1, 1, type, occurred_at, received_at, recorded_at, "
            "actor, role, data, event_schema FROM case_events WHERE position = 1"
        )
        assert there.named() == [
            f"inserted: event filed of case invented version 1 (position {gap}): the log has nothing of it, though it "
            "has what came later"
        ]

    def test_history_and_log_rewritten_together_are_found_by_the_checkpoint(self, logged):
        """Whoever has the database but not the key: event, leaf and hashes agree, the signed root does not."""
        logged.attack(changed("role", "'auditor'"))
        rewrite(logged.engine)
        found = logged.named(witnesses=())
        assert [fault for fault in found if "do not make the root that checkpoint 1" in fault], found
        assert logged.named()

    def test_with_the_key_in_hand_too_the_witness_remembers(self, logged):
        logged.attack(changed("role", "'auditor'"), "DELETE FROM ledger_checkpoints")
        rewrite(logged.engine)
        logged.ledger.checkpoint(logged.key, MONDAY)
        assert logged.named(witnesses=()) == []  # without a witness nobody could tell
        for witness in logged.witnesses:
            found = logged.named(witnesses=[witness])
            assert any("do not make the root that the checkpoint at witness" in fault for fault in found), found
            with pytest.raises(WitnessRefused):
                logged.ledger.show(witness, logged.ring, MONDAY)

    def test_everything_cut_off_with_its_checkpoints_the_witness_remembers(self, logged):
        before = len(leaves(logged.engine))
        file_one(desk_of(logged.engine), "the last one")
        logged.advance()
        logged.attack(
            "DELETE FROM case_events WHERE case_id = 'the last one'",
            f"DELETE FROM ledger_leaves WHERE number >= {before}",
            f"DELETE FROM ledger_salts WHERE number >= {before}",
            f"UPDATE ledger_tiles SET hashes = substr(hashes, 1, {32 * before})",
            "DELETE FROM ledger_checkpoints WHERE number = 2",
        )
        assert logged.named(witnesses=()) == []
        assert any("truncated: leaves" in fault for fault in logged.named())

    def test_a_checkpoint_that_no_witness_was_shown(self, logged):
        note = str(head_of(logged.advance().note).sign(logged.key))
        file_one(desk_of(logged.engine), "later")
        logged.ledger.follow()
        with writing(logged.engine) as connection:
            LedgerStore(connection).add_checkpoint(*forged(logged))
        logged.ledger.follow()
        file_one(desk_of(logged.engine), "later still")
        logged.ledger.follow()
        last = logged.ledger.checkpoint(logged.key, MONDAY)
        for witness in logged.witnesses:
            witness.submit(last.note, consistency(logged, witness), logged.ring, MONDAY)
        assert any(fault.startswith("inserted: checkpoint 2") for fault in logged.named()), note

    def test_moves_of_aliases(self, logged):
        logged.advance(moves=moves(3))
        other = moves(3)
        kept = [other[0], *moves(3)[2:]]
        assert any(fault.startswith("deleted: alias_move 2") for fault in logged.named(moves=kept))
        turned = [replace(other[0], to_version=9), *other[1:]]
        assert any("to_version is 9, the log has 1" in fault for fault in logged.named(moves=turned))
        unnamed = [replace(other[0], who="somebody else"), *other[1:]]
        assert any("who is not what the log has sealed" in fault for fault in logged.named(moves=unnamed))

    @pytest.mark.slow
    def test_a_registry_whose_chain_of_digests_was_made_anew(self, logged, tmp_path):
        """What 'roadwarden registry history --verify' cannot see without a noted digest."""
        for name, entries in (("true", moves(3)), ("forged", moves(3, who="nobody"))):
            store = MlflowStore(f"sqlite:///{tmp_path}/{name}.db")
            for entry in entries:
                store.append(MODEL_NAME, entry.number, entry.line())
        logged.advance(moves=registry_moves(f"sqlite:///{tmp_path}/true.db"))
        assert logged.named(moves=registry_moves(f"sqlite:///{tmp_path}/true.db")) == []
        found = logged.named(moves=registry_moves(f"sqlite:///{tmp_path}/forged.db"))
        assert found == [
            f"changed: alias_move {number} (leaf {23 + number}): who is not what the log has sealed"
            for number in (1, 2, 3)
        ]

    def test_what_waits_to_be_logged_is_told(self, logged):
        desk = desk_of(logged.engine)
        file_one(desk, "later")
        found = logged.audit()
        assert (found.waiting, found.waiting_since, found.faults) == (1, MONDAY, ())


class TestErasure:
    def test_names_go_and_the_log_stays_whole(self, logged):
        done = erase(logged.ledger, Erasure(SECOND, None, "data protection", "request 17"), MONDAY)
        assert len(done.positions) == 5
        logged.advance()
        assert logged.named() == []
        assert logged.audit().erased == 5
        with reading_cases(logged.engine) as unit:
            events = unit.events.of(SECOND)
        assert {event.actor for event in events} == {"[erased]"}
        parked = events[-1].data
        assert (parked.reason, parked.approved_by.actor, parked.approved_by.role) == (
            "[erased]",
            "[erased]",
            "road_chief",
        )
        of_case = [leaf for leaf in leaves(logged.engine) if leaf.case == SECOND]
        assert [leaf.kind for leaf in of_case if leaf.salt] == [LeafKind.ERASURE]

    def test_the_case_goes_on_afterwards(self, logged):
        erase(logged.ledger, Erasure(SECOND, None, "data protection", "request 17"), MONDAY)
        desk = desk_of(logged.engine)
        assert report(desk, SECOND) == 6
        with pytest.raises(DataError, match="only added to"), writing(logged.engine) as connection:
            connection.execute(text("UPDATE case_events SET actor = 'x'"))
        logged.advance()
        assert logged.named() == []

    def test_again_nothing_is_left_to_erase(self, logged):
        wanted = Erasure(SECOND, frozenset({1}), "data protection", "request 17")
        assert len(erase(logged.ledger, wanted, MONDAY).positions) == 1
        assert erase(logged.ledger, wanted, MONDAY) == ErasedEvents((), None)
        with pytest.raises(UnknownCase):
            erase(logged.ledger, Erasure("nobody", None, "data protection", "request 17"), MONDAY)

    def test_what_is_written_over_an_erased_name_is_found(self, logged):
        erase(logged.ledger, Erasure(SECOND, None, "data protection", "request 17"), MONDAY)
        logged.attack(f"UPDATE case_events SET actor = 'u9' WHERE case_id = '{SECOND}' AND version = 1")
        assert any("actor was erased, and says something else now" in fault for fault in logged.named())

    def test_public_fields_of_an_erased_event_are_still_watched(self, logged):
        erase(logged.ledger, Erasure(SECOND, None, "data protection", "request 17"), MONDAY)
        logged.attack(f"UPDATE case_events SET role = 'auditor' WHERE case_id = '{SECOND}' AND version = 1")
        assert any('role is "auditor"' in fault for fault in logged.named())


def rewrite(engine):
    """As an attacker who knows how the log is made would: bodies and hashes anew from the events."""
    from roadwarden.ledger.tiles import Tiles

    with writing(engine) as connection:
        store = LedgerStore(connection)
        found = store.leaves(0, store.size())
        drafts = {
            (draft.position, draft.part): draft
            for row in store.events_between(1, store.newest_event())
            for draft in drafts_of_event(kept_event(row))
        }
        hashes = []
        for leaf in found:
            body = drafts[leaf.position, leaf.part].sealed(leaf.salt or b"")
            hashes.append(leaf_hash(body))
            values = {"body": body.decode(), "number": leaf.number}
            connection.execute(text("UPDATE ledger_leaves SET body = :body WHERE number = :number"), values)
        tiles = Tiles(lambda level, number: b"", 0)
        tiles.append(hashes)
        store.put_tiles(tiles.changed())


def forged(logged):
    """A checkpoint of the real log, signed with the real key, put in without the witnesses."""
    from roadwarden.ledger.checkpoint import Checkpoint
    from roadwarden.ledger.tiles import Tiles

    with reading(logged.engine) as connection:
        store = LedgerStore(connection)
        tiles = Tiles(store.tile, store.size())
        return tiles.size, str(Checkpoint(ORIGIN, tiles.size, tiles.root()).sign(logged.key)), MONDAY


def consistency(logged, witness):
    from roadwarden.ledger.merkle import consistency_proof
    from roadwarden.ledger.tiles import Tiles

    with reading(logged.engine) as connection:
        store = LedgerStore(connection)
        tiles = Tiles(store.tile, store.size())
        return consistency_proof(tiles.node, head_of(witness.kept(ORIGIN)[-1].note).size, tiles.size)
