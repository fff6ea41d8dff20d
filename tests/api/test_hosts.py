"""The Host header is checked by Django's own rule, but once."""

import json

import pytest
from django.core.exceptions import DisallowedHost
from django.test import RequestFactory, override_settings

from tests.api.conftest import Client, Served
from xroute.api.handler import LeanHandler
from xroute.api.hosts import Hosts

ALLOWED = ["api.acme.org", ".acme.dev", "127.0.0.1", "[::1]", "localhost"]
HOSTS = [
    "api.acme.org",
    "API.acme.ORG:443",
    "api.acme.org.",
    "x.api.acme.org",
    "acme.dev",
    "a.b.acme.dev:8000",
    "evilacme.dev",
    "127.0.0.1:8000",
    "[::1]:8000",
    "[::1]",
    "::1",
    "localhost:abc",
    "localhost:",
    "localhost,localhost",
    "a@localhost",
    "localhost/",
    " localhost",
    "",
    "ä.acme.dev",
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("allowed", [ALLOWED, ["*"], []])
@pytest.mark.parametrize("debug", [True, False])
def test_the_rule_is_djangos(host: str, allowed: list[str], debug: bool) -> None:
    with override_settings(ALLOWED_HOSTS=allowed, DEBUG=debug):
        try:
            RequestFactory().get("/", headers={"host": host}).get_host()
            expected = True
        except DisallowedHost:
            expected = False
    assert Hosts(allowed, debug=debug).allows(host) is expected


def test_a_long_host_is_not_remembered() -> None:
    assert not Hosts(["*"]).allows("a" * 301)


@pytest.mark.parametrize("host", [b"evil.example", b"", b"localhost\xe4"])
async def test_a_foreign_host_is_refused(call: Client, host: bytes) -> None:
    reply = await call("/v1/empty", headers=[(b"host", host)])
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (400, "bad_host")


async def test_without_a_host_only_http_1_0_is_served(handler: LeanHandler) -> None:
    assert (await Client(handler)("/v1/empty", named=False, http_version="1.0")).status == 200
    assert (await Client(handler)("/v1/empty", named=False, http_version="1.1")).status == 400


@pytest.mark.parametrize("second", ["localhost", "evil.example"])
async def test_two_host_headers(served: Served, second: str) -> None:
    wire = await served.connect()
    await wire.ask("GET /v1/empty\r\n", host=f"Host: localhost\r\nHost: {second}\r\n")
    status, _headers, body = await wire.reply()
    assert (status, json.loads(body)["error"]["code"]) == (400, "bad_host")
