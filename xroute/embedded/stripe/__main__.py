"""python -m xroute.embedded.stripe --port N --store PATH: prints its port, then serves until it is stopped.

The secret key and the webhook secret come from STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

import uvicorn

from xroute.embedded.listening import HOST, listen
from xroute.embedded.stripe.app import Emulator
from xroute.embedded.stripe.store import Store
from xroute.lib.stripe_keys import EMULATOR_KEY

BACKLOG = 128
STOP_S, SETTLE_S = 1, 5.0


def main() -> None:
    chosen = _arguments()
    key, secret = os.environ.get("STRIPE_SECRET_KEY", ""), os.environ.get("STRIPE_WEBHOOK_SECRET", "")
    if os.environ.get("XROUTE_MODE") not in ("demo", "test"):
        sys.exit("The Stripe emulator runs with XROUTE_MODE=demo or test only.")
    if not key.startswith(EMULATOR_KEY) or not secret.startswith("whsec_"):
        sys.exit(f"The Stripe emulator needs its own STRIPE_SECRET_KEY ({EMULATOR_KEY}…) and STRIPE_WEBHOOK_SECRET.")
    sock = listen(chosen.port, backlog=BACKLOG)
    port = sock.getsockname()[1]
    print(port, flush=True)
    app = Emulator(
        Store(chosen.store),
        base_url=f"http://{HOST}:{port}",
        webhook_url=chosen.webhook_url,
        key=key,
        secret=secret,
        settle_s=chosen.settle_s,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_S,
    )
    uvicorn.Server(config).run(sockets=[sock])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m xroute.embedded.stripe")
    parser.add_argument("--port", type=int, required=True, help="0 for any free one")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--webhook-url", default="", help="where events go; nowhere if left out")
    parser.add_argument("--settle-s", type=float, default=SETTLE_S, help="how long a bank debit takes")
    parser.add_argument("--host", default=HOST, help="nothing but 127.0.0.1: whoever reaches its page may pay")
    chosen = parser.parse_args()
    if chosen.host != HOST:
        parser.error(f"It listens on {HOST} only, not on {chosen.host}.")
    return chosen


if __name__ == "__main__":
    main()
