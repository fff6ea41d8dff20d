"""python -m tests.mutation [--only PATH]: change the code of money a little at a time; some test must notice.

Takes an hour or more. Writes a line for each mutant that no test noticed; docs/mutation.md says why those may live.
"""

import argparse
import os
import re
import sys
import time
from collections import Counter
from random import Random

from tests.mutation.run import KILLED, LOG, mutants_of, noticed, prepared
from tests.mutation.targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--only", default="", help="a target, or the beginning of its path")
    parser.add_argument("--share", type=float, default=1.0, help="of all mutants; the same ones each time")
    parser.add_argument(
        "--naming", default="", help="only mutants whose description it finds (a regular expression): survivors again"
    )
    chosen = parser.parse_args()
    import tests.servers  # noqa: F401  (starts them, once for all)

    failed = False
    for target in TARGETS:
        if target.path.startswith(chosen.only):
            failed |= _in_a_fork(target, chosen)
    return int(failed)


def _in_a_fork(target, chosen: argparse.Namespace) -> bool:
    """True where its tests fail without any mutant. What one target has loaded, another one's mutants would not be."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    try:
        limit_s = prepared(target)
        if limit_s is None:
            print(f"{target.path}: its tests fail without any mutant: see {LOG}", flush=True)
            os._exit(1)
        _target(target, chosen, limit_s)
        os._exit(0)
    finally:
        os._exit(70)  # without the hooks that would stop the servers


def _target(target, chosen: argparse.Namespace, limit_s: float) -> None:
    random, counts, started = Random(target.path), Counter(), time.monotonic()
    chosen_ones = [mutant for mutant in mutants_of(target) if random.random() < chosen.share]
    mutants = [mutant for mutant in chosen_ones if re.search(chosen.naming, mutant.what)]
    for number, mutant in enumerate(mutants, 1):
        outcome = noticed(target, mutant, limit_s)
        counts[outcome] += 1
        if outcome != KILLED:
            print(f"{outcome}  {target.path}:{mutant.line}  {mutant.what}", flush=True)
        if number % 20 == 0:
            print(f"  … {target.path} {number} of {len(mutants)}, {time.monotonic() - started:.0f} s", flush=True)
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    print(f"{target.path}: {len(mutants)} mutants: {said}, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
