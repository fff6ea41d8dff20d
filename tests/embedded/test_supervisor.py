"""What dies is started again, and what is left without its supervisor dies."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest

from tests.embedded.watching import alive, mentioning, processes, until
from tests.stack import Stack, running
from xroute.embedded.home import open_home
from xroute.embedded.postgres import SUPERUSER

KINDS = ("web-1", "celery", "beat", "sandbox", "stripe", "postgres", "valkey")
OF_PAGES, OF_CELERY_MAX = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'xroute-django'", 4
UNROLLED = "SELECT count(*) FILTER (WHERE NOT rolled_up), count(*) FROM billing_meterbatch"


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Stack:
    with running(Path(tmp_path_factory.mktemp("supervisor")) / "data") as found:
        yield found


@pytest.fixture(scope="module")
def key(stack) -> str:
    return stack.key


def rolled_up(stack: Stack) -> bool:
    """Whether Celery and its clock have worked off all batches: they, too, run."""
    try:
        with psycopg.connect(open_home(stack.data).postgres().url(SUPERUSER), connect_timeout=2) as conn:
            waiting, batches = conn.execute(UNROLLED).fetchone()
    except psycopg.OperationalError as error:
        raise OSError(error) from error
    return batches and not waiting


@pytest.mark.parametrize("name", KINDS)
def test_a_killed_child_is_started_again_and_all_serves(name, stack, key):
    before = stack.state[name]
    os.kill(before, signal.SIGKILL)
    until(lambda: stack.state.get(name, before) != before)
    until(lambda: stack.call(key), within_s=90)
    until(lambda: rolled_up(stack), within_s=90)
    others = {other: pid for other, pid in stack.state.items() if other not in (name, "port")}
    assert all(Path(f"/proc/{pid}").exists() for pid in others.values())


def test_the_state_names_every_process(stack):
    assert set(stack.state) == {"supervisor", "port", *KINDS}


def test_pages_leave_no_connection_behind(stack):
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: urlopen(f"{stack.url}/account/login/").status, range(160))) == {200}
    with psycopg.connect(open_home(stack.data).postgres().url(SUPERUSER)) as conn:
        until(lambda: conn.execute(OF_PAGES).fetchone()[0] <= OF_CELERY_MAX, within_s=5)


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_serves(open_folder):
    with running(open_folder / "data") as stack:
        key, ours = stack.key, processes(stack)
        port = stack.port
        stack.child.kill()
        stack.child.wait()
        until(lambda: not alive(ours))
        until(lambda: not mentioning(stack.data))
    with running(stack.data, PORT=str(port)) as again:
        assert again.call(key)["id"]


def test_the_next_start_need_not_wait_for_the_last_of_a_killed_one(open_folder):
    with running(open_folder / "data") as stack:
        key, port = stack.key, stack.port
        stack.child.kill()
        stack.child.wait()
        with running(stack.data, PORT=str(port)) as again:
            # The killed one's web worker may still answer on the port, without a database behind it.
            until(lambda: again.call(key)["id"], within_s=60)
            assert again.manage("audit_ledger").returncode == 0
