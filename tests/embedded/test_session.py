"""Every command finds the servers of `make run`, and starts and stops them where nothing runs."""

import signal
import subprocess
import sys
import time

import pytest

from tests.embedded.watching import mentioning, until
from tests.stack import Stack, environment, running, start
from xroute.embedded.home import PROJECT, open_home


@pytest.fixture
def idle(open_folder):
    """An installation that nobody has started; servers that a failed test has left are stopped."""
    stack = start(open_folder / "data")
    stack.child.kill()
    stack.child.wait()
    until(lambda: not mentioning(stack.data))
    yield stack
    home = open_home(stack.data)
    home.valkey().stop()
    home.postgres().stop()


def test_commands_work_from_nothing_and_leave_nothing_running(idle):
    made = idle.manage("create_key", "you@example.com", "--credit", "5")
    assert made.returncode == 0, made.stderr
    assert mentioning(idle.data) == []
    audit = idle.manage("audit_ledger")
    assert audit.returncode == 0
    assert audit.stderr == (
        f"Nothing runs in {idle.data}: its servers are started for this command. "
        "XROUTE_DATA_DIR names another folder, DATABASE_URL another database.\n"
    )
    assert idle.manage("load_catalogue").stdout.endswith("\n0 endpoints new, 0 prices changed.\n")
    assert mentioning(idle.data) == []
    with running(idle.data) as stack:
        assert stack.call(made.stdout.strip())["provider"] == "sandbox"


def test_commands_beside_each_other_share_the_servers(idle):
    commands = [
        subprocess.Popen(
            [idle.python, "manage.py", "create_key", f"person{number}@example.com"],
            cwd=PROJECT,
            env=idle.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    results = [(command.communicate(timeout=120), command.returncode) for command in commands]
    assert [code for _, code in results] == [0, 0, 0], results
    assert len({out for (out, _), _ in results}) == 3
    assert mentioning(idle.data) == []


def test_processes_that_make_an_installation_at_once_agree_on_its_secrets(open_folder):
    code = "from pathlib import Path; from xroute.embedded.home import open_home; " + (
        f"input(); print(sorted(open_home(Path({str(open_folder / 'data')!r})).values.items()))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    time.sleep(2)  # so that all stand at their input(): a nearer race, not the proof
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    results = [process.communicate(timeout=60)[0] for process in started]
    assert all(process.returncode == 0 for process in started)
    assert len(set(results)) == 1


def test_a_command_says_where_it_makes_a_new_installation(open_folder):
    data = open_folder / "elsewhere"
    done = subprocess.run(
        [sys.executable, "manage.py", "create_key", "you@example.com"],
        cwd=PROJECT,
        env=environment(data),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr.startswith(f"There is no installation in {data} yet: a new one is being made there.")
    assert mentioning(data) == []


def test_commands_beside_make_run_stop_nothing_of_it(open_folder):
    with running(open_folder / "data") as stack:
        before = stack.state
        key = stack.key
        quiet = stack.manage("load_catalogue")
        assert (quiet.returncode, quiet.stderr) == (0, "")
        assert stack.manage("audit_ledger").returncode == 0
        assert stack.call(key)["id"]
        assert stack.state == before


ASK = """
from django.db import connection
for line in iter(input, "end"):
    connection.ensure_connection()
    print(line, connection.is_usable(), flush=True)
"""


class Shell:
    """A command that stays until it is told to end."""

    def __init__(self, stack: Stack) -> None:
        self.process = subprocess.Popen(
            [stack.python, "manage.py", "shell", "-v", "0", "-c", ASK],
            cwd=PROJECT,
            env=stack.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self) -> str:
        self.process.stdin.write("ready\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def end(self, number: int = 0) -> int:
        if number:
            self.process.send_signal(number)
        self.process.communicate("" if number else "end\n", timeout=60)
        return self.process.returncode


def test_whoever_started_the_servers_may_leave_first(idle):
    first, second = Shell(idle), Shell(idle)
    assert first.ask() == second.ask() == "ready True\n"
    assert first.end() == 0
    assert second.ask() == "ready True\n"
    third = Shell(idle)
    assert third.ask() == "ready True\n"
    assert second.end() == 0
    assert third.ask() == "ready True\n"
    assert third.end() == 0
    assert mentioning(idle.data) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 1)])
def test_a_command_that_is_ended_stops_what_it_started(number, code, idle):
    command = Shell(idle)
    assert command.ask() == "ready True\n"
    assert command.end(number) in (code, -number)
    assert mentioning(idle.data) == []


def test_what_a_killed_command_leaves_the_next_one_stops(idle):
    command = Shell(idle)
    assert command.ask() == "ready True\n"
    command.end(signal.SIGKILL)
    assert idle.manage("audit_ledger").returncode == 0
    assert mentioning(idle.data) == []


def test_a_preparation_that_failed_is_made_good_by_the_next_command(open_folder):
    data = open_folder / "data"
    stack = start(data, XROUTE_NONSENSE="1")
    assert stack.child.wait(60) == 1
    assert "XROUTE_NONSENSE is no setting of XRoute." in stack.output.read_text()
    stack.environment = environment(data)
    assert stack.manage("create_key", "you@example.com").returncode == 0


def test_what_a_command_needs_no_server_for_starts_none(open_folder):
    stack = start(open_folder / "data", WEB_CONCURRENCY="two")
    stack.child.wait(60)
    stack.environment = environment(stack.data)
    started = time.monotonic()
    done = stack.manage("help", "create_key")
    assert "prints" in done.stdout.lower()
    assert not (stack.data / "postgres" / "data" / "postmaster.pid").exists()
    assert time.monotonic() - started < 30
