"""A PostgreSQL of the run's own with an empty installation's tables, and Django on it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stack import OURS
from xroute.embedded.home import PROJECT, Home, open_home
from xroute.embedded.postgres import APPLICATION, OWNER


@contextmanager
def server(keep: Path | None) -> Iterator[Home]:
    """Started, migrated and in the environment; its folder is removed afterwards, unless `keep` names it."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]
    folder = keep or Path(tempfile.mkdtemp(prefix="xroute-scale-", dir="/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    home = open_home(folder)
    postgres = home.postgres()
    postgres.start()
    try:
        os.environ.update(home.environment() | _settings(home))
        for step in (("migrate", "-v", "0"), ("load_catalogue",), ("collectstatic", "--noinput", "-v", "0")):
            command = [sys.executable, "-m", "django", *step]
            subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
        _django()
        yield home
    finally:
        postgres.stop()
        if keep is None:
            shutil.rmtree(home.data, ignore_errors=True)
            if home.places.postgres.parent != home.data:
                shutil.rmtree(home.places.postgres.parent, ignore_errors=True)


def _settings(home: Home) -> dict[str, str]:
    return {
        "XROUTE_MODE": "test",
        "XROUTE_DOTENV": os.devnull,
        "DATABASE_URL": home.postgres().url(APPLICATION),
        "MIGRATION_DATABASE_URL": home.postgres().url(OWNER),
        "DJANGO_SETTINGS_MODULE": "xroute.settings",
        "XROUTE_STATIC_DIR": str(home.data / "static"),
        "EMAIL_URL": "mailbox:",
        "STRIPE_SECRET_KEY": "",
        "ALLOWED_HOSTS": "*",
    }


def _django() -> None:
    import django

    django.setup()
