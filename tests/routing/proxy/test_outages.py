"""An infrastructure that fails is never the caller's fault: service, or 503 with Retry-After; nothing is lost."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from accounts.models import ApiKey
from tests.cast import USD, person
from tests.lib.proxy import Proxy, proxied
from tests.routing.calls import CHAT, ask, body, identified, record, stream

GRACE = {"XROUTE_OUTAGE_GRACE_S": "2", "XROUTE_COMMIT_TIMEOUT_S": "1"}
READ = ["/v1/key", "/v1/credits", "/v1/generation?id=gen-" + "0" * 32]


def limited():
    found = person(credit_nanousd=USD)
    ApiKey.objects.filter(pk=found.key_id).update(requests_per_minute=100_000, tokens_per_minute=100_000_000)
    return found


@asynccontextmanager
async def client_of(web) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=30) as client:
        yield client


def proper(answer: httpx.Response) -> bool:
    """Service, a 404 of what is not there, or an outage that says when to come again."""
    if answer.status_code in (200, 404):
        return True
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) >= 1
    return False


@pytest.mark.parametrize("how", ["cut", "silence"])
async def test_without_postgresql(web_factory, owner, stranger, how):
    """One key is cached when it happens, the other is not; it lasts longer than cached keys are honoured."""
    async with proxied() as proxy:
        url = proxy.url(os.environ["DATABASE_URL"])
        web = await asyncio.to_thread(web_factory, DATABASE_URL=url, DATABASE_DIRECT_URL=url, **GRACE)
        async with client_of(web) as client:
            assert (await ask(client, owner)).status_code == 200
            getattr(proxy, how)()
            answers, until = [], time.monotonic() + 4
            while time.monotonic() < until:
                answers += await asyncio.gather(
                    ask(client, owner),
                    ask(client, stranger),
                    *(client.get(path, headers=owner.headers) for path in READ),
                )
            served = [answer for answer in answers if proper(answer)]
            assert [a for a in served if a.request.url.path == CHAT], "it went on for a while"
            assert len(served) < len(answers), "and then it refused"
            proxy.restore()
            async with asyncio.timeout(30):
                while (again := await ask(client, stranger)).status_code != 200:
                    assert again.status_code == 503
                    await asyncio.sleep(0.1)
            for answer in [*served, again]:
                if answer.request.url.path == CHAT:
                    booked = await record(answer.headers["x-request-id"])
                    assert booked["cost_nanousd"] == round(answer.json()["usage"]["cost"] * 1e9)


async def test_a_waiting_generation_is_503_and_never_404(web_factory, owner):
    """Its answer is out, its record in the spool: the database is away."""
    async with proxied() as proxy:
        url = proxy.url(os.environ["DATABASE_URL"])
        web = await asyncio.to_thread(web_factory, DATABASE_URL=url, XROUTE_COMMIT_TIMEOUT_S="1")
        async with client_of(web) as client:
            await ask(client, owner)
            proxy.cut()
            name = (await ask(client, owner)).json()["id"]
            detail = await client.get(f"/v1/generation?id={name}", headers=owner.headers)
            assert detail.status_code == 503
            proxy.restore()
            async with asyncio.timeout(30):
                while (detail := await client.get(f"/v1/generation?id={name}", headers=owner.headers)).is_error:
                    assert detail.status_code == 503, detail.text
                    await asyncio.sleep(0.05)


@asynccontextmanager
async def valkey_proxied() -> AsyncIterator[tuple[Proxy, str]]:
    async with proxied(Path(urlsplit(os.environ["REDIS_URL"]).path)) as proxy:
        yield proxy, f"unix://{proxy.folder}/.s.PGSQL.5432"


@pytest.mark.parametrize("how", ["cut", "silence", "slow"])
async def test_without_valkey_or_with_one_that_takes_30_s(web_factory, orm, how):
    """A key with limits, whose counts go through it; before, while and after it is away."""
    someone = await orm(limited)
    async with valkey_proxied() as (proxy, url):
        web = await asyncio.to_thread(web_factory, REDIS_URL=url)
        async with client_of(web) as client:
            await ask(client, someone)
            async with asyncio.timeout(30):
                while not proxy.connections:
                    await asyncio.sleep(0.05)
            if how == "slow":
                proxy.slow_s = 30
            else:
                getattr(proxy, how)()
            started = time.monotonic()
            for _ in range(10):
                answers = await asyncio.gather(*(ask(client, someone) for _ in range(5)), stream(client, someone))
                assert {getattr(answer, "status_code", 200) for answer in answers} == {200}
                assert answers[-1].done
                await asyncio.sleep(0.2)
            assert time.monotonic() - started < 20
            assert (await client.get("/readyz")).status_code == 200


async def test_a_worker_starts_without_valkey(web_factory, orm):
    someone = await orm(limited)
    web = await asyncio.to_thread(web_factory, REDIS_URL="redis://127.0.0.1:9/0")
    async with client_of(web) as client:
        assert (await ask(client, someone)).status_code == 200


async def test_clients_gone_while_their_last_chunk_waits_disturb_nobody(web_factory, owner):
    """Twenty answers wait for one commit; every other client leaves before it comes."""
    async with proxied() as proxy:
        url = proxy.url(os.environ["DATABASE_URL"])
        web = await asyncio.to_thread(web_factory, DATABASE_URL=url, XROUTE_COMMIT_TIMEOUT_S="5")
        async with client_of(web) as client:
            await ask(client, owner)
            proxy.silence()
            headers = [identified(owner) for _ in range(20)]
            asked = body("[[tokens=3]]", stream=True)
            calls = [asyncio.create_task(client.post(CHAT, json=asked, headers=one)) for one in headers]
            await asyncio.sleep(0.7)
            assert not any(call.done() for call in calls)
            for call in calls[::2]:
                call.cancel()
            await asyncio.sleep(0.3)
            proxy.restore()
            answers = await asyncio.gather(*calls[1::2])
            assert all(answer.content.endswith(b"data: [DONE]\n\n") for answer in answers)
            for one in headers:
                booked = await record(one["X-Request-Id"])
                assert (booked["basis"], booked["completion_tokens"]) == ("reported", 3)
