"""No ORM on the API plane: a worker in which every use of Django's database connections is noted, and refused."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.cast import USD, person
from tests.routing.calls import CHAT, ask, body, record, stream

PLANT = """
import sys
if "xroute.web" in sys.orig_argv:
    from django.db.backends.base.base import BaseDatabaseWrapper

    def refuse(self, *args, **kwargs):
        with open({noted!r}, "a") as file:
            file.write("a connection was asked for\\n")
        raise AssertionError("the ORM on the API plane")

    BaseDatabaseWrapper.connect = BaseDatabaseWrapper.ensure_connection = BaseDatabaseWrapper._cursor = refuse
"""
LAPSE = """
    sys.path.insert(0, {project!r})
    import xroute.asgi  # sets Django up
    from accounts.models import ApiKey
    from routing.api import account

    get = account.Credits.get

    async def lapsed(self, request):
        await ApiKey.objects.acount()
        return await get(self, request)

    account.Credits.get = lapsed
"""


@pytest.fixture
def noted(tmp_path) -> Path:
    return tmp_path / "noted"


async def worker(web_factory, folder: Path, plant: str) -> httpx.AsyncClient:
    (folder / "sitecustomize.py").write_text(plant)
    web = await asyncio.to_thread(web_factory, PYTHONPATH=str(folder))
    return httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=30)


async def test_no_request_touches_it(web_factory, tmp_path, noted, owner, broke, orm):
    limited = await orm(person, credit_nanousd=USD, limit_nanousd=USD, limit_reset="daily")
    async with await worker(web_factory, tmp_path, PLANT.format(noted=str(noted))) as client:
        for someone in (owner, broke, limited):
            plain = await ask(client, someone)
            await stream(client, someone)
            await ask(client, someone, model="sandbox/failover")
            for path in ("key", "credits", "models", "models/sandbox/echo", "generation?id=gen-" + "0" * 32, "nothing"):
                assert (await client.get(f"/api/v1/{path}", headers=someone.headers)).status_code < 500, path
            for method in ("OPTIONS", "HEAD", "PUT"):
                await client.request(method, CHAT, headers=someone.headers)
        manages = await orm(person, is_management=True)
        made = await client.post("/api/v1/keys", json={"name": "made"}, headers=manages.headers)
        assert made.status_code == 201
        url = f"/api/v1/keys/{made.json()['data']['hash']}"
        for method, path in (("GET", url), ("PATCH", url), ("DELETE", url), ("GET", "/api/v1/keys"), ("POST", CHAT)):
            assert (await client.request(method, path, json={}, headers=manages.headers)).status_code < 500, path
        assert (await client.get("/api/v1/activity", headers=manages.headers)).status_code == 200
        assert (await client.get("/api/v1/models/sandbox/echo/endpoints")).status_code == 200
        left = await stream(client, owner, "[[tokens=400]] [[delay_ms=20]]", leave_after=2)
        await record(left.request_id)
        assert (await client.post(CHAT, json=body())).status_code == 401
        assert (await client.get("/readyz")).status_code == 200
        detail = await client.get(f"/v1/generation?id={plain.headers.get('x-generation-id')}", headers=limited.headers)
        assert detail.status_code == 200
    assert not noted.exists()


async def test_the_test_sees_an_orm_query(web_factory, tmp_path, noted, owner, request):
    """Planted in one view: it is refused, and noted."""
    lapse = PLANT.format(noted=str(noted)) + LAPSE.format(project=str(request.config.rootpath))
    async with await worker(web_factory, tmp_path, lapse) as client:
        assert (await client.get("/v1/key", headers=owner.headers)).status_code == 200
        assert not noted.exists()
        assert (await client.get("/v1/credits", headers=owner.headers)).status_code == 500
    assert noted.exists()
