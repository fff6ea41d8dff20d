"""list_endpoints: what it says of each endpoint, and how many a set of keys switches on."""

import io
import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.core.management import call_command

from routing.catalogue.address import PLACEHOLDER
from routing.loading import catalogue_files, catalogue_load
from routing.models import Endpoint, Model, Provider
from routing.providers import spoken
from tests.routing.test_catalogue import file

KEYS = {
    *("model", "name", "aliases", "provider", "upstream_id", "wire_format", "list_prices", "prices", "margin_percent"),
    *("context_length", "max_output_tokens", "capabilities", "quantization", "region", "deprecates_at", "past_date"),
    *("credential_env", "credential", "callable", "reason"),
}


@pytest.fixture
def slug() -> str:
    return f"p{uuid4().hex[:10]}"


@pytest.fixture(autouse=True)
def committed(django_db_blocker) -> Iterator[None]:
    """A price is in force from the moment that it was written: not yet within the same transaction."""
    with django_db_blocker.unblock():
        yield


def listed(*arguments: str) -> list[dict]:
    out = io.StringIO()
    call_command("list_endpoints", "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())


def test_each_object_has_the_same_keys_and_a_reason_exactly_where_it_cannot_be_called():
    found = listed()
    assert len(found) > 190
    assert all(set(row) == KEYS for row in found)
    assert all((row["reason"] is None) == row["callable"] for row in found)
    gemini = listed("--provider", "gemini", "--model", "gemini-2.5-flash")
    assert [(row["model"], row["reason"]) for row in gemini] == [
        ("google/gemini-2.5-flash", "wire format gemini is not spoken yet")
    ]
    assert {row["reason"] for row in listed("--provider", "groq")} == {"needs GROQ_API_KEY"}
    assert {row["reason"] for row in listed("--provider", "cloudflare")} == {"needs CLOUDFLARE_ACCOUNT_ID"}


def test_keys_alone_switch_on_over_sixty_models_of_over_twenty_providers(monkeypatch):
    for found in catalogue_files():
        if spoken(found["provider"]["wire_format"]):
            monkeypatch.setenv(found["provider"]["credential_env"], "secret-of-the-house")
            for name in PLACEHOLDER.findall(found["provider"]["base_url"]):
                monkeypatch.setenv(name, "somewhere")
    found = [row for row in listed("--callable") if row["credential"] == "environment" and not row["past_date"]]
    assert len({row["model"] for row in found}) >= 90
    assert len({row["provider"] for row in found}) >= 30


def test_what_is_off_says_so(slug):
    def reason() -> str:
        (row,) = listed("--provider", slug)
        return row["reason"]

    catalogue_load(files=[file(slug)])
    Endpoint.objects.filter(provider__slug=slug).update(enabled=False)
    assert reason() == "it is switched off"
    Endpoint.objects.filter(provider__slug=slug).update(enabled=True)
    Provider.objects.filter(slug=slug).update(enabled=False)
    assert reason() == "its provider is switched off"
    Provider.objects.filter(slug=slug).update(enabled=True)
    assert reason() == f"needs {slug.upper()}_API_KEY"


def test_what_has_no_price_says_so(slug):
    provider = Provider.objects.create(slug=slug, name="Mine", base_url="https://mine.example/v1", own=True)
    model = Model.objects.create(slug=f"{slug}/free", name="x", context_length=1, max_output_tokens=1)
    Endpoint.objects.create(model=model, provider=provider, upstream_id="x", context_length=1, max_output_tokens=1)
    try:
        (row,) = listed("--provider", slug)
        assert (row["reason"], row["prices"], row["credential_env"]) == ("it has no price", None, None)
    finally:
        Endpoint.objects.filter(provider=provider).update(enabled=False)


def test_list_and_sale_prices_and_where_the_credential_comes_from(slug, monkeypatch):
    priced = file(slug, input="1", output="2", cached_input="0.0036")
    priced["endpoints"][0] |= {"quantization": "fp8", "deprecates_at": "2026-01-31"}
    catalogue_load(files=[priced])
    Provider.objects.filter(slug=slug).update(margin_bp=1000)
    monkeypatch.setenv(f"{slug.upper()}_API_KEY", "secret-of-the-house")
    (row,) = listed("--model", f"alias-{slug}", "--callable")
    assert row["list_prices"] == {
        "input": "1",
        "output": "2",
        "cached_input": "0.0036",
        "cache_write": None,
        "reasoning": None,
        "request": "0",
        "image": "0",
    }
    assert (row["prices"]["input"], row["prices"]["cached_input"]) == ("1.1", "0.00396")
    assert (row["margin_percent"], row["quantization"]) == ("10", "fp8")
    assert (row["deprecates_at"], row["past_date"]) == ("2026-01-31", True)
    assert (row["credential"], row["credential_env"]) == ("environment", f"{slug.upper()}_API_KEY")
    assert "secret-of-the-house" not in json.dumps(row)


def test_people_get_a_table(slug):
    catalogue_load(files=[file(slug)])
    out = io.StringIO()
    call_command("list_endpoints", "--provider", slug, stdout=out)
    head, line, count = out.getvalue().splitlines()
    assert head.split()[:3] == ["MODEL", "PROVIDER", "FORMAT"]
    assert line.split()[:5] == [f"{slug}/model", slug, "openai", "1/2", "1/2"]
    assert line.endswith(f"needs {slug.upper()}_API_KEY")
    assert count == "1 endpoints, 0 can be called."
