"""Valid request bodies, and what tests ask of every answer."""

import time
from collections.abc import Callable, Iterator, Sized
from http import HTTPStatus
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

Body = dict[str, Any]

UNKNOWN = "01900000-0000-7000-8000-000000000000"
"""A well-formed id that no row has."""

SECRET = "confidential-4711"
"""Tests put it into what they send; no error may send it back."""


def cluster(**changes: Any) -> Body:
    """A theme."""
    return {"slug": "food-health", "name_en": "Food and Health", **changes}


def organisation(**changes: Any) -> Body:
    """A company in Miyazaki."""
    return {
        "kind": "company",
        "name_en": "Hyuganada Brewing",
        "prefecture": "宮崎県",
        "city": "日南市",
        **changes,
    }


def partner(**changes: Any) -> Body:
    """A researcher."""
    return {"kind": "researcher", "name_en": "Haruka Kuroki", "languages": ["ja"], **changes}


def capability(**changes: Any) -> Body:
    """A paper about citrus juice."""
    return {
        "kind": "paper",
        "title_en": "Browning of citrus juice",
        "text_en": "Enzymes turn juice brown. Ascorbic acid delays the browning of citrus juice.",
        "year": 2024,
        **changes,
    }


def need(**changes: Any) -> Body:
    """A need for fresh citrus juice."""
    return {
        "kind": "technology",
        "title_en": "Keep citrus juice fresh",
        "brief_en": "Our citrus juice turns brown and bitter after two months.",
        **changes,
    }


def create(client: TestClient, path: str, body: Body) -> Body:
    """POST that must succeed; what was stored."""
    response = client.post(path, json=body)
    assert response.status_code == HTTPStatus.CREATED, response.text
    created: Body = response.json()
    return created


def get(client: TestClient, path: str, **query: Any) -> Body:
    """GET that must succeed."""
    response = client.get(path, params=query)
    assert response.status_code == HTTPStatus.OK, response.text
    found: Body = response.json()
    return found


def patch(client: TestClient, path: str, body: Body) -> Body:
    """PATCH that must succeed."""
    response = client.patch(path, json=body)
    assert response.status_code == HTTPStatus.OK, response.text
    changed: Body = response.json()
    return changed


def delete(client: TestClient, path: str) -> None:
    """DELETE that must succeed."""
    response = client.delete(path)
    assert response.status_code == HTTPStatus.NO_CONTENT, response.text
    assert response.content == b""


def problem(response: Response, status: int, field: str | None = None) -> Body:
    """The answer is a problem of that status (and names the field), without what was sent."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: Body = response.json()
    known = {"type", "title", "status", "detail", "errors"}
    assert set(body) == (known | {"request_id"} if status >= 500 else known)
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"] == HTTPStatus(status).phrase
    assert body["detail"]
    assert SECRET not in response.text
    if field is not None:
        assert field in [error["field"] for error in body["errors"]], body
    for error in body["errors"]:
        assert set(error) == {"field", "message"}
        assert error["message"]
    return body


def headers_of(response: Response) -> Body:
    """The headers that tell something: not the clock's, nor the number that each answer has."""
    return {k: v for k, v in response.headers.items() if k not in ("date", "x-request-id")}


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until the condition holds; it is a failure if it does not within that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def grown(items: Sized, by: int, seconds: float = 10) -> None:
    """Wait until so many have come to them."""
    enough = len(items) + by
    eventually(lambda: len(items) >= enough, seconds)


def without_stamp(body: Body) -> Body:
    """A stored object without the time of its last change."""
    return {name: value for name, value in body.items() if name != "updated_at"}


def pages(client: TestClient, path: str, **query: Any) -> Iterator[list[Body]]:
    """The pages of a list, one after the other."""
    cursor: dict[str, str] = {}
    for _ in range(1000):
        found = get(client, path, **query, **cursor)
        yield found["items"]
        if found["next_cursor"] is None:
            return
        cursor = {"cursor": found["next_cursor"]}
    raise AssertionError("the pages do not end")


def ids(items: list[Body]) -> list[str]:
    """Their ids, in order."""
    return [item["id"] for item in items]


def everything(client: TestClient, path: str, **query: Any) -> list[str]:
    """The ids of a whole list."""
    return [item["id"] for items in pages(client, path, **query) for item in items]
