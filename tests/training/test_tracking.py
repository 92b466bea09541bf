"""Trainings are logged to MLflow, and never end by it."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from roadwarden.training import tracking
from roadwarden.training.tracking import NoLog, RunFacts, RunStatus, environment_versions, start_run, tracked_run

pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'roadwarden[train]'")
pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'roadwarden[train]'")

FACTS = RunFacts(
    name="street-fold0",
    parameters={"image_size": 416, "sources": [{"source": "china_motorbike"}], "precision": "bfloat16"},
    data_manifest_sha256="ab" * 32,
    git_commit="c0ffee",
    environment={"torch": "2.14.1"},
)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('tracking')}/mlflow.db"


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "worst.jpg"
    path.write_bytes(b"jpeg")
    return path


def logged(uri, name=FACTS.name):
    """The newest run of this name, as MLflow has it."""
    client = tracking.open_client(uri)
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT)
    runs = client.search_runs([experiment.experiment_id], f"attributes.run_name = '{name}'")
    return client, runs


def curve(client, run, metric):
    return [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, metric)]


def test_a_run_says_what_it_was_made_from_and_how_it_went(uri, picture):
    with tracked_run(FACTS, uri=uri, clock=Clock()) as log:
        log.log_epoch({"train/loss": 2.5, "metrics/mAP50(B)": 0.25}, 1)
        log.log_epoch({"train/loss": 1.5, "metrics/mAP50(B)": 0.375}, 2)
        log.log_picture(picture)
        log.log_artifact(picture)
    client, (run,) = logged(uri)
    assert run.data.params == {
        "image_size": "416",
        "sources": '[{"source": "china_motorbike"}]',
        "precision": "bfloat16",
    }
    assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"
    assert run.data.tags["data_manifest_sha256"] == "ab" * 32
    assert run.data.tags["environment.torch"] == "2.14.1"
    assert curve(client, run, "train/loss") == [(1, 2.5), (2, 1.5)]
    assert curve(client, run, "metrics/mAP50_B") == [(1, 0.25), (2, 0.375)]
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"pictures", "worst.jpg"}
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize(("fault", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_run_that_ends_badly_says_so(uri, fault, status):
    facts = replace(FACTS, name=status.lower())
    with pytest.raises(fault), tracked_run(facts, uri=uri, clock=Clock()):
        raise fault
    _, (run,) = logged(uri, status.lower())
    assert run.info.status == status


def test_a_resumed_training_goes_on_in_its_run(uri, tmp_path):
    facts = RunFacts("resumed", {}, "", "", {})
    first = start_run(facts, uri=uri, run_dir=tmp_path, clock=Clock())
    first.log_epoch({"loss": 2.0}, 1)  # and the machine is switched off
    with tracked_run(facts, uri=uri, run_dir=tmp_path, clock=Clock()) as second:
        second.log_epoch({"loss": 1.0}, 2)
    client, (run,) = logged(uri, "resumed")
    assert curve(client, run, "loss") == [(1, 2.0), (2, 1.0)]
    assert run.info.status == "FINISHED"


def test_a_note_of_a_run_in_another_mlflow_begins_a_new_one(uri, tmp_path):
    (tmp_path / tracking.RUN_ID_FILE).write_text("0" * 32)
    facts = RunFacts("moved-here", {}, "", "", {})
    with tracked_run(facts, uri=uri, run_dir=tmp_path, clock=Clock()):
        pass
    _, (run,) = logged(uri, "moved-here")
    assert (tmp_path / tracking.RUN_ID_FILE).read_text() == run.info.run_id


class Wire:
    """A client whose server can go away."""

    def __init__(self, client) -> None:
        self.client, self.cut, self.tries = client, False, 0

    def __getattr__(self, name):
        self.tries += 1
        if self.cut:
            raise ConnectionError("no route to host")
        return getattr(self.client, name)


@pytest.fixture
def wire(uri, monkeypatch):
    made = Wire(tracking.open_client(uri))
    monkeypatch.setattr(tracking, "open_client", lambda _: made)
    return made


def test_what_a_server_missed_is_logged_when_it_is_back(uri, wire, picture, caplog):
    clock, facts = Clock(), RunFacts("patient", {}, "", "", {})
    log = start_run(facts, uri=uri, clock=clock)
    log.log_epoch({"loss": 3.0}, 1)
    wire.cut = True
    log.log_epoch({"loss": 2.0}, 2)
    tries = wire.tries
    log.log_epoch({"loss": 1.5}, 3)
    log.log_picture(picture)
    assert wire.tries == tries, "a server that is away is not asked again at once"
    wire.cut = False
    clock.now += tracking.RETRY_AFTER
    log.log_epoch({"loss": 1.0}, 4)
    log.end(RunStatus.FINISHED)
    client, (run,) = logged(uri, "patient")
    assert curve(client, run, "loss") == [(1, 3.0), (2, 2.0), (3, 1.5), (4, 1.0)]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["pictures"]
    assert caplog.text.count("training goes on") == 1


def test_a_server_that_never_comes_is_told_once_and_at_the_end(monkeypatch, caplog, picture):
    from tests.models.registries import free_port

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    clock = Clock()
    with caplog.at_level(logging.WARNING):
        log = start_run(FACTS, uri=f"http://user:secret@127.0.0.1:{free_port()}", clock=clock)
        for epoch in (1, 2, 3):
            clock.now += tracking.RETRY_AFTER
            log.log_epoch({"loss": 1.0}, epoch)
        log.end(RunStatus.FINISHED)
    told = [record.getMessage() for record in caplog.records if record.name == tracking.__name__]
    assert len(told) == 2
    assert "training goes on" in told[0]
    assert "missing: the parameters, epoch 1, epoch 2, epoch 3, the end" in told[1]
    assert "secret" not in caplog.text


def test_what_mlflow_does_not_take_is_told_and_does_not_hold_up_the_rest(uri, tmp_path, caplog):
    facts = RunFacts("gap", {}, "", "", {})
    with tracked_run(facts, uri=uri, clock=Clock()) as log:
        log.log_picture(tmp_path / "never-drawn.jpg")
        log.log_epoch({"loss": 1.0}, 1)
    client, (run,) = logged(uri, "gap")
    assert "never-drawn.jpg could not be logged" in caplog.text
    assert curve(client, run, "loss") == [(1, 1.0)]
    assert run.info.status == "FINISHED"


def test_tracking_that_is_off_or_not_installed_logs_nothing(monkeypatch, caplog, picture):
    assert isinstance(start_run(FACTS, uri=None), NoLog)
    assert caplog.text == ""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with tracked_run(FACTS, uri="sqlite:///never.db") as log:
        log.log_epoch({"loss": 1.0}, 1)
        log.log_picture(picture)
        log.log_artifact(picture)
    assert isinstance(log, NoLog)
    assert "MLflow is not installed" in caplog.text


def test_the_environment_names_what_is_installed():
    found = environment_versions()
    assert found["python"] == sys.version.split()[0]
    assert "numpy" in found
