"""An installation's folder: its secrets, made once, and the environment that its processes share."""

import contextlib
import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet

from xroute.embedded.places import Places, data_folder, make, places
from xroute.embedded.postgres import APPLICATION, OWNER, Postgres
from xroute.embedded.valkey import Valkey
from xroute.lib import env
from xroute.lib.stripe_keys import EMULATOR_KEY

PROJECT = Path(__file__).resolve().parents[2]
FILE = "installation.env"


@dataclass(slots=True)
class Home:
    """Everything about one XROUTE_DATA_DIR."""

    places: Places
    values: dict[str, str] = field(repr=False)

    @property
    def data(self) -> Path:
        return self.places.data

    @property
    def prepared(self) -> Path:
        """There once the database has been migrated and its catalogue loaded."""
        return self.data / "prepared"

    @property
    def logs(self) -> Path:
        return make(self.data / "logs", 0o700)

    def postgres(self) -> Postgres:
        return Postgres(self.places, self.values["POSTGRES_PASSWORD"], self.logs / "postgres.log")

    def valkey(self) -> Valkey:
        return Valkey(self.places, self.logs / "valkey.log")

    @property
    def emulates_stripe(self) -> bool:
        """Whether payments go to the emulator: in demo mode only."""
        return (os.environ.get("XROUTE_MODE") or "demo") == "demo"

    def environment(self, port: int | None = None) -> dict[str, str]:
        """What every process of the installation gets; what a person has set already wins."""
        port = port or int(self.values["PORT"])
        postgres, valkey = self.postgres(), self.valkey()
        ours = {
            "XROUTE_MODE": "demo",
            "XROUTE_DATA_DIR": str(self.data),
            "XROUTE_SPOOL_DIR": str(self.data / "spool"),
            "DATABASE_URL": postgres.url(APPLICATION),
            "MIGRATION_DATABASE_URL": postgres.url(OWNER),
            "REDIS_URL": valkey.url,
            "SECRET_KEY": self.values["SECRET_KEY"],
            "XROUTE_ENCRYPTION_KEYS": self.values["XROUTE_ENCRYPTION_KEYS"],
            "PORT": str(port),
            "XROUTE_SANDBOX_URL": f"http://127.0.0.1:{self.values['SANDBOX_PORT']}",
            "SIGNUP_CREDIT_USD": "1",
            "XROUTE_DRAIN_S": "10",
            "PYTHONUNBUFFERED": "1",
        }
        if self.emulates_stripe:
            ours |= {
                "STRIPE_SECRET_KEY": self.values["STRIPE_SECRET_KEY"],
                "STRIPE_WEBHOOK_SECRET": self.values["STRIPE_WEBHOOK_SECRET"],
                "STRIPE_API_BASE": f"http://127.0.0.1:{self.values['STRIPE_PORT']}",
            }
        theirs = {name: value for name, value in os.environ.items() if name != "PORT" and value}
        given = {name for name in ours if f"{name}{env.FILE}" in theirs}
        if external():
            given |= {"DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL"}
        return {name: value for name, value in ours.items() if name not in given} | theirs

    def remember(self, **values: str) -> None:
        """Keep values for the next start."""
        with _alone(self.data):
            self.values = _read(self.data / FILE) | values
            _write(self.data / FILE, self.values)


def data_dir() -> Path:
    """XROUTE_DATA_DIR, by default var/ in the project."""
    return Path(os.environ.get("XROUTE_DATA_DIR") or PROJECT / "var").absolute()


def external() -> bool:
    """Whether a person named the database: then nothing is embedded."""
    env.load_dotenv(env.dotenv(PROJECT / ".env"))
    return bool(os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"))


def open_home(data: Path | None = None) -> Home:
    """The installation's folder; its secrets are made at its first use."""
    folder = data_folder(data or data_dir())
    with _alone(folder):
        values = _read(folder / FILE)
        missing = {name: value for name, value in _fresh().items() if name not in values}
        if missing:
            values |= missing
            _write(folder / FILE, values)
        return Home(places(folder), values)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time: two that make the secrets at once would each have their own."""
    handle = os.open(folder / "installation.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _fresh() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "XROUTE_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "POSTGRES_PASSWORD": secrets.token_urlsafe(24),
        "SANDBOX_PORT": str(free_port()),
        "STRIPE_PORT": str(free_port()),
        "STRIPE_SECRET_KEY": EMULATOR_KEY + secrets.token_urlsafe(24),
        "STRIPE_WEBHOOK_SECRET": "whsec_" + secrets.token_urlsafe(24),
        "PORT": os.environ.get("PORT") or "8000",
    }


def _read(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)


def _write(file: Path, values: dict[str, str]) -> None:
    """Whole or not at all, and for our eyes only."""
    part = file.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    part.replace(file)


def free_port(wanted: int = 0) -> int:
    """A port of the loopback interface that is free now: `wanted`, if that is."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", wanted))
        except OSError:
            sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
