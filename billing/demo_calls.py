"""The calls of a demo: office hours and weekends, a nightly job, failures, cached prompts. Pure; the same each time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from billing.pricing import Prices, Usage, cost_nanousd
from billing.record import UsageRecord
from xroute.lib.ids import new_id

CALLS_A_WEEKDAY, CALLS_A_DAY_OFF = 170, 48
#         what an hour of the day weighs, from midnight on
OFFICE = (2, 1, 1, 1, 1, 2, 4, 9, 22, 34, 41, 38, 27, 31, 42, 40, 33, 24, 14, 10, 8, 6, 5, 3)
NIGHT = (0, 30, 60, 20, *(0,) * 20)
FAILURES = ("server", "overloaded", "timeout", "rate_limited", "cut")
FINISHES = (("stop", 0.87), ("tool_calls", 0.09), ("length", 0.04))


@dataclass(frozen=True, slots=True)
class DemoEndpoint:
    """What is called, and how often compared with the others."""

    model: str
    provider: str
    endpoint_id: int
    price_id: int
    prices: Prices
    weight: float
    reasons: bool = False


@dataclass(frozen=True, slots=True)
class DemoKey:
    """A caller. `share` of all calls; `limit_nanousd` a month, where it has one."""

    name: str
    share: float
    at_night: bool = False
    limit_nanousd: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the records belong to."""

    workspace_id: int
    account_id: int
    key_id: int
    monthly: bool


def demo_days(
    *,
    workspace_id: int,
    account_id: int,
    keys: Sequence[tuple[DemoKey, int]],
    endpoints: Sequence[DemoEndpoint],
    since: datetime,
    now: datetime,
    zone: ZoneInfo,
) -> list[list[UsageRecord]]:
    """The records of each local day, oldest first, all of them from `since` up to `now`."""
    random = Random(f"demo {workspace_id}")  # noqa: S311
    day, last, found = since.astimezone(zone).date(), now.astimezone(zone).date(), []
    while day <= last:
        records = []
        for key, at in _times(random, day, keys, zone):
            if since <= at < now:
                caller = Caller(workspace_id, account_id, key[1], key[0].limit_nanousd is not None)
                records.append(_record(random, caller, random.choices(endpoints, _weights(endpoints, key[0]))[0], at))
        if records:
            found.append(sorted(records, key=lambda record: record.id))
        day += timedelta(days=1)
    return found


def _times(
    random: Random, day: date, keys: Sequence[tuple[DemoKey, int]], zone: ZoneInfo
) -> list[tuple[tuple[DemoKey, int], datetime]]:
    """Who calls when on a day."""
    off = day.weekday() >= 5
    count = round((CALLS_A_DAY_OFF if off else CALLS_A_WEEKDAY) * random.uniform(0.8, 1.25))
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    found = []
    for key in random.choices(keys, [key.share * (2.5 if off and key.at_night else 1) for key, _ in keys], k=count):
        hour = random.choices(range(24), NIGHT if key[0].at_night else OFFICE)[0]
        found.append((key, midnight + timedelta(hours=hour, seconds=random.uniform(0, 3600))))
    return found


def _weights(endpoints: Sequence[DemoEndpoint], key: DemoKey) -> list[float]:
    """Each key leans to some models, always the same ones."""
    taste = Random(key.name)  # noqa: S311
    return [endpoint.weight * taste.uniform(0.15, 1.85) for endpoint in endpoints]


def _record(random: Random, caller: Caller, endpoint: DemoEndpoint, at: datetime) -> UsageRecord:
    generation = new_id(round(at.timestamp() * 1000))
    first_byte_ms = round(random.lognormvariate(6.0, 0.45))
    record = UsageRecord(
        id=generation,
        workspace_id=caller.workspace_id,
        account_id=caller.account_id,
        key_id=caller.key_id,
        period=at.astimezone(UTC).date().replace(day=1) if caller.monthly else None,
        request_id=f"demo-{generation.hex}",
        model=endpoint.model,
        provider=endpoint.provider,
        endpoint_id=endpoint.endpoint_id,
        price_id=endpoint.price_id,
        streamed=random.random() < 0.7,
        first_byte_ms=first_byte_ms,
        latency_ms=first_byte_ms,
    )
    if random.random() < 0.024:
        record.reason = random.choice(FAILURES)
        record.latency_ms = 30_000 if record.reason == "timeout" else first_byte_ms
        return record
    record.usage = _usage(random, endpoint)
    record.cost = cost_nanousd(endpoint.prices, record.usage)
    record.latency_ms += round(record.usage.completion * random.uniform(7, 21))
    if record.streamed and random.random() < 0.012:
        record.basis, record.reason, record.cancelled = "estimated", "client_gone", True
        return record
    record.basis = "reported"
    record.finish_reason = random.choices([name for name, _ in FINISHES], [share for _, share in FINISHES])[0]
    return record


def _usage(random: Random, endpoint: DemoEndpoint) -> Usage:
    prompt = min(round(random.lognormvariate(7.6, 0.9)), 60_000)
    completion = min(round(random.lognormvariate(5.9, 0.8)), 8_000)
    cached = round(prompt * random.uniform(0.4, 0.9)) // 64 * 64 if prompt > 1024 and random.random() < 0.45 else 0
    reasoning = round(completion * random.uniform(0.2, 0.7)) if endpoint.reasons and random.random() < 0.6 else 0
    return Usage(prompt=prompt, completion=completion, cached=cached, reasoning=reasoning)
