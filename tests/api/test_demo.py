"""Demo mode answers this machine and no one else."""

import json

import pytest
from django.test import override_settings

from tests.api.conftest import Client, make_scope
from xroute.api.demo import is_loopback, refusal
from xroute.api.handler import LeanHandler


@pytest.mark.parametrize("host", [b"localhost", b"LOCALHOST:8000", b"127.0.0.1:1", b"[::1]:8000", b"[::1]"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_local_requests_pass(host: bytes, peer: str) -> None:
    assert refusal(make_scope("/", headers=[(b"host", host)], client=(peer, 1))) is None


@pytest.mark.parametrize(
    "host",
    [b"evil.example", b"localhost.evil.example", b"localhost@evil", b"localhost.", b"", b"0.0.0.0", b"127.0.0.2"],
)
def test_other_names_are_refused(host: bytes) -> None:
    assert "localhost" in (refusal(make_scope("/", headers=[(b"host", host)])) or "")


@pytest.mark.parametrize("hosts", [[], [b"localhost", b"localhost"], [b"localhost", b"evil.example"]])
def test_exactly_one_host_is_needed(hosts: list[bytes]) -> None:
    assert refusal(make_scope("/") | {"headers": [(b"host", host) for host in hosts]}) is not None


@pytest.mark.parametrize("client", [None, ("10.0.0.1", 1), ("192.168.1.2", 1), ("::ffff:10.0.0.1", 1), ("", 0)])
def test_other_peers_are_refused(client: tuple[str, int] | None) -> None:
    assert "this machine" in (refusal(make_scope("/", client=client)) or "")


@pytest.mark.parametrize(
    "name", [b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded", b"x-real-ip", b"x_forwarded_for"]
)
def test_forwarded_requests_are_refused(name: bytes) -> None:
    assert "forwarded" in (refusal(make_scope("/", headers=[(name, b"127.0.0.1")])) or "")


def test_what_is_no_address_is_not_loopback() -> None:
    assert not is_loopback("localhost")


async def test_the_plane_refuses_in_demo_mode_only() -> None:
    forwarded = [(b"x-forwarded-for", b"127.0.0.1")]
    with override_settings(XROUTE_MODE="demo"):
        demo = LeanHandler("tests.api.urls")
    with override_settings(XROUTE_MODE="production"):
        production = LeanHandler("tests.api.urls")
    reply = await Client(demo)("/v1/empty", headers=forwarded)
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["type"], error["code"]) == (403, "permission_error", "demo_is_local")
    assert (await Client(demo)("/v1/empty", "OPTIONS", [(b"host", b"evil.example")])).status == 403
    assert (await Client(demo)("/v1/empty")).status == 200
    assert (await Client(production)("/v1/empty", headers=forwarded)).status == 200
