"""Real processes for tests: the sandbox provider and web workers, on loopback, each ended by whoever started it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from xroute.embedded.home import PROJECT, free_port


@dataclass(slots=True)
class Process:
    """A server process that answers at `url`."""

    port: int
    child: subprocess.Popen
    log: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> object:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.loads(answer.read())

    def signal(self, number: int) -> None:
        self.child.send_signal(number)

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()

    def stop(self, wait_s: float = 15) -> int:
        """SIGTERM and its exit code; killed where it does not end."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.terminate()
            try:
                self.child.wait(wait_s)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.child.returncode

    def wait(self, path: str, timeout_s: float = 30) -> "Process":
        until = time.monotonic() + timeout_s
        while True:
            try:
                self.get(path)
                return self
            except OSError:
                if self.child.poll() is not None or time.monotonic() > until:
                    self.stop(1)
                    raise RuntimeError(f"it did not start:\n{self.log.read_text()[-4000:]}") from None
                time.sleep(0.05)


def spawn(command: list[str], log: Path, environment: dict[str, str], port: int) -> Process:
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, *command], cwd=PROJECT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    return Process(port, child, log, environment)


def start_sandbox(folder: Path, port: int | None = None) -> Process:
    """The sandbox provider; its book is folder/book.jsonl."""
    port = port or free_port()
    command = ["-m", "xroute.embedded.provider", "--port", str(port), "--book", str(folder / "book.jsonl")]
    return spawn(command, folder / "sandbox.log", dict(os.environ), port).wait("/healthz")


def start_web(folder: Path, **environment: str) -> Process:
    """One web worker, with settings of its own."""
    port = free_port()
    env = os.environ | {"XROUTE_SPOOL_DIR": str(folder / "spool"), "XROUTE_DRAIN_S": "10"} | environment
    # Tests name the endpoint that answers first: the cheapest.
    env = {"XROUTE_DEFAULT_SORT": "price"} | env
    return spawn(["-m", "xroute.web", "--port", str(port)], folder / f"web-{port}.log", env, port).wait("/readyz")
