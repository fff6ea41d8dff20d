"""Over several models, own accounts and conversations: who answers, who is billed how, and what the record says."""

import asyncio
from collections import Counter

import httpx
import pytest
from django.conf import settings

from accounts.models import ApiKey
from routing.credentials import seal
from routing.explain import explained
from routing.models import Pricing, Provider, ProviderCredential
from tests.processes import start_web
from tests.routing.calls import ask, record, stream


def names(endpoint_id: int) -> tuple[str, str, str]:
    return "model", f"{endpoint_id}", f"{endpoint_id}"


async def test_the_next_model_answers_where_the_first_cannot(client, owner):
    answer = await ask(client, owner, model="sandbox/fault-500", models=["sandbox/fault-503", "sandbox/echo"])
    assert (answer.status_code, answer.json()["model"]) == (200, "sandbox/echo")
    booked = await record(answer.headers["x-request-id"])
    assert (booked["model"], [a["outcome"] for a in booked["attempts"]]) == (
        "sandbox/echo",
        ["server", "overloaded", "answered"],
    )
    route = explained(booked["route"], booked["attempts"], names)
    assert (route.asked, [c.outcome for c in route.candidates]) == (
        "sandbox/fault-500",
        ["failed", "was overloaded", "answered"],
    )


async def test_a_stream_too(client, owner):
    seen = await stream(client, owner, "hello", "sandbox/fault-500", models=["sandbox/echo"])
    assert (seen.status, seen.done, {chunk["model"] for chunk in seen.chunks}) == (200, True, {"sandbox/echo"})


async def test_each_model_has_its_chance_however_many_endpoints_the_first_has(client, owner, sandbox, make_model):
    url = sandbox.url
    many = await make_model(*((f"{url}{path}/v1", "fault-500") for path in ("", "/b", "/c")))
    answer = await ask(client, owner, model=many, models=["sandbox/echo"])
    assert answer.json()["model"] == "sandbox/echo"


async def test_a_key_may_use_every_model_that_it_names_or_none(client, owner, orm):
    await orm(lambda: ApiKey.objects.filter(pk=owner.key_id).update(allowed_models=["sandbox/fault-500"]))
    async with asyncio.timeout(10):
        while True:
            answer = await ask(client, owner, model="sandbox/fault-500", models=["sandbox/echo"])
            if answer.status_code == 403:
                break
    assert answer.json()["error"]["code"] == "model_not_allowed"
    assert "sandbox/echo" in answer.json()["error"]["message"]


async def test_what_the_choice_saved_is_on_record(client, owner):
    answer = await ask(client, owner, "[[tokens=100]]", "sandbox/three")
    booked = await record(answer.headers["x-request-id"])
    at_dearest = booked["prompt_tokens"] * 750 + booked["completion_tokens"] * 2250
    assert booked["route"]["saved"] == at_dearest - booked["cost_nanousd"] > 0
    assert booked["list_nanousd"] == booked["cost_nanousd"]


@pytest.fixture
def own_key(orm, owner):
    """A key of the owner's workspace at sandbox-c."""

    def make() -> ProviderCredential:
        provider = Provider.objects.get(slug="sandbox-c")
        row = ProviderCredential.objects.create(
            provider=provider, workspace_id=owner.workspace_id, name="own", secret=b"", last_four="sand"
        )
        row.secret = seal("sandbox-own", row_id=row.pk, keys=settings.XROUTE_ENCRYPTION_KEYS)
        row.save()
        return row

    return lambda: orm(make)


async def test_a_workspaces_own_account_is_used_first_and_costs_the_fee(client, owner, stranger, own_key, orm):
    await own_key()
    fee_bp = await orm(lambda: Pricing.objects.get().byok_fee_bp)
    async with asyncio.timeout(15):
        while True:
            answer = await ask(client, owner, "[[tokens=200]]", "sandbox/three")
            if answer.json()["provider"] == "sandbox-c":
                break
    usage = answer.json()["usage"]
    booked = await record(answer.headers["x-request-id"])
    listed = usage["prompt_tokens"] * 750 + usage["completion_tokens"] * 2250
    assert (usage["is_byok"], booked["byok"], booked["list_nanousd"]) == (True, True, listed)
    assert 0 <= booked["cost_nanousd"] - listed * fee_bp / 10_000 < 1
    other = await ask(client, stranger, "hi", "sandbox/three")
    assert (other.json()["provider"], other.json()["usage"]["is_byok"]) == ("sandbox", False)


LONG = "An instruction that many turns share. " * 150


async def test_a_conversation_stays_at_one_endpoint_and_many_spread(sandbox, owner, tmp_path):
    """By 1/price², the same on every worker: what the conversation begins with decides."""
    web = start_web(tmp_path, XROUTE_DEFAULT_SORT="")
    try:
        async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=30) as client:
            system = {"role": "system", "content": LONG}

            async def who(start: str, turn: str) -> str:
                messages = [system, {"role": "user", "content": start}, {"role": "user", "content": turn}]
                found = await ask(client, owner, model="sandbox/three", messages=messages, max_tokens=1)
                return found.json()["provider"]

            starts = [f"conversation {number}" for number in range(30)]
            first = [await who(start, "one") for start in starts]
            assert first == [await who(start, "another turn") for start in starts]
            assert len(Counter(first)) > 1
    finally:
        web.stop()
