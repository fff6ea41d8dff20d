"""The shipped data files: that they load, agree with each other, and say what the price lists said."""

import copy
import hashlib
import re
from collections.abc import Callable

import pytest

from routing.catalogue.address import PLACEHOLDER
from routing.loading import BadCatalogue, catalogue_files
from routing.loading.entries import price_from_usd
from routing.loading.files import Told, told_by
from routing.providers import spoken
from xroute.embedded.home import PROJECT

# Of "provider upstream-name class=nano-USD-per-million …", one line an endpoint, sorted: made from the price lists
# themselves. A price that is changed on purpose changes it; so does one that is changed by mistake.
PRICES_SHA256 = "b039b56e6f1af3ce69a638f1e12c3ce9ae1113fe74a074b0bda130752042b587"
# 201 facts were given; what is left out says why in its file.
FACTS = 201
ASKED_FOR = {
    *("openai", "anthropic", "gemini", "mistral", "azure", "bedrock", "vertex", "cohere", "groq", "together"),
    *("fireworks", "deepinfra", "deepseek", "xai", "perplexity", "cerebras", "sambanova", "nebius", "novita"),
    *("moonshot", "zai", "dashscope", "cloudflare", "openrouter", "vllm", "ollama", "minimax", "ai21"),
}
SELF_HOSTED = {"vllm", "ollama"}


@pytest.fixture(scope="module")
def files() -> list[dict]:
    return catalogue_files()


@pytest.fixture(scope="module")
def told(files) -> Told:
    return told_by(files)


def line(provider: str, row: dict) -> str:
    price = price_from_usd(row["usd_per_million"], where=row["model"])
    return f"{provider} {row['upstream_id']} " + " ".join(
        sorted(f"{name}={price[name]}" for name in row["usd_per_million"])
    )


def test_every_provider_that_was_asked_for_has_a_file_of_its_name(files, told):
    assert set(told.providers) >= ASKED_FOR
    assert len(told.providers) == 42
    assert all(file["file"] == f"{file['provider']['slug']}.json" for file in files)


def test_prices_are_those_of_the_price_lists(files, told):
    lines = sorted(line(file["provider"]["slug"], row) for file in files for row in file["endpoints"])
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == PRICES_SHA256
    left_out = [row for file in files for row in file.get("left_out", ())]
    assert all(row["why"] for row in left_out)
    assert len(told.entries) + len(left_out) == FACTS


@pytest.mark.parametrize(
    ("provider", "slug", "price"),
    [
        ("openai", "openai/gpt-5", {"input": "1.25", "output": "10", "cached_input": "0.125"}),
        ("mistral", "mistralai/mistral-small-2603", {"input": "0.15", "output": "0.6", "cached_input": "0.015"}),
        ("cloudflare", "mistralai/mistral-small-3.1", {"input": "0.351", "output": "0.555"}),
        ("perplexity", "perplexity/sonar-deep-research", {"input": "2", "output": "8", "reasoning": "3"}),
        ("databricks", "openai/gpt-oss-120b", None),
        ("xiaomi", "xiaomi/mimo-v2.6-pro", {"input": "0.435", "output": "0.87", "cached_input": "0.0036"}),
    ],
)
def test_some_prices_by_hand(files, provider, slug, price):
    (file,) = [file for file in files if file["provider"]["slug"] == provider]
    (row,) = [row for row in file["endpoints"] if row["model"] == slug]
    wanted = price or {"input": "0.15001", "output": "0.59997", "cached_input": "0.15001", "cache_write": "0.15001"}
    assert row["usd_per_million"] == wanted
    assert row["source"]


def test_one_model_at_many_hosts_is_one_model(told):
    hosts: dict[str, set[str]] = {}
    for entry in told.entries:
        hosts.setdefault(entry.slug, set()).add(entry.provider)
    assert len(hosts["meta-llama/llama-3.3-70b-instruct"]) >= 10
    assert len(hosts["openai/gpt-oss-120b"]) >= 9
    assert hosts["google/gemini-2.5-pro"] == {"gemini", "vertex"}
    assert hosts["anthropic/claude-sonnet-5"] == {"anthropic", "bedrock", "vertex"}
    assert {"openai", "azure"} == hosts["openai/gpt-5"]


def test_short_names_stand_for_one_model_each(told):
    aliases = [alias for model in told.models.values() for alias in model["aliases"]]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(told.models)
    owner = {alias: slug for slug, model in told.models.items() for alias in model["aliases"]}
    for name, slug in {
        "gpt-5": "openai/gpt-5",
        "claude-sonnet-5": "anthropic/claude-sonnet-5",
        "mistral-small-3.1": "mistralai/mistral-small-3.1",
        "anthropic/claude-sonnet-4.5": "anthropic/claude-sonnet-4-5",
        "meta/llama-3.3-70b-instruct": "meta-llama/llama-3.3-70b-instruct",  # its name before there were many hosts
        "meta/llama-4-scout": "meta-llama/llama-4-scout",
    }.items():
        assert owner[name] == slug


