"""python -m xroute.embedded.provider --port N --book PATH: prints its port, then serves until it is stopped."""

import argparse
import logging
import socket
import sys
from pathlib import Path

import uvicorn

from xroute.embedded.provider.app import Sandbox
from xroute.embedded.provider.book import Book


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m xroute.embedded.provider")
    parser.add_argument("--port", type=int, required=True, help="0 for any free one")
    parser.add_argument("--book", type=Path, required=True)
    chosen = parser.parse_args()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", chosen.port))
    except OSError as error:
        sys.exit(f"Port {chosen.port} is in use ({error.strerror}).")
    print(sock.getsockname()[1], flush=True)
    # A cut connection is an exception on purpose here; its traceback says nothing.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        Sandbox(Book(chosen.book)),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    main()
