"""Promises 21, 27 and 32: a change is seen after one poll, a fault is never "no such key"."""

import asyncio
import time
from datetime import UTC, datetime

import psycopg
import pytest

from accounts import keys
from accounts.callers import Directory
from accounts.models import ApiKey
from accounts.services import api_key_revoke, api_key_rotate
from tests.accounts.conftest import URL, Counting
from tests.lib.proxy import proxied
from tests.servers import superuser_url
from xroute.lib.listen import Listener
from xroute.lib.pg import Outage

CHANGES = {
    "revoked": "UPDATE accounts_apikey SET revoked_at = now() WHERE id = %(key)s",
    "disabled": "UPDATE accounts_apikey SET disabled = true WHERE id = %(key)s",
    "suspended": "UPDATE accounts_workspace SET suspended = true WHERE id = %(workspace)s",
    "expires_at": "UPDATE accounts_apikey SET expires_at = '2020-01-01Z' WHERE id = %(key)s",
}


def commit(statement: str, person) -> None:
    with psycopg.connect(superuser_url(), autocommit=True) as conn:
        values = {"key": person.key_id, "workspace": person.workspace_id}
        assert conn.execute(statement, values).rowcount == 1


async def test_a_cached_key_needs_no_query(directory, db, owner):
    await directory.poll()
    digest = keys.digest(owner.secret)
    first = await directory.caller(digest)
    assert (first.key_id, first.workspace_id, first.account_id) == (owner.key_id, owner.workspace_id, owner.account_id)
    before = db.statements
    assert [await directory.caller(digest) for _ in range(100)] == [first] * 100
    assert db.statements == before


async def test_an_unknown_key_is_none_and_not_cached(directory, db, owner):
    await directory.poll()
    before = db.statements
    assert [await directory.caller(keys.digest(keys.mint())) for _ in range(2)] == [None, None]
    assert db.statements == before + 2


async def test_the_cache_is_by_the_whole_digest(directory, owner):
    await directory.poll()
    digest = keys.digest(owner.secret)
    assert await directory.caller(digest) is not None
    assert await directory.caller(digest[:16] + bytes(16)) is None
    assert await directory.caller(digest[:-1] + bytes([digest[-1] ^ 1])) is None


@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_is_seen_after_one_poll(directory, owner, what):
    await directory.poll()
    digest = keys.digest(owner.secret)
    before = await directory.caller(digest)
    assert not getattr(before, what)
    commit(CHANGES[what], owner)
    await directory.poll()
    assert getattr(await directory.caller(digest), what)


def test_rotation_keeps_the_identity_and_ends_the_old_secret(owner, stranger, db_open):
    key = ApiKey.objects.get(pk=owner.key_id)
    until = datetime(2020, 1, 1, tzinfo=UTC)
    made = api_key_rotate(key=key, grace_until=until)

    async def look():
        db = Counting(URL)
        await db.open(timeout_s=10)
        directory = Directory(db, poll_s=1, grace_s=30, cache_s=600, size_max=10)
        await directory.poll()
        found = [await directory.caller(keys.digest(secret)) for secret in (owner.secret, made.secret)]
        await db.close()
        return found

    old, new = asyncio.run(look())
    assert old.key_id == new.key_id == owner.key_id
    assert (old.rotated_at, old.expires_at) == (until.timestamp(), None)
    assert (new.rotated_at, new.expires_at) == (None, None)


def test_the_revoking_service_is_what_the_directory_sees(owner, db_open):
    api_key_revoke(key=ApiKey.objects.get(pk=owner.key_id))
    first = ApiKey.objects.get(pk=owner.key_id).revoked_at
    api_key_revoke(key=ApiKey.objects.get(pk=owner.key_id))
    assert ApiKey.objects.get(pk=owner.key_id).revoked_at == first is not None


@pytest.fixture
def db_open(django_db_blocker):
    """Django's own connection, committing."""
    with django_db_blocker.unblock():
        yield


