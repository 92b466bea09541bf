"""What of a record goes into the log, and what only its seal."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.ledger.faults import differences
from roadwarden.ledger.leaves import ERASED, KeptEvent, LeafKind, drafts_of_event, joined, parted, read_leaf, seal

PATHS = ("actor", "data.approved_by", "data.note", "data.reason")
WHEN = datetime(2026, 3, 2, 8, tzinfo=UTC)
SALT = bytes(range(32))
words = st.text(min_size=1, max_size=12)
approvers = st.one_of(words, st.fixed_dictionaries({"actor": words, "role": st.sampled_from(["crew", "road_chief"])}))
data = st.fixed_dictionaries(
    {"distress": words},
    optional={"note": words, "reason": words, "approved_by": approvers, "latitude": st.floats(-90, 90)},
)


def event(content, **more):
    values = {
        "position": 1,
        "case": "c1",
        "version": 1,
        "seq": 1,
        "type": "parked",
        "occurred_at": WHEN,
        "received_at": WHEN,
        "recorded_at": WHEN,
        "actor": "Zhang San",
        "role": "crew",
        "data": content,
        "schema": 1,
    }
    return KeptEvent(**(values | more))


@settings(max_examples=100, deadline=None)
@given(data, words)
def test_parted_and_joined_again_is_the_same(content, actor):
    fields = event(content, actor=actor).fields()
    public, personal = parted(fields, PATHS)
    assert joined(public, personal) == fields
    assert "actor" not in public
    assert not {"note", "reason"} & public["data"].keys()


@settings(max_examples=100, deadline=None)
@given(data)
def test_a_record_is_what_its_own_leaf_says(content):
    draft = drafts_of_event(event(content))[0]
    body = read_leaf(draft.sealed(SALT), "leaf")
    assert tuple(differences(draft, body, SALT, erased=False)) == ()


@settings(max_examples=100, deadline=None)
@given(data, data)
def test_any_other_record_is_not(one, other):
    draft, body = drafts_of_event(event(one))[0], read_leaf(drafts_of_event(event(other))[0].sealed(SALT), "leaf")
    assert (tuple(differences(draft, body, SALT, erased=False)) == ()) == (one == other)


def test_every_picture_and_verdict_is_a_leaf_of_its_own():
    reported = event({"evidence": ["a" * 64, "photo-17"]}, type="repair_reported")
    assert [draft.kind for draft in drafts_of_event(reported)] == [LeafKind.EVENT, LeafKind.EVIDENCE, LeafKind.EVIDENCE]
    judged = event({"verdict": "PARTIAL", "report_seq": 2, "reason": "half of it"}, type="assessed", role="assessor")
    whole, verdict = drafts_of_event(judged)
    assert verdict.public == {"verdict": "PARTIAL", "report_seq": 2, "case": "c1", "seq": 1, "role": "assessor"}
    assert whole.personal == {"actor": "Zhang San", "data.reason": "half of it"}


def test_a_seal_binds_salt_field_and_value():
    seals = {
        seal(SALT, "actor", "u1"),
        seal(SALT, "actor", "u2"),
        seal(SALT, "data.note", "u1"),
        seal(SALT[::-1], "actor", "u1"),
        seal(SALT, "actor", ["u1"]),
    }
    assert len(seals) == 5


def test_erased_values_are_marked_and_nothing_else_will_do():
    body = read_leaf(drafts_of_event(event({"note": "by Zhang San"}))[0].sealed(SALT), "leaf")
    marked = drafts_of_event(event({"note": ERASED}, actor=ERASED))[0]
    assert tuple(differences(marked, body, None, erased=True)) == ()
    assert "its salt is gone" in next(differences(marked, body, None, erased=False))
    written_over = drafts_of_event(event({"note": "by Li Si"}, actor=ERASED))[0]
    assert next(differences(written_over, body, None, erased=True)).startswith("data.note was erased")
    gone = drafts_of_event(event({}, actor=ERASED))[0]
    assert tuple(differences(gone, body, None, erased=True)) == ("data.note was removed",)
