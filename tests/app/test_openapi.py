"""The published description of the API, and random requests made from it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import count, product
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import InvalidURL, Response
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core import NotSet
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from app.access import OPEN_ACTIONS, rule_of
from tests.app.asking import (
    SECRET,
    UNKNOWN,
    capability,
    cluster,
    create,
    need,
    organisation,
    partner,
)
from tests.guards.routes import served

KEY_HEADERS = {"authorization", "x-api-key"}
DRESSED = ("headers", "path_parameters", "query", "body")
"""Of a random request: what is put in anew, after it was made up."""
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document(application: FastAPI) -> dict[str, Any]:
    """The OpenAPI document."""
    return application.openapi()


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    missing = [
        name
        for name, operation in _operations(document)
        if not operation.get("summary") or not (operation.get("description") or "metrics" in name)
    ]
    assert missing == []


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    found = [operation["operationId"] for _, operation in _operations(document)]
    assert len(found) == len(set(found))


def test_every_served_endpoint_is_documented(
    document: dict[str, Any], application: FastAPI
) -> None:
    documented = {name for name, _ in _operations(document)}
    rules = {
        f"{route.method} {route.path}"
        for route in served(application)
        if rule_of(route.endpoint) is not None
        and not route.path.startswith(("/docs", "/mail/"))  # pages for people
    }
    assert documented == rules


def test_errors_are_documented(document: dict[str, Any], application: FastAPI) -> None:
    rules = {f"{r.method} {r.path}": rule_of(r.endpoint) for r in served(application)}
    for name, operation in _operations(document):
        wanted: set[str] = set()
        if rules[name] not in OPEN_ACTIONS:
            wanted |= {"401", "403", "503"}
            if operation.get("parameters") or "requestBody" in operation:
                wanted.add("422")
        if "{" in name:
            wanted.add("404")
        if "requestBody" in operation:
            wanted.add("413")
        assert wanted <= set(operation["responses"]), name


def test_errors_are_documented_as_problems(document: dict[str, Any]) -> None:
    """By the media type that they have."""
    wrong = [
        (name, status)
        for name, operation in _operations(document)
        for status, response in operation["responses"].items()
        if status.startswith(("4", "5"))
        and set(response.get("content", {})) != {"application/problem+json"}
    ]
    assert wrong == []


def test_request_bodies_have_examples(document: dict[str, Any]) -> None:
    missing = []
    for name, operation in _operations(document):
        if "requestBody" not in operation:
            continue
        media = operation["requestBody"]["content"]["application/json"]
        schema = _resolve(document, media["schema"])
        if not any(thing.get("examples") or thing.get("example") for thing in (media, schema)):
            missing.append(name)
    assert missing == []


def test_examples_are_accepted(staff: TestClient, document: dict[str, Any]) -> None:
    home = create(staff, "/v1/organisations", organisation())["id"]
    create(staff, "/v1/clusters", cluster())
    who = create(staff, "/v1/partners", partner())["id"]
    paths = {
        "OrganisationIn": "/v1/organisations",
        "PartnerIn": "/v1/partners",
        "CapabilityIn": f"/v1/partners/{who}/capabilities",
        "NeedIn": "/v1/needs",
        "MatchTextIn": "/v1/match",
    }
    for name, path in paths.items():
        examples = document["components"]["schemas"][name]["examples"]
        for example in examples:
            body = example | ({"organisation_id": home} if name == "NeedIn" else {})
            response = staff.post(path, json=body)
            assert response.status_code in {200, 201}, (name, response.text)


def test_keys_are_documented(document: dict[str, Any], application: FastAPI) -> None:
    schemes = document["components"]["securitySchemes"].values()
    assert {(s["type"], s.get("in")) for s in schemes} == {
        ("http", None),
        ("apiKey", "header"),
        ("apiKey", "cookie"),
    }
    rules = {f"{r.method} {r.path}": rule_of(r.endpoint) for r in served(application)}
    for name, operation in _operations(document):
        assert bool(operation.get("security")) == (rules[name] not in OPEN_ACTIONS), name


@pytest.fixture
def stored(staff: TestClient) -> dict[str, str]:
    """The path parameters of things that there are."""
    home = create(staff, "/v1/organisations", organisation())["id"]
    create(staff, "/v1/clusters", cluster())
    who = create(staff, "/v1/partners", partner())["id"]
    paper = create(staff, f"/v1/partners/{who}/capabilities", capability())["id"]
    wanted = create(staff, "/v1/needs", need(organisation_id=home))["id"]
    run = staff.post(f"/v1/needs/{wanted}/match-runs").json()["id"]
    introduction = create(staff, f"/v1/needs/{wanted}/introductions", {"partner_id": who})["id"]
    brief = create(staff, f"/v1/needs/{wanted}/teaser", {})["id"]
    return {
        "organisation_id": home,
        "partner_id": who,
        "capability_id": paper,
        "need_id": wanted,
        "run_id": run,
        "introduction_id": introduction,
        "brief_id": brief,
        # Of nobody: the key that asks must live on.
        "account_id": UNKNOWN,
        "key_id": UNKNOWN,
        "session_id": UNKNOWN,
    }


def _marked(value: Any) -> Any:
    """The same with `SECRET` in every text, also in names of fields that nobody knows."""
    if isinstance(value, str):
        return f"{value}{SECRET}"
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if isinstance(value, dict):
        return {name: _marked(item) for name, item in value.items()} | {SECRET: SECRET}
    return value


def _dress(case: Any, turn: int, stored: dict[str, str]) -> None:
    """Every second case is of things that there are; every third has `SECRET` all over it.

    Made-up keys are sent now and then only: with them, one learns nothing but 401.
    """
    if turn % 10:
        unkeyed = {n: v for n, v in (case.headers or {}).items() if n.lower() not in KEY_HEADERS}
        case.headers = unkeyed
    if turn % 2 and case.path_parameters:
        known = {name: stored.get(name, value) for name, value in case.path_parameters.items()}
        case.path_parameters = known
    if turn % 3 == 0:
        case.headers = {**(case.headers or {}), "X-Request-Id": SECRET, "User-Agent": SECRET}
        if not isinstance(case.body, NotSet):
            case.body = _marked(case.body)
        if case.query:
            case.query = {name: _marked(value) for name, value in case.query.items()}
        if turn % 2 == 0 and case.path_parameters:
            case.path_parameters = dict.fromkeys(case.path_parameters, SECRET)


def _is_sound(response: Response, where: str) -> None:
    """No 5xx; an error is a problem document without a trace and without what was sent."""
    assert response.status_code < 500, where
    assert response.headers["x-content-type-options"] == "nosniff", where
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json", where
        assert response.json()["status"] == response.status_code, where
        assert SECRET not in response.text, where
        assert "Traceback" not in response.text, where


def _each(cases: Any, examples: int, send: Callable[[Any, int], None]) -> None:
    """Have each of some generated cases sent twice, with the number of the request.

    To make a case takes longer than to answer it, and with another number it becomes another
    request: by somebody else, and of what there is instead of what there is not.
    """
    turns = count()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=cases)
    def ask(case: Any) -> None:
        made = {name: getattr(case, name) for name in DRESSED}
        for _ in range(2):
            for name, value in made.items():
                setattr(case, name, value)
            send(case, next(turns))

    # Raised where nothing can be wrong in a request, since it has no parameters.
    with suppress(Unsatisfiable):
        ask()


def _fuzz(
    clients: Sequence[TestClient], stored: dict[str, str], examples: int, share: slice
) -> int:
    """Random requests, valid and not, to a share of the operations, by each client in turn.

    Deletions come last. Returns the number of requests.
    """
    schema = schemathesis.openapi.from_dict(clients[0].get("/openapi.json").json())
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) == len(list(schema.get_all_operations()))
    operations.sort(key=lambda operation: operation.method.upper() == "DELETE")
    assert len(operations) > 25
    answered: Counter[int] = Counter()

    def send(case: Any, turn: int) -> None:
        _dress(case, turn, stored)
        sent = case.as_transport_kwargs(base_url="http://testserver")
        sent.pop("cookies", None)
        if not isinstance(sent.get("data"), dict | None):  # httpx2's word for a raw body
            sent["content"] = sent.pop("data")
        try:
            response = clients[turn % len(clients)].request(
                sent.pop("method"),
                sent.pop("url"),
                **{name: value for name, value in sent.items() if value is not None},
            )
        # The client sends no address of 64 kB, and no header beyond ASCII.
        except (InvalidURL, UnicodeEncodeError):
            return
        answered[response.status_code] += 1
        _is_sound(response, f"{case.method} {case.formatted_path}: {sent}")

    for operation, mode in product(operations[share], GenerationMode):
        _each(operation.as_strategy(generation_mode=mode), examples, send)
    assert {200, 201, 204, 404, 422} <= answered.keys()
    return answered.total()


@pytest.mark.slow
@pytest.mark.parametrize("half", [0, 1])
def test_ten_thousand_random_requests(
    staff: TestClient,
    company: TestClient,
    anonymous: TestClient,
    stored: dict[str, str],
    half: int,
) -> None:
    """By staff, a company and nobody; staff more often, since the others see little.

    In two halves of 5,000, each with every second operation, so that two processes share them.
    """
    clients = [staff, company, staff, anonymous, staff]
    assert _fuzz(clients, stored, examples=38, share=slice(half, None, 2)) >= 5_000
