"""The worker process: its sockets, its end, and what it refuses."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.api.conftest import Wire
from xroute import web
from xroute.lib.env import BadSetting

ROOT = Path(__file__).resolve().parents[2]
APP = "tests.api.application:application"


@contextmanager
def worker(*arguments: str, fds: tuple[int, ...] = (), **environment: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "xroute.web", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        pass_fds=fds,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


async def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return (await asyncio.to_thread(process.stdout.readline)).strip()


async def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, errors = await asyncio.to_thread(process.communicate, None, 20)
    return process.returncode, out, errors


async def test_two_sockets_and_a_clean_end_under_load() -> None:
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    fds = tuple(sock.fileno() for sock in listening)
    ports = [sock.getsockname()[1] for sock in listening]
    flags = [word for fd in fds for word in ("--fd", str(fd))]
    with worker("--app", APP, *flags, fds=fds) as process:
        for sock in listening:
            sock.close()
        assert await line_of(process) == "startup"
        wires = [Wire(*await asyncio.open_connection("127.0.0.1", port)) for port in ports]
        await wires[0].ask("GET /v1/empty\r\n")
        status, headers, _ = await wires[0].reply()
        assert status == 200
        assert "server" not in headers
        await wires[0].ask("GET /v1/sleep/800\r\n")
        await wires[1].ask("GET /v1/stream/three\r\nConnection: close\r\n")
        await asyncio.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", ports[0])
        assert (await wires[0].reply())[2] == b'{"slept":800}'
        assert (await wires[1].rest()).endswith(b"0\r\n\r\n")
        assert await ended(process) == (0, "shutdown\n", "")
        for wire in wires:
            wire.close()


async def test_who_does_not_finish_in_time_is_told_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        fd, port = sock.fileno(), sock.getsockname()[1]
        with worker("--app", APP, "--fd", str(fd), fds=(fd,), XROUTE_DRAIN_S="1") as process:
            assert await line_of(process) == "startup"
            wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
            await wire.ask("GET /v1/sleep/60000\r\n")
            await asyncio.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            status, headers, _ = await wire.reply()
            assert (status, headers["x-should-retry"]) == (503, "false")
            code, out, _errors = await ended(process)
            assert (code, out) == (0, "shutdown\n")
            wire.close()


async def test_host_and_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    with worker("--app", APP, "--port", str(port)) as process:
        assert await line_of(process) == "startup"
        for _ in range(50):  # uvicorn binds after the start-up of the application
            try:
                wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
                break
            except ConnectionError:
                await asyncio.sleep(0.05)
        await wire.ask("GET /v1/empty\r\n")
        assert (await wire.reply())[0] == 200
        wire.close()
        process.send_signal(signal.SIGTERM)
        assert (await ended(process))[0] == 0


async def test_a_start_that_fails_is_no_success() -> None:
    with worker("--app", "tests.api.application:broken", "--port", "0") as process:
        code, _out, errors = await ended(process)
        assert code == 3
        assert "no database" in errors


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"XROUTE_MODE": "demo"}, "must not listen on '0.0.0.0'"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY has 5 characters"),
    ],
)
async def test_what_it_refuses(environment: dict[str, str], message: str) -> None:
    with worker("--app", APP, "--host", "0.0.0.0", "--port", "0", **environment) as process:
        code, _out, errors = await ended(process)
        assert code == 1
        assert message in errors
        assert "Traceback" not in errors


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_demo_listens_on_loopback_only(address: str) -> None:
    web.check_demo(["127.0.0.1", "::1", "localhost"])
    with pytest.raises(BadSetting):
        web.check_demo(["127.0.0.1", address])


def test_forwarded_headers_count_only_from_named_proxies() -> None:
    assert not web.config(APP, "127.0.0.1", 0, drain_s=1, proxies=[]).proxy_headers
    made = web.config(APP, "127.0.0.1", 0, drain_s=1, proxies=["10.0.0.1"])
    assert (made.proxy_headers, made.forwarded_allow_ips) == (True, ["10.0.0.1"])


def test_arguments() -> None:
    assert web.arguments(["--fd", "3", "--fd", "4"]).fd == [3, 4]
    assert (web.arguments([]).app, web.arguments([]).port) == ("xroute.asgi:application", None)
