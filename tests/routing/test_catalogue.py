"""The catalogue's snapshot, from real rows."""

import logging
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from routing.catalogue import Catalogue, base_url
from routing.credentials import CannotDecrypt, seal, unseal
from routing.models import Endpoint, Model, Provider, ProviderCredential
from routing.services import BadCatalogue, catalogue_load, credential_add
from tests.cast import person
from xroute.lib.pg import Database


def file(slug: str, **price: str) -> dict:
    endpoint = {
        "model": f"{slug}/model",
        "name": "Model",
        "aliases": [f"alias-{slug}"],
        "upstream_id": "up",
        "context_length": 1000,
        "max_output_tokens": 100,
        "input_modalities": ["text"],
        "output_modalities": ["text"],
        "capabilities": [],
        "usd_per_million": price or {"input": "1", "output": "2"},
    }
    provider = {
        "slug": slug,
        "name": slug.title(),
        "base_url": "http://127.0.0.1:1/v1",
        "wire_format": "openai",
        "cancel_stops_billing": True,
        "credential_env": f"{slug.upper()}_API_KEY",
        "quirks": [],
    }
    return {"provider": provider, "endpoints": [endpoint], "file": f"{slug}.json"}


@pytest.fixture
def slug() -> str:
    return f"p{uuid4().hex[:10]}"


