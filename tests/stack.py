"""The whole installation of `make run`, in a folder of its own, for tests."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xroute.embedded.home import PROJECT

# What steers XRoute: a person's own settings and credentials must not reach an installation of the tests.
OURS = (
    "DATABASE_",
    "MIGRATION_DATABASE_URL",
    "REDIS_URL",
    "CELERY_",
    "XROUTE_",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "PORT",
    "PUBLIC_URL",
    "WEB_CONCURRENCY",
    "DJANGO_",
    "OPENAI_",
    "MISTRAL_",
    "CLOUDFLARE_",
    "STRIPE_",
    "EMAIL_URL",
    "SIGNUP_CREDIT_USD",
)


@dataclass(slots=True)
class Stack:
    """A running installation. `environment` is what its commands need."""

    data: Path
    child: subprocess.Popen
    environment: dict[str, str]
    output: Path

    @property
    def state(self) -> dict[str, int]:
        return json.loads((self.data / "supervisor.json").read_text())

    @property
    def port(self) -> int:
        return self.state["port"]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def manage(self, *arguments: str) -> subprocess.CompletedProcess:
        """A management command, as a person would run it beside `make run`."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.child.poll() is None:
            self.child.send_signal(number)
        return self.child.wait(60)


def environment(data: Path, **more: str) -> dict[str, str]:
    """Ours, without what the test run's own servers have set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return kept | {"XROUTE_DATA_DIR": str(data), "XROUTE_DOTENV": os.devnull, "PORT": "0"} | more


@contextmanager
def running(data: Path, *, wait_s: float = 60, **more: str) -> Iterator[Stack]:
    """`make run` without make; stopped at the end."""
    env = environment(data, **more)
    output = data.parent / f"{data.name}.out"
    with output.open("ab") as file:
        command = [sys.executable, "-m", "xroute.embedded", "run"]
        child = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=file, stderr=subprocess.STDOUT)
    stack = Stack(data, child, env, output)
    try:
        _wait(stack, wait_s)
        yield stack
    finally:
        stack.stop()


def _wait(stack: Stack, wait_s: float) -> None:
    until = time.monotonic() + wait_s
    while time.monotonic() < until and stack.child.poll() is None:
        try:
            with urllib.request.urlopen(f"{stack.url}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (OSError, KeyError, ValueError):
            time.sleep(0.1)
    raise RuntimeError(f"it did not start:\n{stack.output.read_text()[-4000:]}")
