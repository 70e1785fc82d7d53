"""ETag, If-None-Match and If-Match (RFC 9110): who changes something has seen its present state.

The tag is a hash of the representation as the actor sees it, so it changes with whatever is shown,
clusters and unavailability included, and with nothing else.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from app.errors import Problem

IF_MATCH: Final = "If-Match"
IF_NONE_MATCH: Final = "If-None-Match"

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')

Out = TypeVar("Out", bound=BaseModel)


def etag_of(shown: BaseModel) -> str:
    """The strong entity tag of a representation, in its quotes."""
    digest = hashlib.sha256(shown.model_dump_json().encode()).digest()
    return f'"{urlsafe_b64encode(digest[:18]).decode()}"'


def tag_fits(etag: str, lines: Sequence[str], *, weakly: bool = False) -> bool:
    """True if a condition's lines name the tag, or `*` any; `weakly`: as If-None-Match does."""
    text = ",".join(lines)
    if text.strip() == "*":
        return True
    return any(tag == etag and (weakly or not weak) for weak, tag in _TAG.findall(text))


@dataclass(frozen=True, slots=True)
class Tags:
    """Gives answers their tags, and holds requests to the condition they make."""

    response: Response
    if_match: Sequence[str] = ()
    """Lines of the header."""

    def show(self, shown: Out) -> Out:
        """The same, with its tag in the answer's headers."""
        self.response.headers["ETag"] = etag_of(shown)
        # Kept by the caller alone, and asked about each time: what may be seen can change.
        self.response.headers["Cache-Control"] = "private, no-cache"
        return shown

    def require(self, current: BaseModel) -> None:
        """Problem 412 if the request was made for another state than `current`.

        To be called in the transaction of the change, with the row locked.
        """
        if self.if_match and not tag_fits(etag_of(current), self.if_match):
            raise Problem(
                HTTPStatus.PRECONDITION_FAILED,
                "It was changed since you read it: read it again, and decide anew.",
            )


async def _of_new(response: Response) -> Tags:
    return Tags(response)


async def _of_read(
    response: Response,
    _condition: Annotated[
        str | None,
        Header(alias=IF_NONE_MATCH, description="An ETag: answers 304 if it is still the same."),
    ] = None,
) -> Tags:
    return Tags(response)


async def _of_change(
    request: Request,
    response: Response,
    _condition: Annotated[
        str | None,
        Header(
            alias=IF_MATCH,
            description="The ETag of what you have read: answers 412, and changes nothing, if it "
            "was changed since. Without it the change is made in any case.",
        ),
    ] = None,
) -> Tags:
    return Tags(response, tuple(request.headers.getlist(IF_MATCH)))


NewTags = Annotated[Tags, Depends(_of_new)]
"""For an endpoint that makes something."""
ReadTags = Annotated[Tags, Depends(_of_read)]
"""For one that reads something; `app.api_route.ApiRoute` answers its 304."""
ChangeTags = Annotated[Tags, Depends(_of_change)]
"""For one that changes or removes something: it calls `require`."""


def unchanged(request: Request, response: Response) -> Response:
    """The response, or 304 where the caller has it already."""
    etag = response.headers.get("etag")
    lines = request.headers.getlist(IF_NONE_MATCH)
    reads = request.method == "GET" and response.status_code == HTTPStatus.OK
    # An introduction's tag is its revision, which leaves out its notes: `show` has not set it.
    ours = etag is not None and "cache-control" in response.headers
    if etag is None or not ours or not lines or not reads or not tag_fits(etag, lines, weakly=True):
        return response
    kept = {name: response.headers[name] for name in ("etag", "cache-control")}
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=kept)


def describe_tags(operation: dict[str, Any]) -> None:
    """Add to an operation of the OpenAPI document what its conditions bring about."""
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if IF_NONE_MATCH in names:
        operation["responses"]["304"] = {"description": "Still as the caller has it"}
    if names & {IF_MATCH, IF_NONE_MATCH} and "200" in operation["responses"]:
        tag = {"description": "Of what is shown", "schema": {"type": "string"}}
        operation["responses"]["200"]["headers"] = {"ETag": tag}
