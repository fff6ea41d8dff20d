"""PostgreSQL from a wheel, driven by ourselves: on a Unix socket only, with an owner's and an application's role."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from xroute.embedded.places import Places
from xroute.embedded.process import spawn, stop

DATABASE, OWNER, APPLICATION, SUPERUSER = "xroute", "xroute_owner", "xroute_app", "postgres"
START_S, STOP_S = 30.0, 20.0
OPTIONS = {
    "listen_addresses": "",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",  # a month's chart of a busy workspace is summed in memory
    "wal_compression": "on",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "unix_socket_permissions": "0777",  # the directory and the passwords are the guard
}


@dataclass(slots=True)
class Postgres:
    """One cluster. `password` opens all three roles; it is kept in the installation's own file."""

    places: Places
    password: str = field(repr=False)
    log: Path = field(default_factory=Path)
    child: "subprocess.Popen[bytes] | None" = None

    @property
    def data(self) -> Path:
        return self.places.postgres / "data"

    def url(self, role: str, database: str = DATABASE) -> str:
        """The address for a role, over the Unix socket."""
        return f"postgresql://{role}:{quote(self.password, safe='')}@/{database}?host={self.places.sockets}"

    def command(self) -> list[str]:
        """How the server is started."""
        options = OPTIONS | {"unix_socket_directories": str(self.places.sockets)}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.places.binaries / "postgres"), "-D", str(self.data), *flags]

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}

    def initialise(self) -> None:
        """Make the cluster where there is none; a torn one of an earlier try is made anew."""
        if (self.data / "PG_VERSION").exists() and not (self.places.postgres / "initialising").exists():
            return
        mark, secret = self.places.postgres / "initialising", self.places.postgres / "password"
        mark.touch()
        shutil.rmtree(self.data, ignore_errors=True)
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        if self.places.user:
            shutil.chown(secret, self.places.user, "nogroup")
        flags = ["-D", str(self.data), "-U", SUPERUSER, "-E", "UTF8", "--locale=C", "--auth=scram-sha-256"]
        try:
            self._run([str(self.places.binaries / "initdb"), *flags, f"--pwfile={secret}"])
        finally:
            secret.unlink()
        mark.unlink()

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(
            command,
            env=self.environment(),
            cwd="/",
            user=self.places.user,
            group="nogroup" if self.places.user else None,
            extra_groups=[] if self.places.user else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()[-2000:]}")

    def start(self, *, on_death: int = signal.SIGINT) -> None:
        """Start the server and make its roles; returns when it answers. `on_death` 0: it may outlive us."""
        self.initialise()
        self.child = spawn(
            self.command(), env=self.environment(), log=self.log, on_death=on_death, user=self.places.user
        )
        self.wait()
        self.prepare()

    def wait(self, timeout_s: float = START_S) -> None:
        """Until it answers; raises RuntimeError where it does not."""
        until = time.monotonic() + timeout_s
        while not self.answers():
            if time.monotonic() > until or (self.child is not None and self.child.poll() is not None):
                raise RuntimeError(f"PostgreSQL did not start; see {self.log}.")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether a server runs on these files."""
        try:
            psycopg.connect(self.url(SUPERUSER, "postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def prepare(self) -> None:
        """Make the roles and the database where they are missing."""
        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as conn:
            roles = {row[0] for row in conn.execute("SELECT rolname FROM pg_roles")}
            for role, rights in ((OWNER, "CREATEDB"), (APPLICATION, "NOCREATEDB")):
                if role not in roles:
                    statement = sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}")
                    conn.execute(statement.format(sql.Identifier(role), sql.SQL(rights), sql.Literal(self.password)))
            if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                conn.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))

    def stop(self) -> None:
        """Stop the server we started, or the one whose pid stands in its data directory."""
        if self.child is not None:
            stop(self.child, number=signal.SIGINT, wait_s=STOP_S)
            self.child = None
            return
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split()[0])
            os.kill(pid, signal.SIGINT)
        except (FileNotFoundError, ProcessLookupError, IndexError, ValueError):
            return
        until = time.monotonic() + STOP_S
        while pid_file.exists() and time.monotonic() < until:
            time.sleep(0.05)
