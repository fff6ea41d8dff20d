"""An answer in one piece, with the faults that it can have. Everything here is told by a Plan."""

from itertools import pairwise
from typing import Any

import orjson

from xroute.embedded.provider import shapes
from xroute.embedded.provider.book import Entry
from xroute.embedded.provider.client import JSON, Client
from xroute.embedded.provider.faults import ZERO, absurd, halved
from xroute.embedded.provider.plan import Plan

MISSING_BYTES = 1000
ENDLESS_S = 0.01


async def answer_plain(plan: Plan, client: Client, entry: Entry, count: int) -> None:
    """Answer, with the row written first. `count` is which request of this model it is."""
    if plan.delay_s:
        await client.pause(plan.delay_s)
    if plan.fault.kind == "endless":
        await _endless(client, entry)
        return
    body = _twice(_body(plan, count)) if plan.fault.kind == "usage-twice" else orjson.dumps(_body(plan, count))
    _produce_all(plan, entry)
    if plan.fault.kind in ("cut", "eof"):
        entry.write("fault")
        await _half(client, body, missing=MISSING_BYTES if plan.fault.kind == "cut" else 0)
        return
    if plan.fault.kind == "empty":
        entry.completion_tokens = entry.reasoning_tokens = 0
    entry.write("fault" if plan.fault.kind == "empty" else "complete")
    if plan.fault.kind == "bytewise":
        await _in_parts(client, [bytes((byte,)) for byte in body])
    elif plan.ragged:
        await _in_parts(client, cuts(body))
    else:
        await client.answer(200, body)


def _produce_all(plan: Plan, entry: Entry) -> None:
    entry.completion_tokens = plan.completion_tokens * plan.n
    entry.reasoning_tokens = plan.reasoning_tokens * plan.n


def _body(plan: Plan, count: int) -> dict[str, Any]:
    body = shapes.completion(plan)
    if plan.fault.kind == "usage-missing":
        del body["usage"]
    elif plan.fault.kind == "usage-absurd":
        body["usage"] = absurd(plan.fault.number, count)
    elif plan.fault.kind == "usage-zero":
        body["usage"] = ZERO
    elif plan.fault.kind == "empty":
        spent = {"completion_tokens": 0, "total_tokens": plan.prompt_tokens}
        body |= {"choices": [], "usage": {**body["usage"], **spent}}
    return body


def _twice(body: dict[str, Any]) -> bytes:
    """With a usage of its middle before the true one, under one and the same name."""
    return b'{"usage":%b,%b' % (orjson.dumps(halved(body["usage"])), orjson.dumps(body)[1:])


async def _half(client: Client, body: bytes, *, missing: int) -> None:
    """Half of the body; where less comes than was promised, the server closes as we do not end."""
    half = body[: len(body) // 2]
    await client.start(200, JSON, (b"content-length", b"%d" % (len(half) + missing)))
    await client.write(half)
    if not missing:
        await client.end()


async def _in_parts(client: Client, parts: list[bytes]) -> None:
    """Each a write of its own."""
    await client.start(200, JSON)
    for part in parts:
        await client.pause(0)
        await client.write(part)
    await client.end()


def cuts(data: bytes) -> list[bytes]:
    """Split after two bytes, after every CR, and inside every character of several bytes."""
    places = [i + 1 for i, byte in enumerate(data) if byte == 13 or byte >= 0xC0]
    edges = [0, *sorted({2, *places} - {len(data)}), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


async def _endless(client: Client, entry: Entry) -> None:
    """A body without an end: four bytes, a token, at a time."""
    client.watch()
    await client.start(200, JSON)
    await client.write(shapes.around_content(stream=False)[0])
    while True:
        entry.completion_tokens += 1
        await client.write(b"sea ")
        await client.pause(ENDLESS_S)
