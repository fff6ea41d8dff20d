"""`make bench-smoke`: XRoute against nginx, same upstream, each on one core, the load on the other; fails below 1/40.

Every answer is a 2xx and stands in the ledger, on a PostgreSQL that commits synchronously: speed without the books
would be no result.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from tests.bench import nginx, wrk
from tests.stack import Stack, running
from xroute.embedded.home import free_port, open_home
from xroute.embedded.postgres import SUPERUSER

RATIO_MIN = 1 / 40
CONNECTIONS, ROUNDS = 64, 3
NGINX_S, XROUTE_S, ALONE_S, WARM_S = 2.0, 5.0, 2.0, 2.0
SERVER_CORE, LOAD_CORE = 0, 1


def main() -> int:
    nginx.needed()
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("bench-smoke needs two cores: one for the server, one for the load.")
    with tempfile.TemporaryDirectory(prefix="xroute-bench-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        upstream, yardstick = free_port(), free_port()
        with nginx.static(folder, upstream, LOAD_CORE), nginx.passing(folder, yardstick, upstream, SERVER_CORE):
            url = f"http://127.0.0.1:{upstream}"
            with running(folder / "data", XROUTE_SANDBOX_URL=url, WEB_CONCURRENCY="1") as stack:
                return _measure(folder, stack, yardstick)


def _measure(folder: Path, stack: Stack, yardstick: int) -> int:
    key = stack.manage("create_key", "bench@example.com", "--credit", "10000").stdout.strip()
    _pin(stack)
    runs: list[wrk.Run] = []

    def xroute(connections: int, seconds: float) -> wrk.Run:
        runs.append(wrk.run(folder, stack.port, key=key, connections=connections, seconds=seconds, core=LOAD_CORE))
        return runs[-1]

    def plain(connections: int, seconds: float) -> wrk.Run:
        return wrk.run(folder, yardstick, key=key, connections=connections, seconds=seconds, core=LOAD_CORE)

    xroute(CONNECTIONS, WARM_S)
    pairs = [(plain(CONNECTIONS, NGINX_S), xroute(CONNECTIONS, XROUTE_S)) for _ in range(ROUNDS)]
    alone = plain(1, ALONE_S), xroute(1, ALONE_S)
    faults = _unbooked(stack, runs)
    ratio = statistics.median(ours.per_s / theirs.per_s for theirs, ours in pairs)
    for theirs, ours in pairs:
        print(f"nginx {theirs.per_s:8,.0f}/s   XRoute {ours.per_s:7,.0f}/s   1/{theirs.per_s / ours.per_s:.1f}")
    print(f"p50 at one connection: nginx {alone[0].p50_ms:.2f} ms, XRoute {alone[1].p50_ms:.2f} ms")
    if ratio < RATIO_MIN:
        faults.append(f"1/{1 / ratio:.1f} of nginx; 1/{1 / RATIO_MIN:.0f} is the least")
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"ratio: 1/{1 / ratio:.1f} of nginx at {CONNECTIONS} connections, {sum(r.requests for r in runs)} booked")
    return 1 if faults else 0


def _pin(stack: Stack) -> None:
    """The web worker alone on its core, like nginx; everything else with the load."""
    for name, pid in stack.state.items():
        if name != "port":
            core = SERVER_CORE if name == "web-1" else LOAD_CORE
            subprocess.run(["taskset", "-a", "-cp", str(core), str(pid)], check=True, stdout=subprocess.DEVNULL)


def _unbooked(stack: Stack, runs: list[wrk.Run]) -> list[str]:
    """What is wrong with the books: each answer has a record; wrk leaves up to one a connection behind at its end."""
    time.sleep(1)
    with psycopg.connect(open_home(stack.data).postgres().url(SUPERUSER)) as conn:
        ((synchronous,),) = conn.execute("SHOW synchronous_commit").fetchall()
        ((records,),) = conn.execute("SELECT count(*) FROM billing_usagerecord").fetchall()
    answered, bad = sum(run.requests for run in runs), sum(run.bad for run in runs)
    faults = [f"{bad} of {answered} answers were not 2xx"] if bad else []
    if not answered <= records <= answered + len(runs) * CONNECTIONS:
        faults.append(f"{answered} answers, and {records} records in the ledger")
    if synchronous != "on":
        faults.append(f"synchronous_commit is {synchronous}")
    return faults


if __name__ == "__main__":
    sys.exit(main())
