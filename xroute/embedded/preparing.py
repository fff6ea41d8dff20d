"""Bring an installation up to date: migrate, load the catalogue, gather what browsers load."""

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

from xroute.embedded.home import PROJECT, Home
from xroute.embedded.process import death_signal

STEPS = (("migrate", "-v", "0"), ("load_catalogue",))
COLLECT = ("collectstatic", "--noinput", "-v", "0")


def prepare(home: Home) -> None:
    """Raises SystemExit with the failing step's own words; the mark of `home.prepared` is set where all is well.

    List prices that changed are left as they are (nobody is there to agree), and the step's word about them is shown.
    """
    for step in STEPS:
        _run(home, step)
    _collect(home)
    home.prepared.touch()


def _collect(home: Home) -> None:
    """Static files, hashed and compressed; left out where they are those of the last start."""
    gathered = Path(home.environment().get("XROUTE_STATIC_DIR") or home.data / "static")
    mark, state = gathered.with_name(f"{gathered.name}.sha256"), static_state()
    if mark.exists() and mark.read_text() == state:
        return
    _run(home, COLLECT)
    mark.write_text(state)


def setup_link(home: Home) -> str:
    """The link that makes the first operator; empty where there is one. A failure is only said: the rest runs."""
    done = _manage(home, ("setup_link",))
    if done.returncode:
        print(f"`manage.py setup_link` failed:\n{done.stderr.strip()[-3000:]}", file=sys.stderr)
    return done.stdout.strip()


def static_state() -> str:
    """What the gathered files depend on: ours, and the versions of what brings its own."""
    digest = hashlib.sha256((PROJECT / "requirements.lock").read_bytes())
    for path in sorted((PROJECT / "static").rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(PROJECT)).encode() + path.read_bytes())
    return digest.hexdigest()


def _run(home: Home, step: tuple[str, ...]) -> None:
    done = _manage(home, step)
    if done.returncode:
        sys.exit(f"`manage.py {' '.join(step)}` failed:\n{done.stderr.strip()[-3000:]}")
    if done.stderr and step[0] == "load_catalogue":
        print(done.stderr.strip(), file=sys.stderr)


def _manage(home: Home, step: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *step],
        env=home.environment() | {"DJANGO_SETTINGS_MODULE": "xroute.settings"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C is for the supervisor, which lets a step come to its end
        preexec_fn=death_signal(signal.SIGKILL),
    )
