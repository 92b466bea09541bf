"""The registry: what a version carries, what may be promoted, and what the history says of it.

The stories run on a local database, on an mlruns folder, and on a real MLflow server on loopback.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import cv2
import pytest
from typer.testing import CliRunner

from roadwarden.errors import ConfigError, ModelError, RegistryAway
from roadwarden.models.history import Move, Step, digest
from roadwarden.models.load import load_detector, model_path, shipped_model
from roadwarden.models.mlflow_store import FOLDER, AlreadyTaken, MlflowStore
from roadwarden.models.onnx import sha256_of
from roadwarden.models.promotion import promote, rollback, verify
from roadwarden.models.registry import Artefact, Reference, Tag, fetch, push
from tests.models.registries import NOON, Desk, free_port, gate_json, mlflow_server

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'roadwarden[registry]'")
pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'roadwarden[registry]'")


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """An empty MLflow database; making one takes seconds, copying it none."""
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    MlflowStore(f"sqlite:///{path}").versions("nothing")
    return path


@pytest.fixture(scope="module")
def local(tmp_path_factory, database):
    path = tmp_path_factory.mktemp("local") / "mlflow.db"
    path.write_bytes(database.read_bytes())
    return MlflowStore(f"sqlite:///{path}")


@pytest.fixture(scope="module")
def mlruns(tmp_path_factory):
    """A folder, which MLflow takes only when asked to since version 3.7 or so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        yield MlflowStore((tmp_path_factory.mktemp("folder") / "mlruns").as_uri())
    mlflow.set_tracking_uri(None)
    assert not Path("mlflow.db").exists(), "MLflow has used its default place"


@pytest.fixture(scope="module")
def server(tmp_path_factory, database):
    if os.environ.get("ROADWARDEN_TEST_MLFLOW"):  # a server that runs already, such as the whole MLflow in a container
        yield MlflowStore(os.environ["ROADWARDEN_TEST_MLFLOW"])
        return
    for package in ("flask", "flask_cors", "aiohttp", "uvicorn", "pandas"):
        pytest.importorskip(package, reason=f"an MLflow server needs {package}")
    with mlflow_server(tmp_path_factory.mktemp("server"), database) as uri:
        yield MlflowStore(uri)


