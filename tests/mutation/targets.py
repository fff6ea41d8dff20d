"""What is mutated, and which tests must notice. Paths are those of the project."""

from dataclasses import dataclass

RESERVATIONS = ("tests/billing/reservations", "tests/billing/test_meter.py")


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
    Target("billing/reservations/pots.py", RESERVATIONS),
    Target("billing/reservations/asks.py", RESERVATIONS),
    Target("billing/reservations/gives.py", RESERVATIONS),
    Target("billing/reservations/treasurer.py", RESERVATIONS),
    Target("billing/reservations/lease.py", RESERVATIONS),
    Target("xr_hold", RESERVATIONS),
    Target("xr_end_worker", RESERVATIONS),
    Target("xr_meter_commit", ("tests/billing/test_meter.py", "tests/billing/reservations")),
)
