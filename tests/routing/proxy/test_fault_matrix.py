"""The table of fault_table.py, row by row, over real HTTP: each row has a model of its own at two endpoints."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.cast import Person
from tests.processes import Process, start_web
from tests.routing.calls import ask, record, stream
from tests.routing.proxy.conftest import SHORT
from tests.routing.proxy.fault_table import ROWS, TEXT, Row
from tests.routing.rows import known, model_make

# No comment comes before an error that is said by its status; out and cooling last longer than a row takes.
LIMITS = {
    "XROUTE_KEEPALIVE_S": "30",
    "XROUTE_CHUNK_TIMEOUT_S": "0.8",
    "XROUTE_TOTAL_TIMEOUT_S": "2",
    "XROUTE_RESPONSE_BYTES_MAX": "4000000",
    "XROUTE_BREAKER_OUT_S": "300",
}
FAILURES_TO_GO = 3  # to the five in a row, after the two calls before them


@pytest.fixture(scope="module")
def web(sandbox, tmp_path_factory) -> Iterator[Process]:
    process = start_web(tmp_path_factory.mktemp("web"), **SHORT | LIMITS)
    yield process
    assert process.stop() == 0, process.log.read_text()[-4000:]


@pytest.fixture(scope="module")
def models(web, sandbox, django_db_blocker) -> dict[Row, str]:
    """Every row's: first its fault, then a dearer endpoint that answers."""
    with django_db_blocker.unblock():
        return {
            str(row): model_make((f"{sandbox.url}/v1", f"fault-{row.fault}"), (f"{sandbox.url}/b/v1", "steady"))
            for row in ROWS
        }


@dataclass(slots=True)
class Call:
    """One answer in the words of the table, and what else tells of it."""

    seen: str
    request_id: str
    text: str = ""
    retry_after: str = ""
    error: dict[str, Any] = field(default_factory=dict)

    @property
    def skipped(self) -> list[str]:
        """Why endpoints were not called."""
        attempts = self.error.get("metadata", {}).get("attempts", [])
        return [attempt["detail"] for attempt in attempts if attempt["outcome"] == "skipped"]


async def call(client: httpx.AsyncClient, person: Person, row: Row, model: str, **more: Any) -> Call:
    if row.streamed:
        answer = await stream(client, person, TEXT, model, max_tokens=400, **more)
        if answer.status != 200:
            return refused(answer.status, answer.headers, json.loads(answer.raw)["error"])
        assert answer.whole
        assert answer.done == (answer.error is None)
        choices = [choice for chunk in answer.chunks for choice in chunk["choices"]]
        seen = ["200", *filter(None, [choice["finish_reason"] for choice in choices])]
        error = answer.error or {}
        return Call(" ".join([*seen, error["code"]] if error else seen), answer.request_id, answer.text, "", error)
    answer = await ask(client, person, TEXT, model, max_tokens=400, **more)
    if answer.status_code != 200:
        return refused(answer.status_code, answer.headers, answer.json()["error"])
    (choice,) = answer.json()["choices"] or [{"finish_reason": "without choices", "message": {"content": ""}}]
    return Call(f"200 {choice['finish_reason']}", answer.headers["x-request-id"], choice["message"]["content"])


def refused(status: int, headers: httpx.Headers, error: dict[str, Any]) -> Call:
    final = " final" if headers.get("x-should-retry") == "false" else ""
    seen = f"{status} {error['code'] or error['type']}{final}"
    return Call(seen, headers["x-request-id"], "", headers.get("retry-after", ""), error)


def state(after: Call) -> str:
    """The endpoint's, as a call to it alone shows. Of a cooling credential a moment has passed already."""
    match after.skipped:
        case ["cooling"]:
            return f"cools {-(-int(after.retry_after) // 10) * 10} s"
        case ["refused"]:
            return "cools, refused"
        case ["ejected"]:
            return "out"
    return "in service"


def said(text: str, completion_tokens: int) -> bool:
    """Whether what was billed is what the client got of the answer."""
    return completion_tokens == -(-len(text.encode()) // 4)


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_fault(client, owner, models, row: Row):
    model = models[str(row)]
    await known(client, model)
    alone = {"provider": {"only": [f"{model.removeprefix('test/')}-0"]}}
    both = await call(client, owner, row, model)
    lone = await call(client, owner, row, model, **alone)
    booked, lone_booked = await record(both.request_id), await record(lone.request_id)
    after_two = await call(client, owner, row, model, **alone)
    for _ in range(FAILURES_TO_GO - 1):
        await call(client, owner, row, model, **alone)
    after_five = await call(client, owner, row, model, **alone)
    outcomes = [attempt["outcome"] for attempt in booked["attempts"]]
    if len(outcomes) > 1 and outcomes[-1] == "answered":
        assert (both.seen, both.text, booked["provider"][-2:]) == ("200 stop", TEXT.removeprefix("[[echo]]"), "-1")
        assert (booked["basis"], booked["completion_tokens"]) == ("reported", 8)
        outcomes[-1] = "next"
    tokens = lone_booked["completion_tokens"]
    assert said(lone.text, tokens), lone.text
    assert {
        "the client sees": lone.seen,
        "billed": f"{lone_booked['basis']} {lone_booked['reason']}".strip(),
        "borne by": bearer(lone_booked),
        "tokens": "some" if row.fault == "endless" and tokens else str(tokens),
        "attempts": ", ".join(outcomes),
        "then": state(after_two),
        "after five": state(after_five),
    } == row.expected


def bearer(booked: dict[str, Any]) -> str:
    found = [who for who, name in (("caller", "cost_nanousd"), ("house", "house_nanousd")) if booked[name]]
    return " and ".join(found) or "nobody"