@pytest.fixture(params=["local", "mlruns", "server"])
def anywhere(request):
    """The stores we promise to work with."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def desk(tmp_path):
    """Each story has a model of its own, so that they share a store."""
    return Desk(tmp_path, f"model-{uuid4().hex[:12]}")


@pytest.fixture
def loads_from(monkeypatch, tmp_path):
    def choose(store):
        monkeypatch.setenv("ROADWARDEN_REGISTRY", store.uri)
        monkeypatch.setenv("ROADWARDEN_REGISTRY_CACHE", str(tmp_path / "cache"))

    return choose


def overwrite(store, version, name, content, tmp_path):
    """What somebody with access to the artefacts can do."""
    (tmp_path / name).write_bytes(content)
    store._client.log_artifact(version.run_id, str(tmp_path / name), FOLDER)


def some_frames(street):
    return [cv2.imread(str(path)) for path in sorted((street / "frames").iterdir())[::4]]


def steps(store, name):
    return [(entry.step, entry.from_version, entry.to_version) for entry in verify(store, name).entries]


def test_a_version_carries_all_that_speaks_for_it(anywhere, desk, tmp_path):
    files = desk.files(1)
    version = push(anywhere, files, desk.name)
    got = {name: anywhere.download(version, name, tmp_path / "got") for name in Artefact}
    assert got[Artefact.ONNX].read_bytes() == files.onnx.read_bytes()
    assert got[Artefact.CARD].read_text() == "# Candidate 1\n"
    assert json.loads(got[Artefact.REPORT].read_text()) == {"variant": 1}
    assert json.loads(got[Artefact.GATE].read_text())["model_sha256"] == sha256_of(files.onnx)
    assert json.loads(got[Artefact.METADATA].read_text())["name"] == "roadwarden-yolo26n-4"
    assert f"{sha256_of(files.onnx)}  model.onnx\n" in got[Artefact.SUMS].read_text()
    assert version.tags[Tag.SHA256] == sha256_of(files.onnx)
    assert version.tags[Tag.TAXONOMY] == "1"
    assert version.tags[Tag.COMMIT] == load_detector(shipped_model()).card.git_commit
    assert version.tags[Tag.GATE] == "passed"
    assert [other.number for other in anywhere.versions(desk.name)] == [1]


def test_the_champion_is_loaded_and_runs(anywhere, desk, loads_from, street):
    push(anywhere, desk.files(1), desk.name)
    push(anywhere, desk.files(2), desk.name)
    done = promote(anywhere, 2, desk.order())
    assert (done.step, done.from_version, done.to_version, done.when) == (Step.DONE, None, 2, NOON)
    loads_from(anywhere)
    frames = some_frames(street)
    ours = load_detector(f"registry:{desk.name}@champion", threads=1).detect(frames)
    shipped = load_detector(shipped_model(), threads=1).detect(frames)
    assert [found.types for found in ours] == [found.types for found in shipped]
    assert sum(map(len, ours)) > 0
    assert sha256_of(model_path(f"registry:{desk.name}@champion")) == sha256_of(desk.files(2).onnx)
    assert sha256_of(model_path(f"registry:{desk.name}/1")) == sha256_of(desk.files(1).onnx)


def test_a_tampered_file_is_neither_promoted_nor_loaded(anywhere, desk, loads_from, tmp_path, caplog):
    version = push(anywhere, desk.files(1), desk.name)
    overwrite(anywhere, version, Artefact.ONNX, desk.files(2).onnx.read_bytes(), tmp_path)
    with pytest.raises(ModelError, match="changed after the push"):
        promote(anywhere, 1, desk.order())
    assert anywhere.aliases(desk.name) == {}
    assert steps(anywhere, desk.name) == []
    loads_from(anywhere)
    assert model_path(f"registry:{desk.name}/1") == shipped_model()
    assert "changed after the push" in caplog.text
    assert "roadwarden-yolo26n-4.onnx are used instead" in caplog.text


def test_rolling_back_goes_to_the_version_before_and_no_further_than_there_is(anywhere, desk):
    for variant in (1, 2):
        push(anywhere, desk.files(variant), desk.name)
        promote(anywhere, variant, desk.order(minutes=variant))
    done = rollback(anywhere, desk.order("shadows taken for cracks", minutes=5))
    assert (done.move, done.from_version, done.to_version) == (Move.ROLLBACK, 2, 1)
    assert anywhere.aliases(desk.name) == {"champion": 1}
    with pytest.raises(ConfigError, match="nothing was promoted to 'champion' before"):
        rollback(anywhere, desk.order(minutes=6))
    verdict = verify(anywhere, desk.name)
    assert verdict.faults == ()
    assert [entry.why for entry in verdict.entries if entry.step is Step.DONE][-1] == "shadows taken for cracks"
    assert verdict.head == digest(verdict.entries[-1].line())


@pytest.mark.parametrize("store", ["local", "server"])
def test_of_those_who_write_the_same_entry_one_is_told(store, desk, request):
    """What the whole history rests on: MLflow never changes a parameter. An mlruns folder does not promise it."""
    store = request.getfixturevalue(store)
    push(store, desk.files(1), desk.name)
    store.append(desk.name, 1, "first")
    rivals = [MlflowStore(store.uri) for _ in range(4)]

    def write(number):
        try:
            rivals[number].append(desk.name, 2, f"by {number}")
        except AlreadyTaken:
            return None
        return f"by {number}"

    with ThreadPoolExecutor(len(rivals)) as pool:
        written = [line for line in pool.map(write, range(len(rivals))) if line]
    assert len(written) == 1
    assert store.lines(desk.name) == {1: "first", 2: written[0]}


def test_a_version_without_a_gate_is_not_promoted(local, desk):
    version = push(local, desk.files(1, gate=None), desk.name)
    assert version.tags[Tag.GATE] == "none"
    with pytest.raises(ModelError, match="has no gate result: run 'roadwarden eval gate'"):
        promote(local, 1, desk.order())
    assert local.aliases(desk.name) == {}


def test_a_failed_gate_is_not_promoted_and_the_check_is_named(local, desk):
    assert push(local, desk.files(1, gate=False), desk.name).tags[Tag.GATE] == "failed"
    with pytest.raises(ModelError, match="the gate did not pass: found"):
        promote(local, 1, desk.order())


def test_the_gate_of_another_file_is_refused(local, desk, tmp_path):
    files = desk.files(1, judged=sha256_of(shipped_model()))
    with pytest.raises(ModelError, match="judged another file"):
        push(local, files, desk.name)
    version = push(local, desk.files(1, gate=False), desk.name)
    lent = gate_json(sha256_of(shipped_model()), passed=True).encode()
    overwrite(local, version, Artefact.GATE, lent, tmp_path)
    with pytest.raises(ModelError, match=r"gate\.json has sha256"):
        promote(local, 1, desk.order())
    local._client.set_model_version_tag(desk.name, "1", Tag.GATE_SHA256, sha256_of(tmp_path / Artefact.GATE))
    with pytest.raises(ModelError, match="cannot be promoted: the gate judged another file"):
        promote(local, 1, desk.order())


def test_a_recipe_gate_does_not_speak_for_a_file(local, desk):
    files = desk.files(1)
    files.gate.write_text(gate_json(sha256_of(files.onnx), passed=True, kind="recipe"))
    with pytest.raises(ModelError, match="recipe gate"):
        push(local, files, desk.name)


@pytest.mark.parametrize("text", ["{}", "no json", '{"kind": "file", "model_sha256": "", "passed": 1, "checks": []}'])
def test_what_is_no_gate_result_is_refused(local, desk, text):
    files = desk.files(1)
    files.gate.write_text(text)
    with pytest.raises(ConfigError, match="not a gate result"):
        push(local, files, desk.name)


def test_a_rollback_goes_through_the_gate_too(local, desk, tmp_path):
    first = push(local, desk.files(1), desk.name)
    push(local, desk.files(2), desk.name)
    promote(local, 1, desk.order())
    promote(local, 2, desk.order(minutes=1))
    overwrite(local, first, Artefact.ONNX, desk.files(3).onnx.read_bytes(), tmp_path)
    with pytest.raises(ModelError, match="changed after the push"):
        rollback(local, desk.order(minutes=2))
    assert local.aliases(desk.name) == {"champion": 2}


def test_nothing_moves_without_a_reason_or_twice_to_the_same_place(local, desk):
    push(local, desk.files(1), desk.name)
    with pytest.raises(ConfigError, match="why: from 1 to"):
        promote(local, 1, desk.order(" "))
    assert local.aliases(desk.name) == {}
    promote(local, 1, desk.order())
    with pytest.raises(ConfigError, match="is version 1 already"):
        promote(local, 1, desk.order(minutes=1))
    assert len(verify(local, desk.name).entries) == 2


@pytest.mark.parametrize("alias", ["latest", "v2", "Champion!", ""])
def test_a_name_that_mlflow_keeps_for_itself_is_no_alias(desk, alias):
    with pytest.raises(ConfigError, match="wanted a word such as champion"):
        desk.order(alias=alias)


def test_a_version_that_is_not_there_is_told(local, desk, loads_from):
    push(local, desk.files(1), desk.name)
    with pytest.raises(ConfigError, match="registry list"):
        promote(local, 7, desk.order())
    loads_from(local)
    with pytest.raises(ConfigError, match="no such alias; there is none"):
        model_path(f"registry:{desk.name}@champoin")
    with pytest.raises(ConfigError, match="wanted registry:NAME@ALIAS"):
        model_path("registry:roadwarden:champion")


def test_an_alias_moved_past_the_gate_is_seen_not_loaded_and_written_down(local, desk, loads_from, caplog):
    push(local, desk.files(1), desk.name)
    push(local, desk.files(2, gate=False), desk.name)
    promote(local, 1, desk.order())
    local.set_alias(desk.name, "champion", 2)  # as MLflow's own page does
    assert verify(local, desk.name).faults == ("'champion' stands at version 2, the history says version 1",)
    loads_from(local)
    assert model_path(f"registry:{desk.name}@champion") == shipped_model()
    assert "moved past its gate" in caplog.text
    rollback(local, desk.order("the page was used", minutes=5))
    assert steps(local, desk.name)[2:] == [
        (Step.FOUND, 1, 2),
        (Step.INTENDED, 2, 1),
        (Step.DONE, 2, 1),
    ]
    assert verify(local, desk.name).faults == ()


def test_a_version_whose_tag_was_changed_after_its_promotion_is_not_loaded(local, desk, loads_from, tmp_path, caplog):
    version = push(local, desk.files(1), desk.name)
    promote(local, 1, desk.order())
    other = desk.files(2).onnx
    overwrite(local, version, Artefact.ONNX, other.read_bytes(), tmp_path)
    local._client.set_model_version_tag(desk.name, "1", Tag.SHA256, sha256_of(other))
    loads_from(local)
    assert model_path(f"registry:{desk.name}@champion") == shipped_model()
    assert "its tag was changed" in caplog.text


class PowerCutError(Exception):
    pass


class CutBefore(MlflowStore):
    def set_alias(self, name, alias, number):
        raise PowerCutError


class CutAfter(MlflowStore):
    def set_alias(self, name, alias, number):
        super().set_alias(name, alias, number)
        raise PowerCutError


@pytest.mark.parametrize(
    ("cut", "settled"), [(CutBefore, Step.WITHDRAWN), (CutAfter, Step.DONE)], ids=["before the alias", "after it"]
)
def test_a_move_cut_short_is_settled_by_the_next(local, desk, cut, settled):
    for variant in (1, 2, 3):
        push(local, desk.files(variant), desk.name)
    promote(local, 1, desk.order())
    with pytest.raises(PowerCutError):
        promote(cut(local.uri), 2, desk.order(minutes=10))
    with pytest.raises(ConfigError, match="is moving 'champion' just now"):
        promote(local, 3, replace(desk.order(), at=desk.order(minutes=10).at))
    promote(local, 3, desk.order(minutes=12))
    before = 2 if settled is Step.DONE else 1
    assert steps(local, desk.name)[2:] == [
        (Step.INTENDED, 1, 2),
        (settled, 1, 2),
        (Step.INTENDED, before, 3),
        (Step.DONE, before, 3),
    ]
    assert verify(local, desk.name).faults == ()


def test_a_rival_who_is_quicker_wins_and_the_slower_is_told(local, desk):
    push(local, desk.files(1), desk.name)
    push(local, desk.files(2), desk.name)

    class Slow(MlflowStore):
        def append(self, name, number, line):
            if number == 1:
                promote(local, 2, desk.order("quicker"))
            super().append(name, number, line)

    with pytest.raises(AlreadyTaken, match="somebody else has just written entry 1"):
        promote(Slow(local.uri), 1, desk.order("slower"))
    assert local.aliases(desk.name) == {"champion": 2}
    assert verify(local, desk.name).faults == ()


def edit(store, statement, *values):
    with sqlite3.connect(store.uri.removeprefix("sqlite:///")) as connection:
        assert connection.execute(statement, values).rowcount == 1
    connection.close()


def test_an_edited_history_is_detected_and_nothing_moves_on_it(local, desk, loads_from, caplog):
    push(local, desk.files(1), desk.name)
    push(local, desk.files(2), desk.name)
    promote(local, 1, desk.order("an unlikely reason"))
    edit(
        local,
        "update params set value = replace(value, 'unlikely', 'good') where key = '000001' and value like ?",
        "%unlikely%",
    )
    assert verify(local, desk.name).faults == ("entry 1 is not what it was when entry 2 was written",)
    with pytest.raises(ModelError, match="history is broken"):
        promote(local, 2, desk.order(minutes=5))
    loads_from(local)
    assert model_path(f"registry:{desk.name}@champion") == shipped_model()
    assert "history is broken" in caplog.text


def test_a_history_cut_at_its_end_is_detected(local, desk):
    push(local, desk.files(1), desk.name)
    promote(local, 1, desk.order("the last word"))
    edit(local, "delete from params where key = '000002' and value like ?", "%the last word%")
    assert verify(local, desk.name).faults == ("entry 2 is missing at the end",)


def test_a_registry_that_is_away_is_replaced_by_the_shipped_weights_loudly(monkeypatch, tmp_path, caplog, street):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("ROADWARDEN_REGISTRY", f"http://reader:secret@127.0.0.1:{free_port()}")
    with caplog.at_level(logging.WARNING):
        detector = load_detector("registry:roadwarden@champion")
    assert detector.card == load_detector(shipped_model()).card
    assert "registry:roadwarden@champion is not to be had" in caplog.text
    assert "roadwarden-yolo26n-4.onnx are used instead" in caplog.text
    assert "secret" not in caplog.text
    assert sum(map(len, detector.detect(some_frames(street)))) > 0


def test_reading_makes_no_database(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("ROADWARDEN_REGISTRY", f"sqlite:///{tmp_path}/none.db")
    assert model_path("registry:roadwarden@champion") == shipped_model()
    assert "no such database" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_refused_where_mlflow_no_longer_takes_it(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    with pytest.raises(ConfigError, match=r"Use a database, such as sqlite:///var/mlflow\.db"):
        MlflowStore((tmp_path / "mlruns").as_uri())


def test_a_damaged_file_in_the_cache_is_fetched_again(local, desk, tmp_path):
    push(local, desk.files(1), desk.name)
    reference = Reference.read(f"registry:{desk.name}/1")
    kept = fetch(local, reference, tmp_path / "cache")
    kept.write_bytes(b"half a download")
    assert sha256_of(fetch(local, reference, tmp_path / "cache")) == sha256_of(desk.files(1).onnx)


def test_a_cache_that_cannot_be_written_is_told(local, desk, tmp_path):
    push(local, desk.files(1), desk.name)
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="ROADWARDEN_REGISTRY_CACHE"):
        fetch(local, Reference.read(f"registry:{desk.name}/1"), tmp_path / "file" / "cache")


def test_the_commands_tell_the_whole_story(database, tmp_path, monkeypatch):
    from roadwarden.cli import app

    monkeypatch.chdir(tmp_path)
    uri = "sqlite:///registry.db"
    (tmp_path / "registry.db").write_bytes(database.read_bytes())
    desk, runner = Desk(tmp_path, "roadwarden"), CliRunner()

    def run(*arguments):
        done = runner.invoke(app, ["registry", *map(str, arguments), "--registry", uri])
        if isinstance(done.exception, ModelError | ConfigError):
            return str(done.exception)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "no version yet" in run("list")
    for variant, gate in ((1, True), (2, None), (3, True)):
        files = desk.files(variant, gate=gate)
        extra = ["--gate", files.gate] if files.gate else []
        told = run("push", files.onnx, "--card", files.card, "--report", files.report, *extra)
        assert told == f"roadwarden version {variant}, gate {'passed' if gate else 'none'}\n"
    why = ["--why", "patches found 0.71", "--by", "duty engineer"]
    assert run("promote", 1, *why) == "champion: nowhere -> version 1, entry 2 of the history\n"
    assert "has no gate result" in run("promote", 2, *why)
    assert "version 1 -> version 3" in run("promote", 3, *why)
    assert "version 3 -> version 1" in run("rollback", *why)
    rows = json.loads(run("list", "--json"))
    assert [(row["version"], row["aliases"], row["gate"]) for row in rows] == [
        (1, ["champion"], "passed"),
        (2, [], "none"),
        (3, [], "passed"),
    ]
    assert rows[0]["sha256"] == sha256_of(desk.files(1).onnx)
    assert "champion" in run("list")
    told = json.loads(run("history", "--json", "--verify"))
    assert [entry["step"] for entry in told["entries"]] == ["intended", "done"] * 3
    assert "6 entries, unbroken" in run("history", "--verify")
    assert "patches found 0.71" in run("history")
    MlflowStore(uri).set_alias("roadwarden", "champion", 2)
    assert "not to be trusted: 'champion' stands at version 2" in run("history", "--verify")


def test_asking_for_a_file_costs_no_mlflow():
    """Who does not use the registry does not pay for it."""
    import subprocess
    import sys

    code = (
        "import sys\nfrom roadwarden.models.load import load_detector, model_path\n"
        "load_detector(model_path(None))\nimport roadwarden.cli\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in ('mlflow', 'sqlalchemy')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("missing", "uri"), [("mlflow.tracking", "http://127.0.0.1:1"), ("sqlalchemy", "sqlite:///never.db")]
)
def test_without_its_packages_it_says_what_to_install(monkeypatch, missing, uri):
    import sys

    from roadwarden.errors import MissingExtra

    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtra, match=r"pip install 'roadwarden\[registry\]'"):
        MlflowStore(uri)


def test_a_server_that_is_no_mlflow_is_away(tmp_path):
    import http.server
    import threading

    page = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    try:
        with pytest.raises(RegistryAway, match="is it running"):
            MlflowStore(f"http://127.0.0.1:{page.server_port}").versions("roadwarden")
    finally:
        page.shutdown()
        page.server_close()
