"""`make run` as a whole: from nothing, again, beside itself; what it listens on, and that its end is its end."""

import re
import signal
import socket
import time

import pytest

from tests.embedded.watching import alive, listening, mentioning, processes, until
from tests.stack import running, start

AGAIN_S = 20  # the promise is 10; a loaded machine is given twice that
LOOPBACK = re.compile(r"0100007F:|0{24}01000000:")


def test_the_next_start_finds_the_same_data(open_folder, record_property):
    data = open_folder / "data"
    with running(data, wait_s=90, from_nothing=True) as stack:
        key = stack.key
        first = stack.call(key)
        until(lambda: f"XRoute is running at http://localhost:{stack.port}" in stack.output.read_text())
        assert stack.stop() == 0
        assert stack.output.read_text().endswith("XRoute has stopped.\n")
    started = time.monotonic()
    with running(data) as stack:
        took_s = time.monotonic() - started
        record_property("second_start_s", round(took_s, 1))
        assert stack.call(key)["id"] != first["id"]
        audit = stack.manage("audit_ledger")
        assert (audit.returncode, audit.stderr) == (0, "")
    assert took_s < AGAIN_S


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything(number, open_folder):
    with running(open_folder / "data") as stack:
        ours = processes(stack)
        assert len(ours) > 7
        assert stack.stop(number) == 0
        assert alive(ours) == set()
        assert mentioning(stack.data) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_first_start_ends_everything(number, open_folder):
    stack = start(open_folder / "data")
    until(lambda: (stack.data / "supervisor.json").exists() and "postgres" in stack.state)
    ours = processes(stack)
    assert stack.stop(number) == 0
    assert alive(ours) == set()
    assert mentioning(stack.data) == []
    with running(stack.data) as again:
        assert again.call(again.key)["usage"]["cost"] > 0


def test_it_listens_on_loopback_only(open_folder):
    with running(open_folder / "data") as stack:
        addresses = listening(processes(stack))
        assert any(address.endswith(f":{stack.port:04X}") for address in addresses)
        assert [address for address in addresses if not LOOPBACK.match(address)] == []


def test_two_copies_side_by_side(open_folder):
    with running(open_folder / "one") as one, running(open_folder / "two") as two:
        keys = one.key, two.key
        assert one.port != two.port
        assert one.call(keys[0])["provider"] == two.call(keys[1])["provider"] == "sandbox"
        with pytest.raises(OSError, match="401"):
            two.call(keys[0])
        one.stop()
        assert two.call(keys[1])["id"]


def test_a_port_in_use_is_said_in_one_sentence(open_folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stack = start(open_folder / "data", PORT=str(port))
        assert stack.child.wait(60) == 1
    (line,) = stack.output.read_text().splitlines()
    assert line == f"Port {port} is in use. Choose another: PORT={max(port + 1, 8001)} make run."


def test_a_wrong_setting_is_said_in_one_sentence(open_folder):
    stack = start(open_folder / "data", WEB_CONCURRENCY="two")
    assert stack.child.wait(60) == 1
    lines = stack.output.read_text().splitlines()
    assert any("WEB_CONCURRENCY is 'two'; it must be a whole number such as 1." in line for line in lines)
    assert not any("Traceback" in line for line in lines)
    assert mentioning(stack.data) == []


def test_a_second_supervisor_on_the_same_data_is_refused(open_folder):
    with running(open_folder / "data") as stack:
        second = start(stack.data)
        assert second.child.wait(90) == 1
        assert f"XRoute is running already on {stack.data}" in stack.output.read_text()
        assert stack.call(stack.key)["id"]
