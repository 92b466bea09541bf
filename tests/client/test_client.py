"""The client against the running server, and against what the server says of itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import uvicorn

sys.path.insert(0, str(Path(__file__).parent.parent / "web"))

from served_city import served_city

from roadwarden.client import (
    ApiError,
    Client,
    Forbidden,
    Moved,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    NotUnderstood,
    Seen,
    ServerAway,
    Step,
    TooMany,
    Untrusted,
)
from roadwarden.client.times import time_of
from roadwarden.client.transport import Answer, Http, Patient, Request
from roadwarden.ledger.note import SigningKey
from roadwarden.storage.schema import open_storage

URL = "http://testserver"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A real server on a real socket."""
    engine = open_storage(f"sqlite:///{tmp_path_factory.mktemp('city')}/city.db")
    city = served_city(engine)
    server = uvicorn.Server(uvicorn.Config(city.client.app, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(600):
        if server.started:
            break
        time.sleep(0.05)
    city.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield city
    server.should_exit = True
    thread.join(20)
    engine.dispose()


def client(city, name, **more):
    return Client(city.url, city.token(name), **more)


class Recorder:
    """Answers as told and remembers what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked, self.slept = list(answers), [], []

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, body, *headers = answer
        return Answer(status, dict(headers), json.dumps(body).encode())

    def client(self, **more):
        return Client(URL, "rw_x_y", send=Patient(self, sleep=self.slept.append, draw=lambda: 1.0, **more))


class TestAgainstTheServer:
    def test_a_case_from_filing_to_a_report(self, served):
        intake, dispatcher, crew = (client(served, name) for name in ("u1", "u2", "u7"))
        filed = intake.file(distress="pothole", area="west-lake", latitude=30.274, longitude=120.155)
        sent = dispatcher.do(filed, Step.DISPATCH, department="roads", crew="roads-day")
        assert (sent.version, sent.repeated) == (2, False)
        seen = intake.case(filed.case)
        assert (seen.version, seen.told["case"]["department"]) == (2, "roads")
        with pytest.raises(NotFound, match="there is no case"):
            crew.do(seen, Step.ACCEPT)  # it is with another crew
        with pytest.raises(NotAllowed, match="is refused"):
            dispatcher.do(dispatcher.case(filed.case), Step.RESUME)

    def test_who_comes_second_hears_that_the_case_has_moved(self, served):
        intake, dispatcher = client(served, "u1"), client(served, "u2")
        filed = intake.file(distress="pothole", area="west-lake")
        seen = dispatcher.case(filed.case)
        dispatcher.do(seen, Step.DISPATCH, department="roads")
        with pytest.raises(Moved, match="is at version 2, not 1") as moved:
            dispatcher.do(seen, Step.DISPATCH, department="drainage")
        assert moved.value.problem["type"] == "urn:roadwarden:problem:stale-case"

    def test_a_write_whose_answer_was_lost_is_done_once(self, served):
        intake = client(served, "u1")
        real, lost = Http(), []

        def loses(request):
            answer = real(request)
            if request.method == "POST" and not lost:
                lost.append(request)
                raise ServerAway("the line went dead")
            return answer

        careless = Client(served.url, served.token("u1"), send=Patient(loses, sleep=lambda _s: None))
        before = {one["case_id"] for one in intake.cases()}
        done = careless.file(distress="pothole", area="west-lake")
        assert done.repeated
        assert {one["case_id"] for one in intake.cases()} - before == {done.case}

    def test_pages_are_one_row(self, served):
        intake = client(served, "u1")
        filed = [intake.file(distress="settlement", area="west-lake").case for _ in range(7)]
        found = [one["case_id"] for one in intake.cases(distress="settlement", open=True, limit=3)]
        assert sorted(found) == sorted(filed)
        assert list(intake.cases(distress="settlement", overdue=True, limit=3)) == []
        assert list(intake.defects()) == list(intake.segments()) == []

    def test_a_wish_is_approved_by_another(self, served):
        intake, dispatcher, chief = (client(served, name) for name in ("u1", "u2", "u4"))
        filed = intake.file(distress="pothole", area="west-lake")
        wish = dispatcher.wish(filed, "parked", {"reason": "rain", "until": "2026-03-03T08:00:00Z"})
        assert [one["id"] for one in chief.wishes(state="waiting") if one["case_id"] == filed.case] == [wish["id"]]
        assert chief.approve(wish["id"], filed.version).version == 2

    def test_what_goes_wrong_is_an_exception_of_its_own(self, served):
        with pytest.raises(NotLoggedIn, match="unknown, expired or revoked"):
            Client(served.url, "rw_0000000000000000_x").me()
        with pytest.raises(NotFound):
            client(served, "u1").case("2026-999999")
        with pytest.raises(Forbidden):
            client(served, "audit").file(distress="pothole", area="west-lake")
        with pytest.raises(NotUnderstood) as wrong:
            client(served, "u1").file(distress="pothole", area="west-lake", latitude=500)
        assert wrong.value.problem["faults"][0]["where"] == "body.latitude"
        assert client(served, "u1").me()["name"] == "u1"

    def test_the_servers_time_is_checked(self, served):
        trusted = str(served.parts.signer.verifier)
        told = client(served, "u1").time(trusted)
        assert (told.now, told.key) == (served.clock(), trusted)
        with pytest.raises(Untrusted, match="not signed by"):
            client(served, "u1").time(str(SigningKey.new("test/time").verifier))

    def test_it_speaks_as_the_servers_own_description_has_it(self, served):
        """Every request is one that the OpenAPI document knows, with all that it asks for."""
        document = served.client.get("/api/v1/openapi.json").json()
        told = {"items": [], "next": None, "case_id": "c", "version": 1, "repeated": False}
        recorder = Recorder((200, told | {"case": {"case_id": "c", "version": 1}}))
        asks, seen = recorder.client(), Seen("c", 1, {})
        list(asks.cases(order="due", state="filed", open=True, area="a", limit=5, after=None))
        list(asks.defects(type="pothole", severity="severe", segment="s"))
        list(asks.segments())
        asks.case("c", personal=True)
        asks.file(distress="pothole")
        for step in Step:
            asks.do(seen, step)
        asks.wish(seen, "parked", {})
        asks.wishes(state="waiting")
        asks.approve("0" * 20, 1)
        asks.kpi("2026-03-01", "2026-03-31")
        asks.me()
        with pytest.raises(Untrusted):
            asks.time()
        assert len(recorder.asked) == 11 + len(Step)
        for request in recorder.asked:
            assert_described(document, request)

    def test_every_step_that_the_server_has_is_one_of_the_clients(self, served):
        document = served.client.get("/api/v1/openapi.json").json()
        posts = {path.rsplit("/", 1)[1] for path, found in document["paths"].items()
                 if path.startswith("/api/v1/cases/{case}/") and "post" in found}  # fmt: skip
        assert posts - {"wishes", "review"} == {step.value for step in Step}


def assert_described(document, request: Request):
    path, _, query = request.url.removeprefix(URL).partition("?")
    known = {template: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))) for template in document["paths"]}
    operations = [document["paths"][one] for one, form in known.items() if form.fullmatch(path)]
    operation = next((found[request.method.lower()] for found in operations if request.method.lower() in found), None)
    assert operation is not None, f"{request.method} {path} is not in the document"
    parameters = operation.get("parameters", [])
    names = {one["name"].lower() for one in parameters}
    sent = {part.split("=")[0].lower() for part in query.split("&") if part}
    assert sent <= names, f"{path}: {sent - names}"
    headers = {name.lower() for name in request.headers}
    needed = {one["name"].lower() for one in parameters if one.get("required") and one["in"] != "path"}
    assert needed <= sent | headers, f"{path}: {needed - sent - headers}"
    assert (request.body is not None) == ("requestBody" in operation), path


class TestPatience:
    def test_pauses_double_and_what_the_server_asks_for_is_heeded(self):
        busy = Recorder((503, {}), (503, {}), (429, {}, ("retry-after", "7")), (200, {"name": "u1"}))
        assert busy.client().me() == {"name": "u1"}
        assert busy.slept == [0.5, 1.0, 7.0]

    def test_a_write_keeps_its_key_however_often_it_is_tried(self):
        done = {"case_id": "c", "version": 1, "repeated": True}
        busy = Recorder(ServerAway("no answer"), (503, {}), (201, done))
        assert busy.client().file(distress="pothole").repeated
        assert len({request.headers["Idempotency-Key"] for request in busy.asked}) == 1
        busy.client().file(distress="pothole")
        assert len({request.headers["Idempotency-Key"] for request in busy.asked}) == 2
        busy.client().file("my key", distress="pothole")
        assert busy.asked[-1].headers["Idempotency-Key"] == "my key"

    @pytest.mark.parametrize(
        ("answer", "error"), [((503, {}), ServerAway), ((429, {}), TooMany), (ServerAway("no answer"), ServerAway)]
    )
    def test_it_gives_up_after_five(self, answer, error):
        busy = Recorder(answer)
        with pytest.raises(error):
            busy.client().me()
        assert len(busy.asked) == 5

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 500, 302])
    def test_what_repeating_cannot_help_is_not_repeated(self, status):
        refusing = Recorder((status, {"detail": "no"}))
        with pytest.raises(ApiError, match="no") as refused:
            refusing.client().me()
        assert (len(refusing.asked), refused.value.status) == (1, status)

    def test_a_server_that_is_away(self):
        away = Client("http://127.0.0.1:1", send=Patient(Http(), tries=2, sleep=lambda _s: None))
        with pytest.raises(ServerAway, match="does not answer"):
            away.me()


def test_a_token_is_not_sent_in_clear():
    for url in ("http://roads.city.example", "ftp://x", "roads"):
        with pytest.raises(ApiError, match="wanted https"):
            Client(url, "rw_x_y")
    assert Client("https://roads.city.example", "rw_x_y")


def test_an_old_or_changed_time_is_not_believed():
    key = SigningKey.new("roads/time")
    note = str(key.sign("roads/time\nfresh\n2026-03-02T08:00:00Z\n"))
    told = {"key": str(key.verifier), "note": note}
    assert time_of(told, "fresh", None).now.isoformat() == "2026-03-02T08:00:00+00:00"
    for changed, says in (
        ({"note": note.replace("T08", "T09")}, "not signed by"),
        ({"note": "nonsense"}, "not told as it should be"),
        ({"key": "nonsense"}, "not told as it should be"),
    ):
        with pytest.raises(Untrusted, match=says):
            time_of(told | changed, "fresh", None)
    with pytest.raises(Untrusted, match="an old answer"):
        time_of(told, "another", None)


def test_it_brings_nothing_of_the_server():
    """Whoever talks to us installs no web server and no database."""
    heavy = ("fastapi", "sqlalchemy", "numpy", "cv2", "onnxruntime", "httpx", "pydantic", "roadwarden.service")
    program = f"import sys, roadwarden.client; print([one for one in {heavy} if one in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
