"""The catalogue's snapshot, from real rows."""

import logging
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from routing.catalogue import Catalogue, base_url
from routing.credentials import CannotDecrypt, seal, unseal
from routing.models import Endpoint, Model, Provider
from routing.services import BadCatalogue, catalogue_load, credential_add
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
    assert "1/2 → 1.5/2 USD/M" in dearer.repriced[0]
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


def test_the_shipped_catalogue_has_the_models_that_are_promised():
    from routing.services import catalogue_files

    files = {found["provider"]["slug"]: found for found in catalogue_files()}
    assert {"openai", "mistral", "cloudflare"} <= set(files)
    rows = {row["model"]: row for found in files.values() for row in found["endpoints"]}
    assert rows["mistralai/mistral-small-3.1"]["usd_per_million"] == {"input": "0.351", "output": "0.555"}
    assert "gpt-5" in rows["openai/gpt-5"]["aliases"]
    assert "mistral-small-3.1" in rows["mistralai/mistral-small-3.1"]["aliases"]
