"""Bring a database up to date: migrate, then load the catalogue."""

import subprocess
import sys
from collections.abc import Mapping

from xroute.embedded.home import PROJECT

STEPS = (("migrate", "-v", "0"), ("load_catalogue",))


def prepare(environment: Mapping[str, str]) -> None:
    """Raises SystemExit with the failing step's own words."""
    for step in STEPS:
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
