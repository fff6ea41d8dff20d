"""One mutant, one forked process that has the servers already: does any test notice?"""

import importlib
import importlib.machinery
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.mutation.mutants import Mutant, python_mutants, sql_mutants
from tests.mutation.targets import Target
from xroute.embedded.home import PROJECT
from xroute.embedded.postgres import DATABASE, OWNER

TEMPLATE = "xroute_template"  # of tests.servers, which starts servers when it is imported
LIMIT_S = 300
SLOWER = 1.5  # than without a mutant, and START_S: that is noticed
START_S = 15
LOG = Path(tempfile.gettempdir()) / "xroute-mutation.log"  # of the run without a mutant
LOADED = Path(tempfile.gettempdir()) / "xroute-mutation.loaded"  # that it loaded
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"


def mutants_of(target: Target) -> list[Mutant]:
    if target.is_sql:
        return list(sql_mutants(_body_of(target.path)))
    return list(python_mutants((PROJECT / target.path).read_text()))


def prepared(target: Target) -> float | None:
    """How long the target's tests may take with a mutant, in seconds; None where they fail without one."""
    _sync("off")
    started = time.monotonic()
    if _tests(target, None, LIMIT_S) != SURVIVED:
        return None
    took_s = time.monotonic() - started
    _load(target)
    return SLOWER * took_s + START_S


def _load(target: Target) -> None:
    """Before the children are forked, load what they load: all but the target, and what imports it."""
    import django

    name = target.path.removesuffix(".py").replace("/", ".")
    sys.modules[name] = None  # type: ignore[assignment]
    with suppress(ImportError):
        django.setup()
    for library in LOADED.read_text().split():
        with suppress(Exception):
            importlib.import_module(library)
    del sys.modules[name]
    django.db.connections.close_all()


def noticed(target: Target, mutant: Mutant, limit_s: float) -> str:
    """Run the target's tests with the mutant in place of the source, on books that no other mutant has touched."""
    with _function(target.path, mutant.source if target.is_sql else None) as refused:
        if refused:
            return KILLED  # PostgreSQL itself has noticed
        _fresh_books()
        return _tests(target, None if target.is_sql else mutant, limit_s)


def _tests(target: Target, mutant: Mutant | None, limit_s: float) -> str:
    child = os.fork()
    if not child:
        _be_the_child(target, mutant)
    until = time.monotonic() + limit_s
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

        flags = ("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore:Module already imported")
        code = int(pytest.main([*target.tests, *flags]))
        if mutant is None:
            loaded = sorted(name for name in sys.modules if ".test_" not in name and "__" not in name)
            LOADED.write_text("\n".join(loaded))
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


def _body_of(name: str) -> str:
    with _connected(DATABASE) as conn:
        return conn.execute("SELECT pg_get_functiondef(%s::regproc)", [name]).fetchone()[0]


@contextmanager
def _function(name: str, source: str | None) -> Iterator[bool]:
    """The function so in the database that those of tests are copied from; True where PostgreSQL refuses it."""
    if source is None:
        yield False
        return
    true = _body_of(name)
    try:
        yield not _done(source)
    finally:
        assert _done(true)


def _done(source: str) -> bool:
    with _connected(TEMPLATE) as conn:
        try:
            conn.execute(source)
        except psycopg.Error:
            return False
    return True


def _fresh_books() -> None:
    with _connected("postgres") as conn:
        conn.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        conn.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {TEMPLATE} OWNER {OWNER}")


def _sync(state: str) -> None:
    with _connected("postgres") as conn:
        conn.execute(f"ALTER SYSTEM SET fsync = {state}")
        conn.execute("SELECT pg_reload_conf()")


def _connected(database: str) -> psycopg.Connection:
    from tests.servers import superuser_url

    return psycopg.connect(superuser_url(database), autocommit=True)
