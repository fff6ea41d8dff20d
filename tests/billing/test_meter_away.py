"""The meter while the database says no, loses answers or is away: on disk, then booked once under the same id."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from billing.spool import waiting
from tests.billing.books import Books
from tests.billing.parts import batch_of, record, worker
from tests.lib.proxy import proxied
from tests.lib.waiting import until
from xroute.lib.pg import Outage


@asynccontextmanager
async def failing_first(books: Books, times: int, state: str):
    """The first commits fail with an error that says: try again."""
    books.sql("CREATE SEQUENCE tries")
    books.sql("GRANT USAGE ON SEQUENCE tries TO PUBLIC")
    books.sql(
        "CREATE FUNCTION fail_first() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'again' USING ERRCODE = '{state}'; END IF; "
        "RETURN new; END $$"
    )
    books.sql("CREATE TRIGGER a BEFORE INSERT ON billing_meterbatch FOR EACH ROW EXECUTE FUNCTION fail_first()")
    async with worker(books.url) as one:
        yield one


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_what_says_try_again_is_tried_again_whole(own_books, state):
    account = own_books.account(100)
    async with failing_first(own_books, 3, state) as one:
        assert await asyncio.gather(*(one.settle(None, 1, account=account) for _ in range(4))) == ["committed"] * 4
    assert own_books.batches(account) == [(4, 4)]
    assert own_books.rejected(account) == []


async def test_what_says_try_again_for_ever_is_an_outage(own_books):
    async with failing_first(own_books, 5, "40P01") as one:
        with pytest.raises(Outage):
            await one.committer.commit(batch_of(one.id, record(own_books.account(1), 1)))


async def test_a_commit_whose_answer_was_lost_is_spooled_and_replayed_as_the_same_batch(books, tmp_path):
    account = books.account(100)
    async with proxied() as proxy, worker(proxy.url(books.url), spool=tmp_path, commit_timeout_s=0.5) as one:
        hold = await one.reserve(account, 10)
        proxy.lose_answers()
        assert await one.settle(hold, 7) == "spooled"
        assert proxy.lost.is_set()
        await until(lambda: len(books.records(account)) == 1)
        proxy.restore()
        await replayed(one)
        assert one.spooling.holds_anything() is False
        assert books.balance(account) == (93, 3, 0)
    assert books.batches(account) == [(1, 7)]
    assert (len(books.records(account)), books.rejected(account)) == (1, [])


@pytest.mark.parametrize("fault", ["silence", "strand", "cut"])
async def test_with_the_database_away_records_wait_on_disk_and_are_booked_once(books, tmp_path, fault):
    account = books.account(100)
    async with proxied() as proxy, worker(proxy.url(books.url), spool=tmp_path, commit_timeout_s=0.3) as one:
        hold = await one.reserve(account, 30)
        getattr(proxy, fault)()
        outcomes = await asyncio.gather(one.settle(hold, 7), *(one.settle(None, 1, account=account) for _ in range(3)))
        assert set(outcomes) <= {"spooled", "committed"}
        assert outcomes[0] == "spooled" or fault == "strand"
        proxy.restore()
        await replayed(one)
        await until(lambda: books.balance(account) == (90, 23, 0), within_s=20)
    assert sorted(row[1] for row in books.records(account)) == [1, 1, 1, 7]
    assert waiting(tmp_path) == []


async def replayed(one) -> None:
    """Replay until the database is back for good."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await one.spooling.replay(one.replay)
            except Outage:
                await asyncio.sleep(0.05)


async def test_what_is_replayed_after_its_worker_ended_is_charged_in_full_and_flagged(books, tmp_path):
    account = books.account(100)
    async with proxied() as proxy, worker(proxy.url(books.url), spool=tmp_path, commit_timeout_s=0.3) as one:
        hold = await one.reserve(account, 30)
        proxy.cut()
        assert await one.settle(hold, 7) == "spooled"
        books.sql("SELECT xr_end_worker(%s, NULL, 'expired')", (one.id,))
        proxy.restore()
        await replayed(one)
        assert books.balance(account) == (93, 0, 0)
    assert [row[1:] for row in books.records(account)] == [(7, 0, True)]


async def test_with_neither_database_nor_disk_nobody_is_answered(books, tmp_path):
    account, blocked = books.account(100), tmp_path / "file"
    blocked.write_text("no folder")
    async with proxied() as proxy, worker(proxy.url(books.url), spool=blocked / "spool", commit_timeout_s=0.3) as one:
        proxy.cut()
        answering = asyncio.create_task(one.settle(None, 7, account=account))
        done, _ = await asyncio.wait({answering}, timeout=1.5)
        assert not done
        proxy.restore()
        assert await answering == "committed"
    assert books.balance(account)[0] == 93
