"""The browser plane takes so many requests at once, and bodies up to its limit, announced or not."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from xroute.intake import Gate, Intake

LIMIT = 2 * 2**20


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 65536


@pytest.mark.parametrize("path", ["/account/login/", "/stripe/webhook", "/nothing-here"])
async def test_a_longer_body_is_refused_before_django_stores_it(client, path):
    for body in (b"x" * (LIMIT + 1), pieces(80)):
        answer = await client.post(path, content=body, headers={"Content-Type": "application/octet-stream"})
        assert answer.status_code == 413
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await client.get("/models")).status_code == 200


async def test_a_body_within_it_reaches_the_page(client):
    answer = await client.post("/stripe/webhook", content=b"x" * 1000)
    assert answer.status_code == 400
    answer = await client.post("/account/login/", data={"login": "x" * 1000})
    assert answer.status_code == 403  # no CSRF token


class Pages:
    """An application that ends when it is told to, and notes how many were in it at once."""

    def __init__(self) -> None:
        self.inside, self.most, self.free = 0, 0, asyncio.Event()

    async def __call__(self, _scope, receive, send) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        while (await receive()).get("more_body"):
            pass
        await self.free.wait()
        self.inside -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})


async def ask(intake: Intake, receive=None) -> tuple[int, dict[bytes, bytes]]:
    sent: list[dict] = []

    async def empty() -> dict:
        return {"type": "http.request", "body": b""}

    async def send(message: dict) -> None:
        sent.append(message)

    await intake({"headers": []}, receive or empty, send)
    return sent[0]["status"], dict(sent[0]["headers"])


def made(pages: Pages, *, wait_s: float = 30, body_s: float = 30) -> Intake:
    return Intake(pages, bytes_max=1000, body_s=body_s, gate=Gate(at_once=3, waiting_max=5, wait_s=wait_s))


async def test_few_are_inside_some_wait_and_the_rest_are_sent_away():
    pages = Pages()
    intake = made(pages)
    asked = [asyncio.create_task(ask(intake)) for _ in range(20)]
    await asyncio.sleep(0)
    done, _ = await asyncio.wait(asked, timeout=0.2)
    refusals = [task.result() for task in done]
    assert [(status, headers[b"retry-after"]) for status, headers in refusals] == [(503, b"1")] * 12
    pages.free.set()
    assert sorted(status for status, _ in await asyncio.gather(*asked)) == [200] * 8 + [503] * 12
    assert (pages.most, pages.inside) == (3, 0)
    assert (await ask(intake))[0] == 200


async def test_whoever_waits_too_long_is_sent_away_and_leaves_no_trace():
    pages = Pages()
    intake = made(pages, wait_s=0.05)
    inside = [asyncio.create_task(ask(intake)) for _ in range(3)]
    await asyncio.sleep(0)
    assert (await ask(intake))[0] == 503
    pages.free.set()
    assert [status for status, _ in await asyncio.gather(*inside)] == [200] * 3
    assert [status for status, _ in await asyncio.gather(*(ask(intake) for _ in range(3)))] == [200] * 3


async def test_a_body_that_never_ends_gives_its_place_back():
    pages = Pages()
    pages.free.set()
    intake = made(pages, body_s=0.05)

    async def drip() -> dict:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    assert [status for status, _ in await asyncio.gather(*(ask(intake, drip) for _ in range(8)))] == [408] * 8
    pages.inside = 0
    assert (await ask(intake))[0] == 200
