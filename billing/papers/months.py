"""Calendar months in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, order=True)
class Month:
    year: int
    month: int

    @property
    def since(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def until(self) -> datetime:
        return self.next().since

    @property
    def words(self) -> str:
        return f"{self.since:%B %Y}"

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    def next(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)


def month_of(at: datetime) -> Month:
    """The month of a moment."""
    at = at.astimezone(UTC)
    return Month(at.year, at.month)


def months_between(first: Month, last: Month) -> list[Month]:
    """Every month from one to the other, both included; the last comes first."""
    found = []
    while first <= last:
        found.append(first)
        first = first.next()
    return found[::-1]
