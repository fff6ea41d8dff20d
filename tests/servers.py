"""A pytest plugin: PostgreSQL and Valkey of this run's own, migrated, before Django reads its settings.

Loaded by `-p tests.servers` (pyproject.toml). Everything lives in a temporary folder and ends with the run.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from tests.stack import OURS, PREPARED
from xroute.embedded.home import FILE, PROJECT, Home, free_port, open_home
from xroute.embedded.postgres import APPLICATION, DATABASE, OWNER, SUPERUSER, Postgres
from xroute.embedded.preparing import static_state

TEMPLATE = "xroute_template"


def _environment(home: Home) -> dict[str, str]:
    return home.environment() | {
        "XROUTE_MODE": "test",
        "DATABASE_URL": home.postgres().url(APPLICATION),
        "MIGRATION_DATABASE_URL": home.postgres().url(OWNER),
        "XROUTE_SANDBOX_URL": f"http://127.0.0.1:{free_port()}",
        "STRIPE_SECRET_KEY": home.values["STRIPE_SECRET_KEY"],
        "STRIPE_WEBHOOK_SECRET": home.values["STRIPE_WEBHOOK_SECRET"],
        "STRIPE_API_BASE": f"http://127.0.0.1:{home.values['STRIPE_PORT']}",
        "DJANGO_SETTINGS_MODULE": "xroute.settings",
        "EMAIL_URL": "mailbox:",
        "PYTHONWARNINGS": "default",
    }


def _start() -> Home:
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]
    os.environ["XROUTE_DOTENV"] = os.devnull
    folder = Path(tempfile.mkdtemp(prefix="xroute-test-", dir="/tmp"))
    folder.chmod(0o711)
    home = open_home(folder)
    postgres, valkey = home.postgres(), home.valkey()
    atexit.register(_stop, home)
    postgres.start()
    valkey.start()
    home_children.extend((postgres, valkey))
    os.environ.update(_environment(home))
    for step in (("migrate", "-v", "0"), ("load_catalogue",), ("collectstatic", "--noinput", "-v", "0")):
        subprocess.run([sys.executable, "-m", "django", *step], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    # Gathering takes half of a first start: installations of tests share what this run has gathered.
    os.environ["TEST_STATIC_DIR"] = str(folder / "static")
    (folder / "static.sha256").write_text(static_state())
    _keep(home, postgres)
    with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE {DATABASE} OWNER {OWNER}")
    return home


def _keep(home: Home, postgres: Postgres) -> None:
    """A copy of the cluster as it is now, to start installations from: with its password, and nothing else of ours."""
    kept = home.data / "prepared-installation"
    kept.mkdir(mode=0o711)
    kept.chmod(0o711)
    (kept / FILE).touch(mode=0o600)
    (kept / FILE).write_text(f"POSTGRES_PASSWORD={home.values['POSTGRES_PASSWORD']}\n")
    (stamp,) = _asked(postgres.url(SUPERUSER), "DELETE FROM billing_books RETURNING stamp")
    postgres.stop()
    subprocess.run(["cp", "-a", str(home.places.postgres), str(kept / "postgres")], check=True)
    postgres.start()
    _asked(postgres.url(SUPERUSER), "INSERT INTO billing_books (id, stamp) VALUES (1, %s) RETURNING id", *stamp)
    os.environ[PREPARED] = str(kept)


def _asked(url: str, sql: str, *values: object) -> list[tuple]:
    with psycopg.connect(url, autocommit=True, options="-c session_replication_role=replica") as conn:
        return conn.execute(sql, values).fetchall()  # the trigger that keeps the stamp is not asked


def _stop(home: Home) -> None:
    for server in reversed(home_children):
        server.stop()
    shutil.rmtree(home.data, ignore_errors=True)
    if home.places.postgres.parent != home.data:
        shutil.rmtree(home.places.postgres.parent, ignore_errors=True)


home_children: list = []
HOME = _start()


def fresh_database(name: str) -> dict[str, str]:
    """An empty installation's database of its own: DATABASE_URL and MIGRATION_DATABASE_URL."""
    postgres = HOME.postgres()
    with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {OWNER}")
    return {"DATABASE_URL": postgres.url(APPLICATION, name), "MIGRATION_DATABASE_URL": postgres.url(OWNER, name)}


def superuser_url(database: str = DATABASE) -> str:
    return HOME.postgres().url(SUPERUSER, database)
