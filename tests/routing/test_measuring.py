"""What was measured of endpoints is what their records say, and each batch counts once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from hypothesis import given, settings, strategies as st
from psycopg.types.json import Jsonb

from billing.pricing import Usage
from billing.rollups import rollups_add
from routing.catalogue.figures import figures_from_json
from routing.measuring import DOWN, batches_measure, figures_write, sums_prune
from routing.types import Figures, Percentiles
from tests.billing.books import Books, djangos_own, drop_books, make_books
from tests.billing.parts import record
from tests.routing.rows import model_make
from xroute.celery import app
from xroute.lib.ids import new_id, time_ms

MINUTE_MS = 60_000
NEITHER = ["skipped", "rate_limited", "credential", "not_found", "invalid_request", "context_length"]


@pytest.fixture(scope="module")
def books(django_db_blocker):
    """Books of this file's own."""
    books = make_books()
    with django_db_blocker.unblock(), djangos_own(books):
        yield books
    drop_books(books)


@pytest.fixture
def endpoints(books) -> list[int]:
    """Two endpoints without a past."""
    slug = model_make(("http://127.0.0.1:9/v1", "a"), ("http://127.0.0.1:9/v1", "b"))
    rows = books.sql(
        "SELECT e.id FROM routing_endpoint e JOIN routing_model m ON m.id = e.model_id WHERE m.slug = %s ORDER BY 1",
        (slug,),
    )
    return [row[0] for row in rows]


def tried(endpoint: int, outcome: str = "answered", ms: int = 100) -> dict:
    return {"endpoint": endpoint, "provider": "p", "outcome": outcome, "detail": "", "ms": ms}


def book(books: Books, *rows: dict) -> None:
    """Commit one batch of generations."""
    account = books.account(10**6)
    made = [record(account, 0, **row) for row in rows]
    values = (new_id(), new_id(), Jsonb([row.as_json(held=0, key_held=0) for row in made]))
    books.sql("SELECT xr_meter_commit(%s, %s, %s)", values, url=books.url)


def measured(books: Books, endpoint: int) -> Figures | None:
    while rollups_add():
        pass
    while batches_measure():
        pass
    figures_write()
    rows = books.sql("SELECT figures FROM routing_endpointfigures WHERE endpoint_id = %s", (endpoint,))
    return figures_from_json(rows[0][0]) if rows else None


def ago(minutes: float) -> object:
    return new_id(time_ms(new_id()) - round(minutes * MINUTE_MS))


attempt = st.sampled_from(["answered", *DOWN, *NEITHER])


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 1), attempt, st.sampled_from([0.5, 12, 45, 600])), min_size=1, max_size=25))
def test_uptime_is_what_the_attempts_say(books, endpoints, calls):
    for number in range(2):
        books.sql("DELETE FROM routing_endpointminute WHERE endpoint_id = %s", (endpoints[number],))
        books.sql("DELETE FROM routing_endpointquarter WHERE endpoint_id = %s", (endpoints[number],))
    for which, outcome, minutes in calls:
        book(books, {"id": ago(minutes), "attempts": [tried(endpoints[which], outcome)]})
    for which in range(2):
        found = measured(books, endpoints[which]) or Figures()
        for span, name in ((5, "5m"), (30, "30m"), (1440, "1d")):
            kinds = [kind for at, kind, minutes in calls if at == which and minutes < span and kind not in NEITHER]
            assert getattr(found, f"requests_{name}") == len(kinds)
            share = kinds.count("answered") / len(kinds) if kinds else None
            assert getattr(found, f"uptime_{name}") == (share if share is None else pytest.approx(share, abs=1e-6))


def test_each_attempt_of_a_failover_counts_at_its_own_endpoint(books, endpoints):
    first, second = endpoints
    book(books, {"endpoint_id": second, "attempts": [tried(first, "server"), tried(second)]})
    assert (measured(books, first).uptime_5m, measured(books, second).uptime_5m) == (0, 1)


def test_a_stream_that_broke_after_its_first_chunk_was_down(books, endpoints):
    one = endpoints[0]
    broke = {"endpoint_id": one, "attempts": [tried(one)], "streamed": True, "basis": "estimated", "reason": "cut"}
    book(books, broke, {"endpoint_id": one, "attempts": [tried(one)]})
    assert (measured(books, one).requests_5m, measured(books, one).uptime_5m) == (2, 0.5)


def test_what_the_clients_leaving_broke_off_says_nothing(books, endpoints):
    first, second = endpoints
    book(books, {"cancelled": True, "basis": "not_charged", "attempts": [tried(first, "server"), tried(second, "cut")]})
    assert measured(books, first).requests_5m == 1
    assert measured(books, second) is None


def test_it_counts_when_it_ended(books, endpoints):
    book(books, {"id": ago(8), "latency_ms": 7 * MINUTE_MS, "attempts": [tried(endpoints[0])]})
    assert measured(books, endpoints[0]).requests_5m == 1


