"""python -m xroute.embedded.provider --port N --book PATH: prints its port, then serves until it is stopped."""

import argparse
import logging
import signal
import sys
from pathlib import Path

import uvicorn

from xroute.embedded.listening import HOST, listen
from xroute.embedded.provider.app import Sandbox
from xroute.embedded.provider.book import Book

BACKLOG = 2048
KEEP_ALIVE_S = 75  # as providers' front servers do; shorter than a client's pool would race with its next request
STOP_S = 1


def main() -> None:
    chosen = _arguments()
    sock = listen(chosen.port, backlog=BACKLOG)
    print(sock.getsockname()[1], flush=True)
    # Connections are cut by not ending an answer, which the server takes for a mistake of ours.
    logging.getLogger("uvicorn.error").addFilter(lambda record: "without completing response" not in record.msg)
    # uvicorn raises the signal anew when it has stopped; dying of it would leave cancelled streams unbooked.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        Sandbox(Book(chosen.book)),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
    )
    uvicorn.Server(config).run(sockets=[sock])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m xroute.embedded.provider")
    parser.add_argument("--port", type=int, required=True, help="0 for any free one")
    parser.add_argument("--book", type=Path, required=True)
    parser.add_argument("--host", default=HOST, help="nothing but 127.0.0.1: whoever reaches it may use it")
    chosen = parser.parse_args()
    if chosen.host != HOST:
        parser.error(f"It listens on {HOST} only, not on {chosen.host}.")
    return chosen


if __name__ == "__main__":
    main()
