"""python -m tests.mutation [--only PATH]: change the code of money a little at a time; some test must notice.

Takes an hour or more. Writes a line for each mutant that no test noticed; docs/mutation.md says why those may live.
"""

import argparse
import sys
import time
from collections import Counter
from random import Random

from tests.mutation.run import KILLED, mutants_of, noticed
from tests.mutation.targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--only", default="", help="a target, or the beginning of its path")
    parser.add_argument("--share", type=float, default=1.0, help="of all mutants; the same ones each time")
    chosen = parser.parse_args()
    import tests.servers  # noqa: F401  (starts them, once for all)

    for target in TARGETS:
        if not target.path.startswith(chosen.only):
            continue
        if noticed(target, None) == KILLED:
            sys.exit(f"{target.path}: its tests fail without any mutant")
        _target(target, chosen.share)
    return 0


def _target(target, share: float) -> None:
    random, counts, started = Random(target.path), Counter(), time.monotonic()
    mutants = [mutant for mutant in mutants_of(target) if random.random() < share]
    for number, mutant in enumerate(mutants, 1):
        outcome = noticed(target, mutant)
        counts[outcome] += 1
        if outcome != KILLED:
            print(f"{outcome}  {target.path}:{mutant.line}  {mutant.what}", flush=True)
        if number % 20 == 0:
            print(f"  … {target.path} {number} of {len(mutants)}, {time.monotonic() - started:.0f} s", flush=True)
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    print(f"{target.path}: {len(mutants)} mutants: {said}, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
