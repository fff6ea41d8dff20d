"""One mutant, one forked process that has the servers already: does any test notice?"""

import importlib.machinery
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.mutation.mutants import Mutant, python_mutants, sql_mutants
from tests.mutation.targets import Target
from xroute.embedded.home import PROJECT

LIMIT_S = 240
LOG = Path(tempfile.gettempdir()) / "xroute-mutation.log"  # of the run without a mutant
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"


def mutants_of(target: Target) -> list[Mutant]:
    if target.is_sql:
        return list(sql_mutants(_body_of(target.path)))
    return list(python_mutants((PROJECT / target.path).read_text()))


def noticed(target: Target, mutant: Mutant | None) -> str:
    """Run the target's tests with the mutant in place of the source; without one they must all pass."""
    if target.is_sql and mutant:
        with _function(target.path, mutant.source) as refused:
            return KILLED if refused else _tests(target, None)  # PostgreSQL itself has noticed
    return _tests(target, mutant)


def _tests(target: Target, mutant: Mutant | None) -> str:
    child = os.fork()
    if not child:
        _be_the_child(target, mutant)
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return SURVIVED if os.waitstatus_to_exitcode(status) == 0 else KILLED
        time.sleep(0.02)
    os.killpg(child, 9)
    os.waitpid(child, 0)
    return TIMED_OUT


def _be_the_child(target: Target, mutant: Mutant | None) -> None:
    """Never returns; leaves without the hooks that would stop the servers."""
    code = 70
    try:
        os.setpgid(0, 0)
        log = os.open(LOG if mutant is None else os.devnull, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        for number in (0, 1, 2):
            os.dup2(log, number)
        if mutant:
            _put(PROJECT / target.path, mutant.source)
        import pytest

        tests = [path for path in target.tests if (PROJECT / path).exists()]
        code = int(pytest.main([*tests, "-x", "-q", "-p", "no:cacheprovider", "-W", "ignore:Module already imported"]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _put(path: Path, source: str) -> None:
    """Whoever imports the module gets this source; subprocesses of tests get the true one."""
    true = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader, fullname: str):
        if Path(loader.path) == path:
            return compile(source, str(path), "exec")
        return true(loader, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code
    assert not any(getattr(module, "__file__", "") == str(path) for module in sys.modules.values())


def _databases() -> list[str]:
    from tests.servers import DATABASE, TEMPLATE, superuser_url

    return [superuser_url(DATABASE), superuser_url(TEMPLATE)]


def _body_of(name: str) -> str:
    with psycopg.connect(_databases()[0]) as conn:
        return conn.execute("SELECT pg_get_functiondef(%s::regproc)", [name]).fetchone()[0]


@contextmanager
def _function(name: str, source: str) -> Iterator[bool]:
    """The function so, in every database that tests use; True where PostgreSQL refuses it."""
    true = _body_of(name)
    try:
        refused = False
        for url in _databases():
            with psycopg.connect(url, autocommit=True) as conn:
                try:
                    conn.execute(source)
                except psycopg.Error:
                    refused = True
        yield refused
    finally:
        for url in _databases():
            with psycopg.connect(url, autocommit=True) as conn:
                conn.execute(true)
