"""What is mutated, and which tests must notice: the nearest first. Paths are those of the project."""

from dataclasses import dataclass

R = "tests/billing/reservations/"
PURE = (R + "test_pots.py", R + "test_asks.py", R + "test_gives.py")
LONG = R + "test_races.py::test_whatever_a_worker_asks_the_guard_is_in_the_sql"
RACES = (R + "test_races.py", f"--deselect={LONG}")
METER = "tests/billing/test_meter.py"


@dataclass(frozen=True, slots=True)
class Target:
    path: str
    tests: tuple[str, ...]

    @property
    def is_sql(self) -> bool:
        return not self.path.endswith(".py")


TARGETS = (
    Target("billing/pricing.py", ("tests/billing/test_pricing.py",)),
    Target("billing/ledger.py", ("tests/billing/test_ledger.py", "tests/billing/test_ledger_moves.py")),
    Target("billing/reservations/pots.py", PURE),
    Target("billing/reservations/asks.py", PURE),
    Target("billing/reservations/gives.py", PURE),
    Target("billing/reservations/treasurer.py", (R + "test_treasurer.py", R + "test_key_refusals.py")),
    Target("billing/reservations/lease.py", (R + "test_lease.py",)),
    Target("billing/meter.py", (METER, "tests/billing/test_meter_away.py")),
    Target("xr_hold", (R + "test_sums.py", R + "test_key_refusals.py", *RACES)),
    Target("xr_end_worker", (R + "test_sums.py", *RACES)),
    Target(
        "xr_meter_commit", (R + "test_sums.py", R + "test_batch_sums.py", R + "test_key_refusals.py", METER, *RACES)
    ),
    Target("xr_refuse_change", ("tests/billing/test_append_only.py",)),
    Target("xr_ensure_partitions", ("tests/billing/test_partitions.py", "tests/billing/test_append_only.py")),
    Target("xr_guard_partitions", ("tests/billing/test_partitions.py", "tests/billing/test_append_only.py")),
)