def test_addresses_and_names_of_the_environment_follow_from_the_provider(told):
    for slug, row in told.providers.items():
        name = slug.upper().replace("-", "_")
        assert row["credential_env"] == f"{name}_API_KEY"
        assert re.fullmatch(r"https://[^\s/]+\S*[^/]", row["base_url"]) or slug in SELF_HOSTED
        for placeholder in PLACEHOLDER.findall(row["base_url"]):
            assert placeholder.startswith(f"{name}_")
        assert row["zdr"] <= (not row["collects_data"])
        assert bool(row["data_policy_source"]) == (not row["collects_data"])


def test_where_a_price_holds_only_up_to_a_length_the_context_ends_there(files):
    noted = [row for file in files for row in file["endpoints"] if "charges more" in row.get("note", "")]
    assert len(noted) >= 9
    for row in noted:
        limit = int(re.search(r"Above (\d+) input tokens", row["note"])[1])
        assert row["context_length"] <= limit


def test_more_than_sixty_models_of_more_than_twenty_providers_need_no_other_adapter(told):
    entries = [entry for entry in told.entries if spoken(told.providers[entry.provider]["wire_format"])]
    assert len({entry.slug for entry in entries}) >= 100
    assert len({entry.provider for entry in entries}) >= 30


def test_the_documents_have_every_provider_with_its_names_and_the_counts(files, told):
    document, readme = (PROJECT / "docs/providers.md").read_text(), (PROJECT / "README.md").read_text()
    for file in files:
        row = file["provider"]
        (line,) = [found for found in document.splitlines() if f"(`{row['slug']}`) |" in found]
        assert f"`{row['credential_env']}`" in line
        assert all(f"`{name}`" in line for name in PLACEHOLDER.findall(row["base_url"]))
        assert line.endswith(f"| {len(file['endpoints'])} | {row['wire_format']} |")
    usable = {slug for slug, row in told.providers.items() if spoken(row["wire_format"])}
    callable_ones = {entry.slug for entry in told.entries if entry.provider in usable}
    assert f"lists all {len(told.providers)} with their names; models are {len(told.models)}, of which" in readme
    assert f"{len(callable_ones)} can be called so far (through the {len(usable)} providers" in readme


def no_price(file):
    file["endpoints"][0]["usd_per_million"] = {"input": "1"}


def quirk(file):
    file["provider"]["quirks"] = ["max_tokens", "odd"]


def wire_format(file):
    file["provider"]["wire_format"] = "morse"


def price_class(file):
    file["endpoints"][0]["usd_per_million"]["thought"] = "1"


def capability(file):
    file["endpoints"][0]["capabilities"] = ["telepathy"]


def negative(file):
    file["endpoints"][0]["usd_per_million"]["output"] = "-1"


def number(file):
    file["endpoints"][0]["usd_per_million"]["output"] = 1.5


def too_fine(file):
    file["endpoints"][0]["usd_per_million"]["output"] = "0.0000000001"


def slug(file):
    file["endpoints"][0]["model"] = "GPT-5"


def day(file):
    file["endpoints"][0]["deprecates_at"] = "soon"


def size(file):
    file["endpoints"][0]["context_length"] = 0


def missing(file):
    del file["endpoints"][0]["upstream_id"]


def address(file):
    file["provider"]["base_url"] = "api.groq.com"


def twice(file):
    file["endpoints"].append(copy.deepcopy(file["endpoints"][0]))


def alias(file):
    file["endpoints"][1]["aliases"] = ["gpt-5"]


def alias_is_slug(file):
    file["endpoints"][1]["aliases"] = ["openai/gpt-5"]


def other_name(file):
    file["endpoints"][0]["name"] = "Another"


ENTRY, SECOND = "groq.json: openai/gpt-oss-120b at groq", "groq.json: openai/gpt-oss-20b at groq"


@pytest.mark.parametrize(
    ("spoil", "where", "what"),
    [
        (no_price, ENTRY, "has no price"),
        (quirk, "groq.json: provider groq", "quirk odd is unknown"),
        (wire_format, "groq.json: provider groq", "wire format morse is unknown"),
        (price_class, ENTRY, "has a price for ['thought']"),
        (capability, ENTRY, "capability telepathy is unknown"),
        (negative, ENTRY, "output is '-1'"),
        (number, ENTRY, "output is 1.5"),
        (too_fine, ENTRY, "output is '0.0000000001'"),
        (slug, "groq.json: GPT-5 at groq", "author/slug"),
        (day, ENTRY, "deprecates_at is 'soon'"),
        (size, ENTRY, "context_length is 0"),
        (missing, ENTRY, "has no upstream_id"),
        (address, "groq.json: provider groq", "is no address"),
        (twice, ENTRY, "stands there twice"),
        (alias, SECOND, "the alias 'gpt-5' is taken by openai/gpt-5"),
        (alias_is_slug, SECOND, "the alias 'openai/gpt-5' is taken by openai/gpt-5"),
        (other_name, "", "'Another'"),
    ],
)
def test_what_is_wrong_is_refused_and_said_with_file_and_entry(files, spoil: Callable[[dict], None], where, what):
    spoiled = copy.deepcopy(files)
    spoil(next(file for file in spoiled if file["provider"]["slug"] == "groq"))
    with pytest.raises(BadCatalogue) as refused:
        told_by(spoiled)
    assert str(refused.value).startswith(where)
    assert what in str(refused.value)


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(BadCatalogue, match=r"broken\.json is not JSON"):
        catalogue_files(tmp_path)