async def test_revocation_takes_effect_by_itself_well_within_five_seconds(db, owner):
    directory = Directory(db, poll_s=2, grace_s=30, cache_s=600, size_max=10)
    listener = Listener(URL, {"xr_key": directory.hurry})
    tasks = [asyncio.create_task(work) for work in (directory.run(), listener.run())]
    digest = keys.digest(owner.secret)
    while not listener.connections:
        await asyncio.sleep(0.02)
    assert not (await directory.caller(digest)).revoked
    commit(CHANGES["revoked"], owner)
    before = time.monotonic()
    while not (await directory.caller(digest)).revoked:
        await asyncio.sleep(0.01)
    assert time.monotonic() - before < 1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_without_notifications_the_poll_alone_suffices(directory, owner):
    task = asyncio.create_task(directory.run())
    await asyncio.sleep(0.2)
    digest = keys.digest(owner.secret)
    assert not (await directory.caller(digest)).disabled
    commit(CHANGES["disabled"], owner)
    await asyncio.sleep(0.3)
    assert (await directory.caller(digest)).disabled
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_change_written_early_and_committed_late_is_not_missed(directory, owner, stranger):
    await directory.poll()
    digest = keys.digest(owner.secret)
    async with await psycopg.AsyncConnection.connect(superuser_url()) as slow:
        await slow.execute(CHANGES["revoked"], {"key": owner.key_id})
        assert not (await directory.caller(digest)).revoked
        commit(CHANGES["disabled"], stranger)
        await directory.poll()
        await directory.poll()
        assert not (await directory.caller(digest)).revoked
        await slow.commit()
    await directory.poll()
    assert (await directory.caller(digest)).revoked


async def test_what_was_read_while_it_changed_is_not_kept(directory, db, owner):
    await directory.poll()
    digest = keys.digest(owner.secret)
    await directory.caller(digest)

    def poll_overtakes() -> None:
        db.before_answer = None
        directory._forget(owner.key_id)

    commit("UPDATE accounts_apikey SET name = 'x' WHERE id = %(key)s", owner)
    await directory.poll()
    db.before_answer = poll_overtakes
    old = await directory.caller(digest)
    commit(CHANGES["revoked"], owner)
    assert not old.revoked
    assert (await directory.caller(digest)).revoked


async def test_the_least_recent_key_leaves_a_full_cache(db, owner, stranger, broke):
    directory = Directory(db, poll_s=1, grace_s=30, cache_s=600, size_max=2)
    await directory.poll()
    for person in (owner, stranger, broke):
        assert (await directory.caller(keys.digest(person.secret))).key_id == person.key_id
    before = db.statements
    await directory.caller(keys.digest(broke.secret))
    assert db.statements == before
    await directory.caller(keys.digest(owner.secret))
    assert db.statements == before + 1


async def test_while_the_database_is_away_cached_keys_are_honoured_and_then_refused_as_an_outage(owner, stranger):
    async with proxied() as proxy:
        db = Counting(proxy.url(URL))
        await db.open(timeout_s=10)
        directory = Directory(db, poll_s=0.05, grace_s=0.6, cache_s=600, size_max=10)
        task = asyncio.create_task(directory.run())
        await asyncio.sleep(0.2)
        known, unknown = keys.digest(owner.secret), keys.digest(stranger.secret)
        assert (await directory.caller(known)).key_id == owner.key_id
        proxy.cut()
        assert (await directory.caller(known)).key_id == owner.key_id
        with pytest.raises(Outage):
            await directory.caller(unknown)
        await asyncio.sleep(0.7)
        for digest in (known, unknown, keys.digest(keys.mint())):
            with pytest.raises(Outage):
                await directory.caller(digest)
        proxy.restore()
        async with asyncio.timeout(5):
            while True:
                try:
                    assert (await directory.caller(unknown)).key_id == stranger.key_id
                    break
                except Outage:
                    await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await db.close()


async def test_nothing_is_answered_before_the_first_poll(directory, owner):
    with pytest.raises(Outage):
        await directory.caller(keys.digest(owner.secret))
