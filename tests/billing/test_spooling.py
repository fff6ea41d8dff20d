"""Replays: once each, in order, orphans too, and nothing is let go of before it is in the ledger."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest

from billing.spool import SpoolFile, damaged, waiting
from billing.spooling import Spooling
from tests.lib.waiting import until
from xroute.lib.pg import Outage


class Ledger:
    """Where batches go; away while `away`."""

    def __init__(self) -> None:
        self.found: list[bytes] = []
        self.away = False

    async def replay(self, batch: bytes) -> None:
        if self.away or batch == b"not yet":
            raise Outage("away")
        await asyncio.sleep(0)
        self.found.append(batch)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def spooling(tmp_path):
    found = Spooling(tmp_path)
    yield found
    await found.close()


def orphan(folder, *batches: bytes):
    file = SpoolFile.create(folder, uuid4())
    for batch in batches:
        file.append(batch)
    file.close()
    return file.path


async def test_our_own_file_is_replayed_in_order_and_emptied(spooling, ledger):
    for batch in (b"one", b"two"):
        await spooling.keep(batch)
    assert spooling.holds_anything()
    await spooling.replay(ledger.replay)
    assert ledger.found == [b"one", b"two"]
    assert not spooling.holds_anything()
    await spooling.replay(ledger.replay)
    assert ledger.found == [b"one", b"two"]


async def test_nothing_is_let_go_of_while_the_database_is_away(spooling, ledger):
    ledger.away = True
    await spooling.keep(b"one")
    for _ in range(2):
        with pytest.raises(Outage):
            await spooling.replay(ledger.replay)
    await spooling.keep(b"two")
    ledger.away = False
    await spooling.replay(ledger.replay)
    assert ledger.found == [b"one", b"two"]


async def test_what_is_kept_during_a_replay_is_not_emptied_with_it(spooling, ledger):
    await spooling.keep(b"one")
    replaying = asyncio.create_task(spooling.replay(ledger.replay))
    await asyncio.gather(*(spooling.keep(b"later %d" % number) for number in range(20)))
    await replaying
    await spooling.replay(ledger.replay)
    assert sorted(ledger.found) == sorted([b"one", *(b"later %d" % number for number in range(20))])


async def test_orphans_are_adopted_replayed_and_removed(spooling, ledger, tmp_path):
    path = orphan(tmp_path, b"one", b"two")
    await spooling.replay(ledger.replay)
    assert ledger.found == [b"one", b"two"]
    assert not path.exists()


async def test_damage_is_not_let_go_of_silently(spooling, ledger, tmp_path, caplog):
    path = orphan(tmp_path, b"one", b"two")
    path.write_bytes(path.read_bytes().replace(b"one", b"ome"))
    await spooling.replay(ledger.replay)
    assert ledger.found == [b"two"]
    assert f"ALERT 1 lines of {path.name} are damaged" in caplog.text
    assert [each.stem for each in damaged(tmp_path)] == [path.stem]


async def test_an_orphan_stays_for_the_next_one_where_the_replay_failed(spooling, ledger, tmp_path):
    path = orphan(tmp_path, b"one", b"not yet")
    with pytest.raises(Outage):
        await spooling.replay(ledger.replay)
    again = SpoolFile.adopt(path)
    assert again.read() == [b"one", b"not yet"]
    again.close()


async def test_many_processes_adopt_an_orphan_once(ledger, tmp_path):
    for number in range(5):
        orphan(tmp_path, b"batch %d" % number)
    await asyncio.gather(*(Spooling(tmp_path).replay(ledger.replay) for _ in range(6)))
    assert sorted(ledger.found) == [b"batch %d" % number for number in range(5)]
    assert waiting(tmp_path) == []


async def test_the_file_of_a_living_process_is_its_own_affair(ledger, tmp_path):
    theirs, ours = Spooling(tmp_path), Spooling(tmp_path)
    await theirs.keep(b"theirs")
    await ours.replay(ledger.replay)
    assert ledger.found == []
    assert ours.holds_anything()
    await theirs.close()
    await ours.replay(ledger.replay)
    assert ledger.found == [b"theirs"]


async def test_closing_leaves_no_empty_file_and_every_full_one(ledger, tmp_path):
    empty, full, unused = Spooling(tmp_path), Spooling(tmp_path), Spooling(tmp_path)
    await empty.keep(b"one")
    await empty.replay(ledger.replay)
    await full.keep(b"two")
    for each in (empty, full, unused):
        await each.close()
    assert len(list(tmp_path.iterdir())) == len(waiting(tmp_path)) == 1


async def test_the_task_goes_on_through_outages_and_faults_of_the_disk(spooling, ledger, monkeypatch):
    ledger.away = True
    await spooling.keep(b"one")
    task = asyncio.create_task(spooling.run(ledger.replay, every_s=0.01))
    await asyncio.sleep(0.05)
    broken = []

    def unreadable(folder):
        broken.append(folder)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("billing.spooling.waiting", unreadable)
        await until(lambda: len(broken) > 1)
    ledger.away = False
    await until(lambda: ledger.found == [b"one"])
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
