"""A new champion takes over while frames come in: none is lost, none is looked at twice, and bad ones are refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from cameras import write_film
from workers import Lookout, assert_closed, film_camera, running, slot_of, until, worker_in

from roadwarden.detections import Detections
from roadwarden.errors import ModelError, RegistryAway
from roadwarden.inference.stream.golden import self_test
from roadwarden.inference.stream.model_slot import LoadedModel, load_model
from roadwarden.inference.stream.swap import AliasFollower, Outcome, Standing
from roadwarden.inference.stream.values import Door
from roadwarden.ledger.leaves import Source
from roadwarden.models.load import load_detector, shipped_model
from roadwarden.storage.ledger_store import LedgerStore
from roadwarden.storage.schema import open_storage


class Shelf:
    """A registry by hand."""

    def __init__(self, number=1):
        self.at, self.away, self.refuses = Standing(number, f"lookout@{number:04d}"), False, None

    def standing(self):
        if self.away:
            raise RegistryAway("no answer")
        return self.at

    def fetch(self, standing):
        if self.refuses:
            raise ModelError(self.refuses)
        return Path(standing.sha256)


def follower(shelf, slot, moves=None, test=lambda _model: None):
    def load(path):
        return LoadedModel(str(path), str(path), (Lookout(0.005),))

    return AliasFollower(shelf, slot, load, lambda: moves.append(1) if moves is not None else None, test)


class TestFollowingAnAlias:
    def test_switches_once_when_the_alias_moves_and_says_so_to_the_ledger(self):
        shelf, slot, moves = Shelf(), slot_of(), []
        follow = follower(shelf, slot, moves)
        assert follow.look() is Outcome.SAME
        shelf.at = Standing(2, "lookout@0002")
        assert [follow.look(), follow.look()] == [Outcome.SWITCHED, Outcome.SAME]
        assert (slot.current.label, slot.previous.label, moves) == ("lookout@0002", "lookout@0001", [1])

    def test_goes_back_to_the_model_it_has_kept(self):
        shelf, slot = Shelf(), slot_of()
        old, follow = slot.current, follower(shelf, slot)
        shelf.at = Standing(2, "lookout@0002")
        follow.look()
        shelf.at = Standing(1, "lookout@0001")
        assert follow.look() is Outcome.SWITCHED
        assert slot.current is old

    @pytest.mark.parametrize("why", ["fetch", "test", "away"])
    def test_keeps_the_old_model_where_the_new_one_is_not_fit_and_tries_it_once(self, why):
        shelf, slot, tried = Shelf(), slot_of(), []

        def test(_model):
            tried.append(1)
            raise ModelError("blind")

        follow = follower(shelf, slot, test=test if why == "test" else lambda _model: None)
        shelf.at, shelf.away = Standing(2, "lookout@0002"), why == "away"
        shelf.refuses = "the gate did not pass" if why == "fetch" else None
        outcome = Outcome.AWAY if why == "away" else Outcome.REFUSED
        assert [follow.look(), follow.look()] == [outcome, outcome]
        assert slot.current.label == "lookout@0001"
        assert len(tried) == (why == "test")


class TestUnderLoad:
    def test_no_frame_is_lost_or_looked_at_twice_and_both_models_have_looked(self, tmp_path):
        film = write_film(tmp_path / "long.mp4", 200, fps=20)
        worker = worker_in(tmp_path, {"film": film_camera(film)}, Lookout(0.005), Lookout(0.005), until_eof=True,
                           batching={"lanes": 2, "max_frames": 2})  # fmt: skip
        looked, shelf = [], Shelf()
        worker.watchers.append(lambda looks: looked.extend((one.frame.number, one.model) for one in looks))
        follow = follower(shelf, worker.slot)
        with running(worker) as done:
            for number in (2, 3, 2):
                before = len(looked)
                until(lambda before=before: len(looked) >= before + 20)
                shelf.at = Standing(number, f"lookout@{number:04d}")
                assert follow.look() is Outcome.SWITCHED
            until(lambda: done)
        assert_closed(done[0])
        assert done[0].total.doors[Door.INFERRED] == 200
        assert sorted(number for number, _ in looked) == list(range(200))
        assert {model for _, model in looked} == {"lookout@0001", "lookout@0002", "lookout@0003"}


class TestGoldenFrames:
    def test_the_shipped_weights_pass(self):
        self_test(load_detector(shipped_model(), threads=2))

    def test_a_blind_model_and_one_that_sees_ghosts_do_not(self):
        class Blind(Lookout):
            def detect(self, images):
                return [Detections.none() for _ in images]

        class Moody(Lookout):
            def detect(self, images):
                self.batches.append(1)
                return [
                    Detections(one.boxes_xyxy + 5 * len(self.batches), one.types, one.scores)
                    for one in Lookout().detect(images)
                ]

        with pytest.raises(ModelError, match="0 of 4"):
            self_test(Blind())
        with pytest.raises(ModelError, match="second time"):
            self_test(Moody())

        class Nan(Lookout):
            def detect(self, images):
                return [
                    Detections(one.boxes_xyxy, one.types, np.full(1, np.nan, np.float32))
                    for one in Lookout().detect(images)
                ]

        with pytest.raises(ModelError, match="no numbers"):
            self_test(Nan())


@pytest.mark.slow
def test_with_a_real_registry_and_a_real_ledger(tmp_path, monkeypatch):
    sys.path.insert(0, str(Path(__file__).parent.parent / "models"))
    from registries import Desk

    from roadwarden.inference.stream.registry_alias import RegistryAlias
    from roadwarden.models.mlflow_store import MlflowStore
    from roadwarden.models.promotion import promote
    from roadwarden.models.registry import push
    from roadwarden.service.ledger import Ledger, registry_moves
    from roadwarden.storage.engine import reading

    monkeypatch.setenv("ROADWARDEN_REGISTRY_CACHE", str(tmp_path / "cache"))
    uri, desk = f"sqlite:///{tmp_path}/mlflow.db", Desk(tmp_path, "roadwarden")
    store = MlflowStore(uri)
    for variant in (1, 2):
        push(store, desk.files(variant))
    promote(store, 1, desk.order())
    alias = RegistryAlias.of("registry:roadwarden@champion", uri)
    first = alias.fetch(alias.standing())
    from roadwarden.inference.stream.model_slot import ModelSlot

    slot, engine = ModelSlot(load_model(first, 1, 1)), open_storage(f"sqlite:///{tmp_path}/r.db")
    follow = AliasFollower(
        alias, slot, lambda path: load_model(path, 1, 1), lambda: Ledger(engine).follow(registry_moves(uri)) and None
    )
    assert follow.look() is Outcome.SAME
    promote(store, 2, desk.order(minutes=5))
    assert follow.look() is Outcome.SWITCHED
    with reading(engine) as connection:
        assert LedgerStore(connection).newest(Source.REGISTRY) == 4  # intended and done, twice
    store.set_alias("roadwarden", "champion", 1)  # moved past the gate
    assert follow.look() is Outcome.REFUSED
    assert slot.current.sha256 == desk_sha(alias, store, 2)


def desk_sha(alias, store, number):
    return store.version(alias.reference.name, number).tags["sha256"]
