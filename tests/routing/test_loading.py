"""load_catalogue: what it changes, what it leaves to the operator, and how little it asks of the database."""

import copy
import io
import sys
from time import monotonic
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from routing.loading import BadCatalogue, catalogue_files, catalogue_load
from routing.models import Endpoint, EndpointPrice, Model, Provider
from tests.routing.test_catalogue import file

pytestmark = pytest.mark.django_db
QUERIES_MAX = 20


@pytest.fixture
def slug() -> str:
    return f"p{uuid4().hex[:10]}"


@pytest.fixture
def shipped(monkeypatch) -> list[dict]:
    """The shipped files, as the command reads them; a test may change them."""
    files = catalogue_files()
    monkeypatch.setattr("routing.management.commands.load_catalogue.catalogue_files", lambda: copy.deepcopy(files))
    return files


def reprice(files: list[dict], provider: str, number: int = 0, **price: str) -> dict:
    row = next(found for found in files if found["provider"]["slug"] == provider)["endpoints"][number]
    row["usd_per_million"] |= price
    return row


def command(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("load_catalogue", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def prices(provider: str, upstream_id: str) -> list[int]:
    found = EndpointPrice.objects.filter(endpoint__provider__slug=provider, endpoint__upstream_id=upstream_id)
    return list(found.order_by("valid_from", "id").values_list("input", flat=True))


def test_a_load_that_changes_nothing_writes_nothing_and_asks_little(django_assert_max_num_queries):
    files = catalogue_files()
    catalogue_load(files=files)
    started = monotonic()
    with django_assert_max_num_queries(8) as asked:
        diff = catalogue_load(files=files)
    assert monotonic() - started < 2
    assert not [query for query in asked.captured_queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert (diff.added, diff.repriced, diff.changed, diff.kept, diff.gone) == ([], [], [], [], [])


def test_a_first_load_is_as_few_queries_however_many_rows(django_assert_max_num_queries, slug):
    files = copy.deepcopy(catalogue_files())
    for number, found in enumerate(files):
        found["provider"]["slug"] = f"{slug}-{number}"
        for row in found["endpoints"]:
            row["model"] = f"{slug}-{row['model']}"
            row["aliases"] = [f"{slug}-{alias}" for alias in row["aliases"]]
    started = monotonic()
    with django_assert_max_num_queries(QUERIES_MAX):
        diff = catalogue_load(files=files)
    assert monotonic() - started < 10  # a fraction of a second on a machine with nothing else to do
    assert len(diff.added) == sum(len(found["endpoints"]) for found in files) > 190


def test_a_price_that_changed_is_shown_by_class_and_in_per_cent_and_the_old_one_is_kept(slug):
    catalogue_load(files=[file(slug, input="1", output="2", cached_input="0.5")])
    dearer = file(slug, input="1.25", output="2", cache_write="3")
    held = catalogue_load(files=[dearer], apply_prices=False)
    assert held.repriced == [
        f"{slug}.json: {slug}/model at {slug}: input 1 → 1.25 USD/M (+25.0 %), cached_input 0.5 → none USD/M, "
        "cache_write none → 3 USD/M"
    ]
    assert prices(slug, "up") == [10**9]
    assert catalogue_load(files=[dearer]).repriced == held.repriced
    assert prices(slug, "up") == [10**9, 1_250_000_000]
    assert catalogue_load(files=[dearer]).repriced == []


def test_facts_follow_the_files_but_not_where_the_operator_changed_them(slug):
    catalogue_load(files=[file(slug)])
    changed = file(slug)
    changed["provider"] |= {"name": "Renamed", "cancel_stops_billing": False}
    changed["endpoints"][0] |= {"context_length": 2000, "capabilities": ["tools"], "deprecates_at": "2031-01-01"}
    Endpoint.objects.filter(provider__slug=slug).update(context_length=500)
    diff = catalogue_load(files=[changed])
    row = Endpoint.objects.get(provider__slug=slug)
    assert (row.context_length, row.capabilities, str(row.deprecates_at)) == (500, ["tools"], "2031-01-01")
    assert row.model.context_length == 2000
    assert row.provider.name == "Renamed"
    assert not row.provider.cancel_stops_billing
    assert len(diff.kept) == 1
    assert "context_length is 2000 in the data file; yours stays, 500" in diff.kept[0]
    again = catalogue_load(files=[changed])
    assert (again.changed, again.kept) == ([], [])
    changed["endpoints"][0]["deprecates_at"] = None
    catalogue_load(files=[changed])
    row.refresh_from_db()
    assert (row.deprecates_at, row.context_length) == (None, 500)


def test_rows_from_before_loads_were_remembered_follow_the_files(slug):
    catalogue_load(files=[file(slug)])
    for kind in (Provider, Model, Endpoint):
        kind.objects.all().update(loaded={})
    changed = file(slug, input="3", output="2")
    changed["endpoints"][0]["context_length"] = 2000
    diff = catalogue_load(files=[changed])
    assert Endpoint.objects.get(provider__slug=slug).context_length == 2000
    assert len(diff.repriced) == 1
    assert prices(slug, "up") == [10**9, 3 * 10**9]


def test_a_price_of_the_operators_own_stays(slug):
    catalogue_load(files=[file(slug)])
    Endpoint.objects.get(provider__slug=slug).prices.create(input=7, output=7)
    assert catalogue_load(files=[file(slug)]).repriced == []
    diff = catalogue_load(files=[file(slug, input="2", output="2")])
    assert diff.repriced == []
    assert "is your own and stays" in diff.kept[0]
    assert prices(slug, "up") == [10**9, 7]


def test_what_is_the_operators_own_or_switched_off_is_left_alone(slug):
    Provider.objects.create(slug=slug, name="Mine", base_url="https://mine.example/v1", own=True)
    diff = catalogue_load(files=[file(slug)])
    assert diff.kept == [f"{slug} is a provider of your own: its data file is not loaded."]
    assert not Endpoint.objects.filter(provider__slug=slug).exists()
    other = f"{slug}x"
    catalogue_load(files=[file(other)])
    Endpoint.objects.filter(provider__slug=other).update(enabled=False)
    Provider.objects.filter(slug=other).update(enabled=False)
    catalogue_load(files=[file(other, input="9", output="9")])
    row = Endpoint.objects.get(provider__slug=other)
    assert (row.enabled, row.provider.enabled) == (False, False)


def test_a_model_that_got_another_slug_keeps_its_row(slug):
    catalogue_load(files=[file(slug)])
    before = Endpoint.objects.get(provider__slug=slug)
    renamed = file(slug)
    renamed["endpoints"][0] |= {"model": f"maker/{slug}", "aliases": [f"{slug}/model"]}
    diff = catalogue_load(files=[renamed])
    after = Endpoint.objects.get(provider__slug=slug)
    assert (after.pk, after.model_id, after.model.slug) == (before.pk, before.model_id, f"maker/{slug}")
    assert diff.added == []
    assert f"{slug}/model is now maker/{slug}" in diff.changed


def test_what_left_the_files_is_said_and_nothing_is_deleted(slug):
    catalogue_load(files=[file(slug)])
    empty = file(slug) | {"endpoints": []}
    assert "left the data files and is still served" in catalogue_load(files=[empty]).gone[0]
    assert Endpoint.objects.filter(provider__slug=slug).exists()


def test_a_refused_file_loads_nothing_of_the_others(slug):
    bad = file(f"{slug}x")
    bad["endpoints"][0]["usd_per_million"] = {}
    with pytest.raises(BadCatalogue, match=rf"{slug}x\.json: {slug}x/model at {slug}x has no price"):
        catalogue_load(files=[file(slug), bad])
    assert not Provider.objects.filter(slug__startswith=slug).exists()


def test_without_a_terminal_and_without_yes_the_command_changes_no_price(shipped):
    command()
    row = reprice(shipped, "groq", input="0.2")
    out, err = command()
    assert "price: groq.json: openai/gpt-oss-120b at groq: input 0.15 → 0.2 USD/M (+33.3 %)\n" in out
    assert "0 prices changed." in out
    assert "1 prices differ from the data files and were left as they are" in err
    assert prices("groq", row["upstream_id"]) == [150_000_000]
    assert "1 prices changed." in command("--dry-run")[0]
    assert prices("groq", row["upstream_id"]) == [150_000_000]
    out, err = command("--yes")
    assert ("0 endpoints new, 1 prices changed.\n" in out, err) == (True, "")
    assert prices("groq", row["upstream_id"]) == [150_000_000, 200_000_000]
    out, err = command()
    assert ("price:" in out, err) == (False, "")


@pytest.mark.parametrize(
    ("answer", "wanted"), [("y", [150_000_000, 10**9]), ("", [150_000_000]), ("no", [150_000_000])]
)
def test_on_a_terminal_it_asks(shipped, monkeypatch, answer, wanted):
    command()
    row = reprice(shipped, "groq", input="1")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    asked = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or answer)
    command()
    assert asked == ["Change these 1 prices from now on? [y/N] "]
    assert prices("groq", row["upstream_id"]) == wanted


def test_what_is_past_its_providers_date_is_named(shipped):
    row = reprice(shipped, "groq")
    row["deprecates_at"] = "2026-01-31"
    out, _ = command()
    assert "past their provider's date" in out
    assert "openai/gpt-oss-120b at groq (2026-01-31)" in out


def test_a_refusal_of_the_command_names_the_entry(shipped):
    reprice(shipped, "groq")["usd_per_million"].clear()
    with pytest.raises(CommandError, match=r"not loaded: groq\.json: openai/gpt-oss-120b at groq has no price"):
        command()
