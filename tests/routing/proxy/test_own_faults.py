"""A fault of our own, planted in a worker's reading of answers: the generation is settled, nothing quoted in logs."""

import asyncio

import httpx
import pytest

from tests.processes import Process
from tests.routing.calls import ask, record, stream

PLANT = """
import sys
if "xroute.web" in sys.orig_argv:
    sys.path.insert(0, {project!r})
    from routing.providers import openai

    def planted(read):
        def reading(data, *more):
            if b"boom" in data:
                raise RuntimeError("canary: " + data.decode())
            return read(data, *more)
        return reading

    events = sys.modules["routing.providers.openai.reader"]
    events.event_in, openai.response_in = planted(events.event_in), planted(openai.response_in)
"""


@pytest.fixture
async def planted(web_factory, tmp_path, request) -> Process:
    (tmp_path / "sitecustomize.py").write_text(PLANT.format(project=str(request.config.rootpath)))
    return await asyncio.to_thread(web_factory, PYTHONPATH=str(tmp_path))


async def test_the_generation_is_settled_and_said_to_have_failed(planted, owner):
    async with httpx.AsyncClient(base_url=planted.url, trust_env=False, timeout=30) as client:
        seen = await stream(client, owner, "[[echo]]12345678 2345678 boom")
        plain = await ask(client, owner, "[[echo]]boom")
        whole = await stream(client, owner, "[[echo]]fine")
    assert seen.error["code"] == "internal_error"
    assert not seen.done
    booked = await record(seen.request_id)
    assert (booked["basis"], booked["reason"], booked["completion_tokens"]) == ("estimated", "internal_error", 4)
    assert plain.status_code == 500
    assert plain.headers["x-should-retry"] == "false"
    assert (await record(plain.headers["x-request-id"]))["cost_nanousd"] == 0
    assert whole.done
    log = planted.log.read_text()
    assert "ALERT" in log
    assert "RuntimeError" in log
    assert "2345678" not in log, "an exception's own words may quote an answer"
