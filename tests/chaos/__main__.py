"""`make chaos SECONDS=60 SEED=1 PLANT=…`: kill and stop everything under load, then compare three books."""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.chaos.compare import borne_nanousd, orphaned
from tests.chaos.plants import PLANTS
from tests.chaos.stage import Report, play
from xroute.lib.money import usd_text

SHOWN_MAX = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=PLANTS, default="", help="a fault on purpose, which must be found")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xroute-chaos-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        report = play(
            Path(folder),
            seconds=chosen.seconds,
            seed=chosen.seed,
            planted=[chosen.plant] if chosen.plant else [],
            say=_say,
        )
    _show(report)
    return 1 if report.faults else 0


def _say(line: str) -> None:
    print(line, flush=True)


def _show(report: Report) -> None:
    outcomes = Counter(call.outcome for call in report.load.calls)
    bases = Counter(row["basis"] + (" late" if row["late"] else "") for row in report.books.records)
    print(f"clients   {len(report.load.calls)} calls: " + _counts(outcomes))
    print("refused   " + _counts(Counter(f"{c.status} {c.code}" for c in report.load.calls if c.outcome == "refused")))
    print(f"ledger    {len(report.books.records)} records: " + _counts(bases))
    orphans = orphaned(report.books)
    print(f"upstream  {len(report.books.upstream)} rows")
    print(f"house     bears {usd_text(borne_nanousd(report.books))} USD for {len(orphans)} rows of killed workers:")
    print("          " + " ".join(row["request_id"] for row in orphans[:SHOWN_MAX]) + " …" * (len(orphans) > SHOWN_MAX))
    print("payers    " + _counts(report.payers.done))
    credited = usd_text(report.till.credited_nanousd)
    print(f"stripe    {len(report.till.paid)} sessions paid, {credited} USD credited for {len(report.till.credited)}")
    print("deeds     " + _counts(Counter(deed.what for deed in report.deeds)))
    for fault in report.faults[:SHOWN_MAX]:
        print(f"FAULT     {fault}")
    print(f"{len(report.faults)} faults" if report.faults else "the three books agree, and Stripe's with ours")


def _counts(counts: "Counter[str]") -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"


if __name__ == "__main__":
    sys.exit(main())
