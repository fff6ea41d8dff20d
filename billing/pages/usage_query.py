"""What the address of the usage page asks for. Anything it does not understand means the default."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import timezone

from billing.charts import STACKS
from billing.ranges import NAMES, Range, range_between, range_named
from xroute.lib import ids

RANGE, STACK = "7d", "model"
MODEL_LENGTH_MAX = 200
NO_DAYS = "Give both days as they stand in a calendar."


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """`fault` says why a from-to range could not be used; then the default one is shown."""

    span: Range
    stack: str
    key_id: int | None
    model: str | None
    before: UUID | None
    fault: str = ""

    def url(self, **changes: str | None) -> str:
        """The address of the same view with some of it changed; None takes a part out."""
        first, last = self.span.days
        dates = {"from": first.isoformat(), "to": last.isoformat()}
        values: dict[str, str | None] = {"range": self.span.name} if self.span.name in NAMES else dict(dates)
        values |= {"by": self.stack, "key": str(self.key_id) if self.key_id else None, "model": self.model}
        if "range" in changes:
            values.pop("from", None)
            values.pop("to", None)
        return "?" + urlencode({name: value for name, value in (values | changes).items() if value})


def usage_query(values: QueryDict, zone: ZoneInfo) -> UsageQuery:
    """The query of an address, in the viewer's zone."""
    span, fault = _span(values, zone)
    stack, key = values.get("by", STACK), values.get("key", "")
    before = values.get("before", "")
    return UsageQuery(
        span=span,
        stack=stack if stack in STACKS else STACK,
        key_id=int(key) if key.isascii() and key.isdigit() and len(key) < 19 else None,
        model=values.get("model", "")[:MODEL_LENGTH_MAX] or None,
        before=ids.generation_id(before) if before else None,
        fault=fault,
    )


def _span(values: QueryDict, zone: ZoneInfo) -> tuple[Range, str]:
    name, fault = values.get("range", ""), ""
    first, last = values.get("from", ""), values.get("to", "")
    if first or last:
        fault = NO_DAYS
        try:
            days = date.fromisoformat(first), date.fromisoformat(last)
        except ValueError:
            days = None
        try:
            if days is not None:
                return range_between(*days, zone=zone), ""
        except (ValueError, OverflowError) as error:
            fault = str(error) if "range" in str(error) else NO_DAYS
    return range_named(name if name in NAMES else RANGE, zone=zone, now=timezone.now()), fault