@pytest.fixture
def committed(django_db_blocker):
    """The database as other connections see it."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
async def db():
    found = Database(settings.DATABASE_URL, size_max=3)
    await found.open(timeout_s=5)
    yield found
    await found.close()


async def snapshot(db, **options):
    catalogue = Catalogue(db, encryption_keys=settings.XROUTE_ENCRYPTION_KEYS, **options)
    await catalogue.refresh()
    return catalogue.snapshot


@pytest.mark.usefixtures("committed")
def test_loading_is_idempotent_and_keeps_every_price(slug):
    assert catalogue_load(files=[file(slug)]).added == [f"{slug}/model at {slug}"]
    again = catalogue_load(files=[file(slug)])
    assert (again.added, again.repriced) == ([], [])
    dearer = catalogue_load(files=[file(slug, input="1.5", output="2")])
    assert dearer.repriced == [f"{slug}.json: {slug}/model at {slug}: input 1 → 1.5 USD/M (+50.0 %)"]
    prices = Endpoint.objects.get(provider__slug=slug).prices.order_by("id")
    assert [price.input for price in prices] == [1_000_000_000, 1_500_000_000]


@pytest.mark.usefixtures("committed")
def test_an_entry_without_a_price_is_refused_and_nothing_is_loaded(slug):
    broken = file(slug)
    broken["endpoints"][0]["usd_per_million"] = {"input": "1"}
    with pytest.raises(BadCatalogue, match="has no price"):
        catalogue_load(files=[broken])
    assert not Provider.objects.filter(slug=slug).exists()


async def test_a_provider_is_switched_on_by_its_credential_alone(db, slug, monkeypatch, committed):

    await sync_to_async(catalogue_load)(files=[file(slug)])
    off = await snapshot(db)
    assert off.slug(f"{slug}/model") is None
    assert (off.slug(f"alias-{slug}"), off.names[f"alias-{slug}"]) == (None, f"{slug}/model")
    monkeypatch.setenv(f"{slug.upper()}_API_KEY", "secret-of-the-house")
    on = await snapshot(db)
    (endpoint,) = on.endpoints[on.slug(f"alias-{slug}")]
    assert endpoint.credentials[0].secret == "secret-of-the-house"
    assert "secret-of-the-house" not in repr(endpoint)


async def test_a_stored_credential_is_encrypted_and_opens_only_in_its_row(db, slug, committed):

    @sync_to_async
    def store():
        catalogue_load(files=[file(slug)])
        return credential_add(provider=Provider.objects.get(slug=slug), name="main", secret="sk-very-secret")

    row = await store()
    assert b"sk-very-secret" not in bytes(row.secret)
    (endpoint,) = (await snapshot(db)).endpoints[f"{slug}/model"]
    assert [credential.secret for credential in endpoint.credentials] == ["sk-very-secret"]
    with pytest.raises(CannotDecrypt, match="another row"):
        unseal(row.secret, row_id=row.pk + 1, keys=settings.XROUTE_ENCRYPTION_KEYS)


def test_credentials_survive_the_rotation_of_keys():
    old, new = "A" * 43 + "=", "B" * 43 + "="
    sealed = seal("secret", row_id=7, keys=[old])
    assert unseal(sealed, row_id=7, keys=[new, old]) == "secret"
    with pytest.raises(CannotDecrypt):
        unseal(sealed, row_id=7, keys=[new])


async def test_the_sandbox_stands_in_only_where_there_is_no_credential(db, slug, monkeypatch, committed):

    await sync_to_async(catalogue_load)(files=[file(slug)])
    (endpoint,) = (await snapshot(db, sandbox_url="http://127.0.0.1:9")).endpoints[f"{slug}/model"]
    assert (endpoint.serves_as, endpoint.stand_in) == ("sandbox", True)
    assert endpoint.provider.base_url == "http://127.0.0.1:9/v1"
    monkeypatch.setenv(f"{slug.upper()}_API_KEY", "secret-of-the-house")
    (endpoint,) = (await snapshot(db, sandbox_url="http://127.0.0.1:9")).endpoints[f"{slug}/model"]
    assert (endpoint.serves_as, endpoint.stand_in) == (slug.title(), False)


async def test_an_endpoint_without_a_price_is_not_callable_and_alerts(db, slug, caplog, committed):

    @sync_to_async
    def plant():
        catalogue_load(files=[file(slug)])
        provider = Provider.objects.get(slug=slug)
        model = Model.objects.create(slug=f"{slug}/free", name="x", context_length=1, max_output_tokens=1)
        row = Endpoint.objects.create(
            model=model, provider=provider, upstream_id="x", context_length=1, max_output_tokens=1
        )
        return row.pk

    row_id = await plant()
    try:
        with caplog.at_level(logging.ERROR, "xroute.catalogue"):
            found = await snapshot(db, sandbox_url="http://127.0.0.1:9")
        assert f"{slug}/free" not in found.endpoints
        assert f"ALERT {slug}/free at {slug} has no price" in caplog.text
    finally:
        await sync_to_async(Endpoint.objects.filter(pk=row_id).update)(enabled=False)


def test_an_address_may_name_variables(monkeypatch):
    template = "https://host/{SOME_ACCOUNT}/v1"
    assert base_url("one-two", template) is None
    monkeypatch.setenv("SOME_ACCOUNT", "abc")
    assert base_url("one-two", template) == "https://host/abc/v1"
    monkeypatch.setenv("ONE_TWO_BASE_URL", "https://elsewhere/v1/")
    assert base_url("one-two", template) == "https://elsewhere/v1"


async def test_a_wire_format_without_an_adapter_is_in_no_snapshot(db, slug, monkeypatch, committed):
    unspoken = file(slug)
    unspoken["provider"]["wire_format"] = "gemini"
    monkeypatch.setenv(f"{slug.upper()}_API_KEY", "secret-of-the-house")

    @sync_to_async
    def load():
        catalogue_load(files=[unspoken])
        workspace = person().workspace_id
        own = credential_add(provider=Provider.objects.get(slug=slug), name="own", secret="sk-of-a-workspace")
        ProviderCredential.objects.filter(pk=own.pk).update(workspace=workspace)
        return workspace

    workspace = await load()
    found = await snapshot(db)
    assert f"{slug}/model" not in found.endpoints
    assert (found.slug(f"alias-{slug}"), found.names[f"alias-{slug}"]) == (None, f"{slug}/model")
    assert found.endpoints_for(f"{slug}/model", workspace) == ()
    # The sandbox speaks for it in demo mode.
    (stand_in,) = (await snapshot(db, sandbox_url="http://127.0.0.1:9")).endpoints[f"{slug}/model"]
    assert (stand_in.stand_in, stand_in.provider.wire_format) == (True, "openai")


async def test_what_its_provider_has_withdrawn_serves_only_where_nobody_else_does(db, slug, monkeypatch, committed):
    ended, other = file(slug), file(f"{slug}x")
    ended["endpoints"][0]["deprecates_at"] = "2026-01-31"
    other["endpoints"][0] |= {"model": f"{slug}/model", "aliases": []}
    monkeypatch.setenv(f"{slug.upper()}_API_KEY", "secret-of-the-house")
    await sync_to_async(catalogue_load)(files=[ended, other])
    (alone,) = (await snapshot(db)).endpoints[f"{slug}/model"]
    assert (alone.provider.slug, str(alone.deprecates_at)) == (slug, "2026-01-31")
    monkeypatch.setenv(f"{slug.upper()}X_API_KEY", "secret-of-the-house")
    (left,) = (await snapshot(db)).endpoints[f"{slug}/model"]
    assert left.provider.slug == f"{slug}x"


async def test_a_provider_of_ones_own_needs_an_address_and_no_key(db, slug, monkeypatch, committed):
    own, name = file(slug), slug.upper()
    own["provider"] |= {"base_url": f"{{{name}_BASE_URL}}", "quirks": ["max_tokens", "credential_optional"]}
    await sync_to_async(catalogue_load)(files=[own])
    assert f"{slug}/model" not in (await snapshot(db)).endpoints
    monkeypatch.setenv(f"{name}_BASE_URL", "http://10.0.0.7:8000/v1/")
    (endpoint,) = (await snapshot(db)).endpoints[f"{slug}/model"]
    assert endpoint.provider.base_url == "http://10.0.0.7:8000/v1"
    assert [credential.id for credential in endpoint.credentials] == [f"none:{slug}"]
    monkeypatch.setenv(f"{name}_API_KEY", "secret-of-the-house")
    (endpoint,) = (await snapshot(db)).endpoints[f"{slug}/model"]
    assert [credential.secret for credential in endpoint.credentials] == ["secret-of-the-house"]
