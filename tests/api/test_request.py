"""The lean request is Django's in all that views look at."""

import io
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest

from tests.api.conftest import make_scope
from xroute.api.body import Bodies
from xroute.api.limits import Limits
from xroute.api.request import LeanRequest

HEADERS = [
    (b"content-type", b"application/json; charset=latin-1"),
    (b"content-length", b"3"),
    (b"x-twice", b"a"),
    (b"x-twice", b"b"),
    (b"x_forwarded_for", b"10.0.0.1"),
    (b"x-name", b"\xe4"),
    (b"cookie", b"a=b"),
]
ATTRIBUTES = (
    *("META", "path", "path_info", "script_name", "method", "scheme", "content_type", "content_params"),
    *("encoding", "GET", "COOKIES", "headers"),
)


@pytest.mark.parametrize(
    "over",
    [
        {},
        {"headers": []},
        {"client": None, "server": None},
        {"root_path": "/v1", "query_string": "ä=1&b=2&b=3".encode()},
        {"method": "post", "headers": [(b"content-type", b"multipart/form-data; boundary=x")]},
        {"headers": [(b"content-type", b"")]},
    ],
)
def test_it_is_djangos_request(over: dict[str, Any]) -> None:
    scope = make_scope("/v1/echo/ä", headers=HEADERS) | over
    theirs = ASGIRequest(scope, io.BytesIO())
    ours = LeanRequest(scope, None, Bodies(10), Limits())  # type: ignore[arg-type]
    for name in ATTRIBUTES:
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.get_host() == theirs.get_host()
    assert ours.get_full_path() == theirs.get_full_path()
    assert vars(theirs).keys() <= vars(ours).keys()


def test_a_body_that_was_not_loaded_is_not_mistaken_for_an_empty_one() -> None:
    request = LeanRequest(make_scope("/", "POST", HEADERS), None, Bodies(10), Limits())  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        request.body  # noqa: B018


async def test_forms_are_read_from_memory() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"a=1&b=2", "more_body": False}

    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"7")]
    request = LeanRequest(make_scope("/", "POST", headers), receive, Bodies(10), Limits())
    await request.load_body()
    await request.load_body()
    assert request.POST.dict() == {"a": "1", "b": "2"}
    request.finish()
