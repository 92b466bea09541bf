"""Whatever the OpenAPI document allows, the running server answers as the document says, and never with a 5xx."""

from __future__ import annotations

import pytest
import schemathesis
from desks import file_one, mend, report, to_crew
from hypothesis import HealthCheck, Phase, given, settings
from running import running
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from served_city import EVERYBODY, people_of, served_city

from roadwarden.storage.schema import open_storage
from roadwarden.web.app import create_app
from roadwarden.web.settings import WebSettings

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
QUICK, LONG = 3, 60
_OPEN = WebSettings(per_second=100_000, burst=100_000, anonymous_per_second=100_000, anonymous_burst=100_000)


@pytest.fixture(scope="session")
def api(tmp_path_factory):
    """A running server with a few cases, and the token of somebody who is everything at once."""
    engine = open_storage(f"sqlite:///{tmp_path_factory.mktemp('api')}/city.db")
    people_of(engine)
    made = served_city(engine, settings=_OPEN)
    made.people.add(EVERYBODY, by="test")
    desk = made.parts.desk
    cases = [file_one(desk) for _ in range(4)]
    to_crew(desk, cases[1])
    to_crew(desk, cases[2])
    report(desk, cases[2])
    mend(desk, cases[3])
    with running(create_app(made.parts)) as url:
        yield url, made.auth("all"), cases
    engine.dispose()


@pytest.fixture(scope="session")
def document(api):
    url, auth, _ = api
    return schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json", headers=auth)


def limited(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


def _ask(case, api, number):
    """As it came, and, where it is about a case, once more about one that is there."""
    _, auth, cases = api
    case.call_and_validate(headers=auth, checks=CHECKS)
    if "case" in (case.path_parameters or {}):
        case.path_parameters["case"] = cases[number % len(cases)]
        if case.headers and "if-match" in {name.lower() for name in case.headers}:
            case.headers["if-match"] = "*"
        case.call_and_validate(headers=auth, checks=CHECKS)


def ask_everything(document, api, examples):
    """Every operation; all breaks are told, not only the first."""
    told = [broken(found.ok(), api, number, examples) for number, found in enumerate(document.get_all_operations())]
    assert not any(told), "\n\n".join(filter(None, told))


def broken(operation, api, number, examples):
    @limited(examples)
    @given(case=operation.as_strategy())
    def ask(case):
        _ask(case, api, number)

    try:
        ask()
    except (AssertionError, BaseExceptionGroup) as exc:
        return f"{operation.label}: {exc}\n{getattr(exc, 'exceptions', '')}"
    return None


def test_no_5xx_and_no_break_of_the_schema(document, api):
    ask_everything(document, api, QUICK)


@pytest.mark.slow
def test_the_same_at_length(document, api):
    ask_everything(document, api, LONG)


def test_every_operation_has_an_example_and_words(api, document):
    for path, item in document.raw_schema["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            answers = operation["responses"]
            good = next(value for status, value in answers.items() if status.startswith("2"))
            for media, content in good.get("content", {}).items():
                if media == "application/json":
                    assert _has_example(document.raw_schema, content), where
            for content in operation.get("requestBody", {}).get("content", {}).values():
                assert _has_example(document.raw_schema, content), where


def _has_example(raw, content):
    if "examples" in content or "example" in content:
        return True
    told = content["schema"]
    if "$ref" in told:
        told = raw["components"]["schemas"][told["$ref"].rsplit("/", 1)[1]]
    return bool(told.get("examples"))
