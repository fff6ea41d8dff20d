"""The echo test of the whole product: thousands of requests at once, and each answer is its own caller's.

Every request has a text of its own, of its own size, plain or streamed; some clients leave, some read slowly. A pool,
a queue or a batch that mixes two of them up shows here, where a benchmark of equal answers would see nothing.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random

import aiohttp
import orjson
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.cast import USD, Person
from tests.processes import Process

REQUESTS, AT_ONCE, SEED = 3000, 100, 20
MODELS = ("sandbox/echo", "sandbox/three", "sandbox/failover")
ALPHABET = ("abcdefgh", "ÄÖÜß éè", "世界你好", "👩‍👧🎈 x")
RECORDS = """
SELECT request_id, workspace_id, basis, cost_nanousd, prompt_tokens, completion_tokens, upstream_id
  FROM billing_usagerecord WHERE request_id LIKE %s"""


@dataclass(slots=True)
class Call:
    """`said` and `cost` are what the client saw; `outcome` is whole, left, or what went wrong."""

    name: str
    person: Person
    text: str
    model: str
    streamed: bool
    leaves_after_s: float | None
    pause_s: float
    outcome: str = ""
    said: str = ""
    cost: float | None = None


def make_call(random: Random, number: int, people: list[Person]) -> Call:
    slow = number % 40 == 0
    letters = random.choice(ALPHABET)
    size = 3000 if slow else random.choice((0, 5, 40, 200, random.randint(0, 600)))
    return Call(
        name=f"echo-{SEED}-{os.getpid()}-{number}",
        person=people[number % len(people)],
        text=f"<{number}>" + "".join(random.choices(letters, k=size)) + f"</{number}>",
        model=random.choice(MODELS),
        streamed=slow or random.random() < 0.4,
        leaves_after_s=random.uniform(0, 0.4) if not slow and random.random() < 0.12 else None,
        pause_s=0.05 if slow else 0,
    )


async def perform(session: aiohttp.ClientSession, url: str, call: Call) -> None:
    try:
        async with asyncio.timeout(call.leaves_after_s):
            await _perform(session, url, call)
    except TimeoutError:
        call.outcome = "left"


async def _perform(session: aiohttp.ClientSession, url: str, call: Call) -> None:
    body = {"model": call.model, "messages": [{"role": "user", "content": f"[[echo]]{call.text}"}]}
    if call.streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    headers = call.person.headers | {"X-Request-Id": call.name}
    async with session.post(f"{url}/openai/v1/chat/completions", json=body, headers=headers) as answer:
        if answer.status != 200:
            call.outcome = f"{answer.status} {await answer.text()}"
            return
        assert answer.headers["x-request-id"] == call.name
        if call.streamed:
            await _read(answer, call)
        else:
            found = orjson.loads(await answer.read())
            call.said, call.cost = found["choices"][0]["message"]["content"], found["usage"]["cost"]
            call.outcome = "whole"


async def _read(answer: aiohttp.ClientResponse, call: Call) -> None:
    parts = []
    async for line in answer.content:
        if call.pause_s and len(parts) % 100 == 0:
            await asyncio.sleep(call.pause_s)
        data = line.strip().removeprefix(b"data: ")
        if data == b"[DONE]":
            call.outcome = "whole"
        elif data:
            chunk = orjson.loads(data)
            assert chunk["id"] == answer.headers["x-generation-id"]
            parts += [choice["delta"].get("content") or "" for choice in chunk["choices"]]
            call.cost = (chunk.get("usage") or {}).get("cost", call.cost)
    call.said = "".join(parts)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as found:
        yield found


def books(prefix: str) -> list[dict]:
    with psycopg.connect(os.environ["DATABASE_URL"], row_factory=dict_row) as conn:
        return conn.execute(RECORDS, (prefix + "%",)).fetchall()


async def load(session: aiohttp.ClientSession, url: str, calls: list[Call]) -> None:
    waiting = iter(calls)

    async def one_after_the_other() -> None:
        for call in waiting:
            await perform(session, url, call)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


@pytest.fixture
def people(make_person) -> list[Person]:
    return [make_person(credit_nanousd=100 * USD) for _ in range(5)]


async def test_each_answer_is_its_own_callers_and_booked_once(people, web_factory, session, sandbox: Process):
    web = await asyncio.to_thread(web_factory)
    random = Random(SEED)
    calls = [make_call(random, number, people) for number in range(REQUESTS)]
    await load(session, web.url, calls)
    assert {call.outcome for call in calls} == {"whole", "left"}
    whole = [call for call in calls if call.outcome == "whole"]
    assert REQUESTS * 0.85 < len(whole) < REQUESTS
    assert [call.name for call in whole if call.said != call.text] == []
    assert await asyncio.to_thread(web.stop) == 0  # with it end the drains of those who left
    found = await asyncio.to_thread(books, calls[0].name.rpartition("-")[0])
    rows = {row["request_id"]: row for row in found}
    assert [name for name, count in Counter(row["request_id"] for row in found).items() if count > 1] == []
    for call in whole:
        row = rows[call.name]
        assert (row["workspace_id"], row["basis"]) == (call.person.workspace_id, "reported")
        assert row["cost_nanousd"] == round(call.cost * 1e9)
        assert row["completion_tokens"] == -(-len(call.text.encode()) // 4)
    for served in await asyncio.to_thread(sandbox.get, "/book"):
        row = rows.get(served["request_id"])
        if row is not None and row["upstream_id"] == served["id"] and row["basis"] == "reported":
            assert (row["prompt_tokens"], row["completion_tokens"]) == (
                served["prompt_tokens"],
                served["completion_tokens"],
            )