def test_percentiles_are_within_the_width_of_a_step(books, endpoints):
    one = endpoints[0]
    calls = [
        {
            "endpoint_id": one,
            "attempts": [tried(endpoints[1], "server", ms=5000), tried(one)],
            "streamed": True,
            "usage": Usage(3, 1000),
            "first_byte_ms": 5000 + 10 * number,
            "latency_ms": 5000 + 10 * number + 100 * number,
        }
        for number in range(1, 101)
    ]
    book(books, *calls)
    found = measured(books, one)
    for name, share in (("p50", 50), ("p75", 75), ("p90", 90), ("p99", 99)):
        assert getattr(found.latency_ms, name) == pytest.approx(10 * share, rel=0.06)  # without the failed attempt
        assert getattr(found.throughput_tps, name) == pytest.approx(1000 * 1000 / (100 * share), rel=0.06)


def test_plain_answers_have_no_first_token_and_estimates_no_speed(books, endpoints):
    one, other = endpoints
    plain = {"endpoint_id": one, "usage": Usage(3, 500), "first_byte_ms": 2000, "latency_ms": 2001}
    book(books, plain | {"attempts": [tried(one)]})
    found = measured(books, one)
    assert found.latency_ms is None
    assert found.throughput_tps.p50 == pytest.approx(250, rel=0.06)
    book(books, plain | {"endpoint_id": other, "attempts": [tried(other)], "basis": "estimated"})
    assert measured(books, other).throughput_tps is None


def test_what_a_new_worker_reads_is_what_was_written(books, endpoints):
    book(books, {"endpoint_id": endpoints[0], "attempts": [tried(endpoints[0])], "usage": Usage(1, 9)})
    found = measured(books, endpoints[0])
    assert isinstance(found, Figures)
    assert found.throughput_tps is None or isinstance(found.throughput_tps, Percentiles)


def test_a_batch_is_measured_once_by_however_many_at_once(books, endpoints):
    one, barrier = endpoints[0], threading.Barrier(5)

    def work(number: int) -> None:
        try:
            barrier.wait(30)
            for _ in range(15):
                if number < 2:
                    book(books, {"endpoint_id": one, "attempts": [tried(one)]})
                elif number == 2:
                    rollups_add(batches_max=3)
                else:
                    batches_measure(batches_max=3)
                    figures_write()
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(work, range(5)))
    assert measured(books, one).requests_1d == 30
    assert measured(books, one).requests_1d == 30
    assert books.sql("SELECT count(*) FROM routing_batchtomeasure") == [(0,)]


def test_what_fails_midway_is_measured_the_next_time(books, endpoints):
    book(books, {"endpoint_id": endpoints[0], "attempts": [tried(endpoints[0])]})
    rollups_add()
    books.sql("ALTER TABLE routing_endpointquarter ADD CONSTRAINT no CHECK (up < 0) NOT VALID")
    try:
        with pytest.raises(Exception, match="violates check"):
            batches_measure()
    finally:
        books.sql("ALTER TABLE routing_endpointquarter DROP CONSTRAINT no")
    assert measured(books, endpoints[0]).requests_5m == 1


def test_rows_of_endpoints_without_traffic_and_old_sums_go(books, endpoints):
    one = endpoints[0]
    book(books, {"endpoint_id": one, "attempts": [tried(one)]})
    assert measured(books, one)
    for table, column in (("minute", "minute"), ("spread", "minute"), ("quarter", "quarter")):
        books.sql(f"UPDATE routing_endpoint{table} SET {column} = {column} - interval '26 hours'")
    assert measured(books, one) is None
    sums_prune()
    assert books.sql("SELECT count(*) FROM routing_endpointminute") == [(0,)]
    assert books.sql("SELECT count(*) > 0 FROM routing_endpointquarter") == [(True,)]
    books.sql("UPDATE routing_endpointquarter SET quarter = quarter - interval '31 days'")
    sums_prune()
    assert books.sql("SELECT count(*) FROM routing_endpointquarter") == [(0,)]


@pytest.mark.parametrize(
    ("figures", "counted"),
    [
        (Figures(), None),
        (Figures(requests_5m=99, uptime_5m=0.1, requests_30m=99, uptime_30m=0.2, requests_1d=10**6, uptime_1d=1), None),
        (Figures(requests_5m=99, uptime_5m=0.1, requests_30m=100, uptime_30m=0.2), 0.2),
        (Figures(requests_5m=100, uptime_5m=0.1, requests_30m=500, uptime_30m=0.9), 0.1),
    ],
)
def test_nothing_is_decided_by_a_rate_of_few_requests(figures, counted):
    assert figures.counted_uptime == counted


def test_celery_measures_and_prunes_by_itself():
    app.finalize()
    every_s = {entry["task"]: entry["schedule"] for entry in app.conf.beat_schedule.values()}
    assert every_s["routing.measure_endpoints"] <= 5
    assert "routing.prune_sums" in every_s
