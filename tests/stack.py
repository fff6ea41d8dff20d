"""The whole installation of `make run`, in a folder of its own, for tests."""

import json
import os
import pwd
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xroute.embedded.home import PROJECT

# What steers XRoute: a person's own settings and credentials must not reach an installation of the tests.
OURS = (
    *(path.stem.upper().replace("-", "_") + "_" for path in (PROJECT / "routing/catalogue_data").glob("*.json")),
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
    "PYTHONWARNINGS",
    "STRIPE_",
    "EMAIL_URL",
    "SIGNUP_CREDIT_USD",
)

PREPARED = "TEST_PREPARED_DIR"


@dataclass(slots=True)
class Stack:
    """A running installation. `environment` is what its commands need; `user` is who runs it, None for ourselves."""

    data: Path
    child: subprocess.Popen
    environment: dict[str, str]
    output: Path
    python: str = sys.executable
    user: str | None = None

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
            [self.python, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environment,
            **as_user(self.user),
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def key(self) -> str:
        """A funded key of somebody new."""
        made = self.manage("create_key", f"{time.time_ns()}@example.com", "--credit", "5")
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def call(self, key: str) -> dict:
        """One chat completion; raises OSError where it is not answered with 200."""
        body = {"model": "gpt-5", "messages": [{"role": "user", "content": "Hello"}]}
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self.url}/openai/v1/chat/completions", json.dumps(body).encode(), headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise OSError(f"{error.code}: {error.read().decode()[:500]}") from None

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.child.poll() is None:
            self.child.send_signal(number)
        return self.child.wait(60)


def environment(data: Path, **more: str) -> dict[str, str]:
    """Ours, without what the test run's own servers have set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    shared = {"XROUTE_STATIC_DIR": kept["TEST_STATIC_DIR"]} if "TEST_STATIC_DIR" in kept else {}
    return kept | {"XROUTE_DATA_DIR": str(data), "XROUTE_DOTENV": os.devnull, "PORT": "0"} | shared | more


def as_user(user: str | None) -> dict:
    """For subprocess: who the process shall be."""
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def start(data: Path, *, python: str = sys.executable, user: str | None = None, **more: str) -> Stack:
    """`make run` without make, not waited for."""
    env = environment(data, **more)
    output = data.parent / f"{data.name}.out"
    with output.open("ab") as file:
        command = [python, "-m", "xroute.embedded", "run"]
        child = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=file, stderr=subprocess.STDOUT, **as_user(user))
    return Stack(data, child, env, output, python, user)


@contextmanager
def running(data: Path, *, wait_s: float = 60, from_nothing: bool = False, **more: Any) -> Iterator[Stack]:
    """`make run`, ready; stopped at the end. A first start finds its tables made, unless it is `from_nothing`."""
    if not from_nothing and PREPARED in os.environ and not data.exists():
        subprocess.run(["cp", "-a", os.environ[PREPARED], str(data)], check=True)
    stack = start(data, **more)
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
        except urllib.error.HTTPError as error:
            error.close()
            time.sleep(0.1)
        except (OSError, KeyError, ValueError):
            time.sleep(0.1)
    raise RuntimeError(f"it did not start:\n{stack.output.read_text()[-4000:]}")
