"""`make run`: the whole installation on one machine, on the loopback interface only."""

import errno
import json
import os
import shlex
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NoReturn

from xroute.embedded.home import PROJECT, Home, external, free_port, open_home
from xroute.embedded.preparing import prepare, setup_link
from xroute.embedded.session import Lock
from xroute.embedded.supervisor import Child, Supervisor
from xroute.lib import env

READY_S = 60
COMMAND_S = 30  # how long a command that uses the servers may take to end
BACKLOG = 2048
LOG_BYTES_MAX = 10 * 2**20


def run() -> None:
    """Start everything, say where it is, and stay until asked to stop."""
    started = time.monotonic()
    embedded = not external()  # reads .env, which may name the folder
    home = open_home()
    lock = Lock(home.data)
    if not lock.own(wait_s=0 if supervised(home.data / "supervisor.json") else COMMAND_S):
        sys.exit(f"XRoute is running already on {home.data}, or a command of it is. Set XROUTE_DATA_DIR for a second.")
    sockets = listening(env.integer("PORT", int(home.values["PORT"]), high=65535))
    port = sockets[0].getsockname()[1]
    home.remember(PORT=str(port), SANDBOX_PORT=str(free_port(int(home.values["SANDBOX_PORT"]))))
    environment = home.environment(port)
    supervisor = Supervisor(home.data / "supervisor.json", {"port": port})
    supervisor.install_signals()
    try:
        rotate_logs(home.logs)
        if embedded:
            start_servers(supervisor, home)
        prepare(home)
        lock.share()
        start_children(supervisor, home, environment, sockets)
        if wait_ready(supervisor, port):
            took_s = time.monotonic() - started
            greet(home, port, took_s, setup_link(home))
            supervisor.run()
    finally:
        supervisor.stop()
        for sock in sockets:
            sock.close()
        print("XRoute has stopped.", flush=True)


def listening(port: int) -> list[socket.socket]:
    """The sockets that all web workers share: a connection waiting in them survives a worker's death."""
    first = _bound(socket.AF_INET, "127.0.0.1", port)
    sockets = [first]
    try:
        sockets.append(_bound(socket.AF_INET6, "::1", first.getsockname()[1]))
    except OSError as error:
        # Without IPv6 there is nothing to miss; with it, `localhost` would lead to whoever is there.
        if error.errno == errno.EADDRINUSE and port:
            _refuse(port, error)
    return sockets


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if family == socket.AF_INET:
            _refuse(port, error)
        raise
    return sock


def _refuse(port: int, error: OSError) -> NoReturn:
    why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on ({error.strerror})"
    sys.exit(f"Port {port} {why}. Choose another: PORT={max(port + 1, 8001)} make run.")


def supervised(state: Path) -> bool:
    """Whether the supervisor that wrote `state` runs still."""
    try:
        os.kill(json.loads(state.read_text())["supervisor"], 0)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return True


def rotate_logs(folder: Path) -> None:
    for log in folder.glob("*.log"):
        if log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))


def start_servers(supervisor: Supervisor, home: Home) -> None:
    """PostgreSQL and Valkey, which are needed before anything else can be prepared."""
    postgres, valkey = home.postgres(), home.valkey()
    postgres.stop()  # one that a command left behind
    postgres.start()
    child = Child(
        "postgres", postgres.command(), postgres.environment(), postgres.log, 4, signal.SIGINT, signal.SIGINT, 20
    )
    child.user = home.places.user
    supervisor.add(child, running=postgres.child)
    valkey.stop()
    valkey.start()
    supervisor.add(Child("valkey", valkey.command(), dict(os.environ), valkey.log, 3), running=valkey.child)


def start_children(
    supervisor: Supervisor, home: Home, environment: dict[str, str], sockets: list[socket.socket]
) -> None:
    """The sandbox, the Stripe emulator, the web workers, Celery and its clock."""
    python, cwd = sys.executable, str(PROJECT)
    drain_s = env.integer("XROUTE_DRAIN_S", int(environment["XROUTE_DRAIN_S"])) + 8

    def add(name: str, command: list[str], rank: int, wait_s: float = 10, fds: tuple[int, ...] = ()) -> None:
        log = home.logs / f"{name}.log"
        child = Child(name, command, environment, log, rank, stop_wait_s=wait_s, pass_fds=fds, cwd=cwd)
        supervisor.add(child)

    sandbox_port, book = home.values["SANDBOX_PORT"], str(home.data / "sandbox-book.jsonl")
    add("sandbox", [python, "-m", "xroute.embedded.provider", "--port", sandbox_port, "--book", book], 2)
    if home.emulates_stripe:
        stripe = [python, "-m", "xroute.embedded.stripe", "--port", home.values["STRIPE_PORT"]]
        webhook_url = f"http://localhost:{environment['PORT']}/stripe/webhook"
        add("stripe", [*stripe, "--store", str(home.data / "stripe.jsonl"), "--webhook-url", webhook_url], 2)
    fds = tuple(sock.fileno() for sock in sockets)
    web = [python, "-m", "xroute.web", *(part for fd in fds for part in ("--fd", str(fd)))]
    for number in range(1, env.integer("WEB_CONCURRENCY", 1, low=1, high=256) + 1):
        add(f"web-{number}", web, 0, drain_s, fds)
    celery = [python, "-m", "celery", "-A", "xroute"]
    add("celery", [*celery, "worker", "--pool=threads", "--concurrency=2", "--loglevel=warning", "-n", "xroute@%h"], 1)
    schedule = str(home.data / "celerybeat-schedule")
    add("beat", [*celery, "beat", "--loglevel=warning", "-s", schedule, "--pidfile="], 1)


def wait_ready(supervisor: Supervisor, port: int) -> bool:
    """Until the web answers; False where we are asked to stop meanwhile."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until and not supervisor.stopping:
        supervisor.tick()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    if supervisor.stopping:
        return False
    log = next(child.log for child in supervisor.children if child.name == "web-1")
    sys.exit(f"The web process did not become ready. The end of {log}:\n{log.read_text()[-3000:]}")


def greet(home: Home, port: int, took_s: float, link: str) -> None:
    first = f"  Set it up (once, within an hour):\n    {link}\n\n" if link else ""
    given = os.environ.get("XROUTE_DATA_DIR")
    where = f"XROUTE_DATA_DIR={shlex.quote(str(home.data))} " if given else ""
    print(
        f"\n  XRoute is running at http://localhost:{port}  (ready in {took_s:.1f} s)\n\n{first}"
        f"  A key with $5:     {where}.venv/bin/python manage.py create_key you@example.com --credit 5\n"
        f"  Data and logs:     {home.data}\n"
        "  Ctrl-C stops everything.\n",
        flush=True,
    )
