"""People name what frames show; what they say becomes corrections as if a labelling tool had sent it."""

from __future__ import annotations

import dataclasses

import pytest
from city import CITY_NOW
from city_server import server_on
from fastapi.testclient import TestClient
from pages import log_in
from reviews import BOX, review_of

from roadwarden.data.corrections import Verdict, read_corrections
from roadwarden.taxonomy import DistressType
from roadwarden.web.app import create_app
from tests.conftest import jpeg, textured

HOLE = {"type": "pothole", "box_xyxy": BOX}


@pytest.fixture(scope="module")
def served(little_city, tmp_path_factory):
    return server_on(little_city, tmp_path_factory.mktemp("served"), CITY_NOW)


@pytest.fixture
def review(tmp_path):
    return review_of(tmp_path / "review", [jpeg(textured(number)) for number in range(2)])


@pytest.fixture
def client(served, review):
    parts = dataclasses.replace(served.parts, review=review)
    with TestClient(create_app(parts), base_url=served.url) as made:
        yield made


def items(client):
    return client.get("/work/items?queue=types").json()["items"]


def keep(client, picture, boxes, token):
    return client.post(f"/work/frames/{picture}", json={"boxes": boxes}, headers={"x-csrf-token": token})


def corrections(review):
    return read_corrections(review.folder / "imported" / "corrections.jsonl")


def test_of_an_audited_frame_nobody_is_shown_what_the_model_said(client):
    log_in(client, "duty")
    blind, shown = items(client)
    assert (blind["blind"], blind["boxes"]) == (True, [])
    assert (shown["blind"], [one["type"] for one in shown["boxes"]]) == (False, ["patch"])
    assert client.get(shown["url"]).headers["content-type"] == "image/jpeg"


def test_a_type_that_is_put_right_is_a_correction_and_the_frame_waits_no_longer(client, review):
    token = log_in(client, "duty")
    assert keep(client, "000001.jpg", [HOLE], token).status_code == 200
    assert [one["id"] for one in items(client)] == ["000000.jpg"]
    (one,) = corrections(review)
    assert (one.verdict, one.predicted, one.corrected) == (Verdict.RETYPED, DistressType.PATCH, DistressType.POTHOLE)
    assert not one.audit
    assert "duty" not in one.annotator + one.annotation


def test_a_second_thought_of_the_same_person_replaces_the_first(client, review):
    token = log_in(client, "duty")
    keep(client, "000001.jpg", [HOLE], token)
    keep(client, "000001.jpg", [], token)
    (one,) = corrections(review)
    assert one.verdict is Verdict.REJECTED


def test_nothing_there_is_an_answer_of_an_audited_frame(client, review):
    token = log_in(client, "duty")
    keep(client, "000000.jpg", [], token)
    (one,) = corrections(review)
    assert (one.verdict, one.audit) == (Verdict.REJECTED, True)


def test_who_judges_no_pictures_has_no_such_queue(client):
    token = log_in(client, "dispatch")
    assert client.get("/work/items?queue=types").status_code == 404
    assert client.get("/work/frames/000000.jpg").status_code == 403
    assert keep(client, "000000.jpg", [], token).status_code == 403


def test_what_is_not_of_the_review_is_refused(client, review):
    token = log_in(client, "duty")
    assert client.get("/work/frames/..%2Fmanifest.json").status_code == 404
    assert keep(client, "000009.jpg", [], token).status_code == 404
    assert keep(client, "000001.jpg", [HOLE | {"type": "hole"}], token).status_code == 422
    assert keep(client, "000001.jpg", [HOLE | {"type": "rutting"}], token).status_code == 422
    (review.folder / "pictures" / "000001.jpg").write_bytes(b"another")
    assert keep(client, "000001.jpg", [HOLE], token).status_code == 422
    assert not (review.folder / "imported" / "corrections.jsonl").exists() or corrections(review) == []
