"""One web worker: `python -m xroute.web --fd 3` on sockets made by the supervisor, or `--host … --port …`.

Ends with exit code 0 on SIGTERM once answers are out, the lifespan is shut down and everything is given back.
"""

import argparse
import gc
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import NoReturn

import uvicorn
from django.core.exceptions import ImproperlyConfigured

from xroute.api.demo import is_loopback
from xroute.lib import env

APP = "xroute.asgi:application"
GC_OBJECTS = 20_000


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m xroute.web", description="Serve XRoute.")
    parser.add_argument("--fd", type=int, action="append", default=[], help="a bound socket to serve on")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=None, help="default: PORT")
    parser.add_argument("--app", default=APP, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def config(app: str, host: str, port: int, *, drain_s: int, proxies: list[str]) -> uvicorn.Config:
    """The server's configuration; forwarded headers count only from the `proxies` named."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,  # Django's LOGGING is the only one
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        backlog=2048,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=drain_s,
    )


def sockets(fds: Sequence[int]) -> list[socket.socket]:
    """The sockets behind the file descriptors; no child of ours inherits them."""
    found = [socket.socket(fileno=fd) for fd in fds]
    for sock in found:
        sock.set_inheritable(False)
    return found


def check_demo(addresses: Sequence[str]) -> None:
    """Demo mode serves this machine only; raises BadSetting otherwise."""
    for address in addresses:
        if address != "localhost" and not is_loopback(address):
            raise env.BadSetting(
                f"XROUTE_MODE is demo, which must not listen on {address!r}: use 127.0.0.1, or run in production mode."
            )


def main(argv: Sequence[str] | None = None) -> None:
    # uvicorn raises the signal again when it is done; before it listens for signals there is nothing to lose.
    signal.signal(signal.SIGTERM, _leave)
    chosen = arguments(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xroute.settings")
    from django.conf import settings

    try:
        port = settings.PORT if chosen.port is None else chosen.port
        listening = sockets(chosen.fd)
        if settings.XROUTE_MODE == "demo":
            check_demo([sock.getsockname()[0] for sock in listening] or [chosen.host])
        proxies = settings.XROUTE_TRUSTED_PROXIES
    except (ImproperlyConfigured, env.BadSetting) as error:
        sys.exit(f"XRoute cannot start: {error}")
    made = config(chosen.app, chosen.host, port, drain_s=settings.XROUTE_DRAIN_S, proxies=proxies)
    made.load()
    # What is loaded by now stays: the collector need not walk it, nor run after every 700 objects.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS)
    uvicorn.Server(made).run(sockets=listening or None)


def _leave(_number: int, _frame: object) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    main()
