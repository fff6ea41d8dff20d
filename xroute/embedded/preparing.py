"""Bring an installation up to date: migrate, load the catalogue, gather what browsers load."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from xroute.embedded.home import PROJECT

STEPS = (("migrate", "-v", "0"), ("load_catalogue",))
COLLECT = ("collectstatic", "--noinput", "-v", "0")


def prepare(environment: Mapping[str, str]) -> None:
    """Raises SystemExit with the failing step's own words."""
    for step in STEPS:
        _run(step, environment)
    collect(environment)


def collect(environment: Mapping[str, str]) -> None:
    """Static files, hashed and compressed; left out where they are those of the last start."""
    mark = Path(environment["XROUTE_DATA_DIR"]) / "static.sha256"
    state = _state()
    if mark.exists() and mark.read_text() == state:
        return
    _run(COLLECT, environment)
    mark.write_text(state)


def _state() -> str:
    """What the gathered files depend on: ours, and the versions of what brings its own."""
    digest = hashlib.sha256((PROJECT / "requirements.lock").read_bytes())
    for path in sorted((PROJECT / "static").rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(PROJECT)).encode() + path.read_bytes())
    return digest.hexdigest()


def _run(step: tuple[str, ...], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "django", *step],
        env=dict(environment) | {"DJANGO_SETTINGS_MODULE": "xroute.settings"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"`manage.py {' '.join(step)}` failed:\n{done.stderr.strip()[-3000:]}")
