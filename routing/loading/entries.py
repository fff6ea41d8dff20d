"""One provider and one endpoint of a data file, checked. A refusal names file, entry and remedy. No database here."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from routing.providers import ADAPTERS, PLANNED, QUIRKS
from xroute.lib.money import nanousd_from_usd

PRICE_FIELDS = ("input", "output", "cached_input", "cache_write", "reasoning", "request", "image")
PROVIDER_FIELDS = ("slug", "base_url", "name", "wire_format", "cancel_stops_billing", "credential_env", "quirks")
FORMATS = PLANNED.union(ADAPTERS)
MODALITIES = frozenset({"text", "image", "audio", "video", "file"})
CAPABILITIES = frozenset({"tools", "tool_choice", "parallel_tools", "json_schema", "json_mode", "logprobs"}).union(
    {"reasoning", "prediction", "prompt_caching", "web_search", "vision", "audio", "video", "file", "audio_output"}
)
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
MODEL_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*")
ADDRESS = re.compile(r"https?://\S+|\{[A-Z0-9_]+\}\S*")

Price = dict[str, int | None]


class BadCatalogue(Exception):
    """A data file that cannot be loaded; the message names file, entry and remedy."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A model at a provider. `model` are facts of the model as this file tells them, `facts` those of the endpoint."""

    where: str
    provider: str
    slug: str
    upstream_id: str
    model: Mapping[str, Any]
    facts: Mapping[str, Any]
    price: Price
    source: str


def provider_facts(row: Mapping[str, Any], *, file: str) -> dict[str, Any]:
    """Columns of the provider's row, without its slug."""
    where = f"{file}: provider {row.get('slug')}"
    _present(row, PROVIDER_FIELDS, where)
    if not SLUG.fullmatch(row["slug"]):
        raise BadCatalogue(f"{where}: a slug has small letters, digits and hyphens only.")
    if not ADDRESS.fullmatch(row["base_url"]):
        raise BadCatalogue(f"{where}: base_url {row['base_url']!r} is no address. Begin it with https://.")
    _known([row["wire_format"]], FORMATS, where, "wire format")
    _known(row["quirks"], QUIRKS, where, "quirk")
    return {name: row[name] for name in PROVIDER_FIELDS[2:]} | {
        "base_url": row["base_url"].rstrip("/"),
        "collects_data": row.get("collects_data", True),
        "zdr": row.get("zdr", False),
        "data_policy_source": row.get("data_policy_source", ""),
    }


def entry_of(row: Mapping[str, Any], *, provider: str, file: str) -> Entry:
    """An endpoint's entry; raises BadCatalogue."""
    where = f"{file}: {row.get('model')} at {provider}"
    price = price_from_usd(row.get("usd_per_million", {}), where=where)
    sizes, modalities = ("context_length", "max_output_tokens"), ("input_modalities", "output_modalities")
    _present(row, ("model", "name", "aliases", "upstream_id", "capabilities", *sizes, *modalities), where)
    if not MODEL_SLUG.fullmatch(row["model"]):
        raise BadCatalogue(f"{where}: a model is named author/slug, in small letters.")
    for name in sizes:
        if type(row[name]) is not int or row[name] < 1:
            raise BadCatalogue(f"{where}: {name} is {row[name]!r}. Give a number of tokens.")
    for name in modalities:
        _known(row[name], MODALITIES, where, "modality")
    _known(row["capabilities"], CAPABILITIES, where, "capability")
    facts = {name: row[name] for name in (*sizes, "capabilities")}
    facts |= {name: row.get(name, "") for name in ("quantization", "region")}
    facts["deprecates_at"] = _date(row.get("deprecates_at"), where)
    model = {name: row[name] for name in ("name", "aliases", *sizes, *modalities)}
    return Entry(where, provider, row["model"], row["upstream_id"], model, facts, price, row.get("source", ""))


def price_from_usd(row: Mapping[str, str], *, where: str) -> Price:
    """Nano-USD per million by class; an entry without input and output price is refused."""
    if "input" not in row or "output" not in row:
        raise BadCatalogue(f"{where} has no price. Give usd_per_million.input and .output; none costs 0 by omission.")
    unknown = set(row) - set(PRICE_FIELDS)
    if unknown:
        raise BadCatalogue(f"{where} has a price for {sorted(unknown)}; known are {', '.join(PRICE_FIELDS)}.")
    prices = {name: _nanousd(row[name], f"{where}: {name}") if name in row else None for name in PRICE_FIELDS}
    return prices | {"request": prices["request"] or 0, "image": prices["image"] or 0}


def _nanousd(text: str, where: str) -> int:
    try:  # a number of JSON's has passed through binary fractions and is refused
        found = nanousd_from_usd(Decimal(text)) if isinstance(text, str) else -1
    except (ArithmeticError, ValueError):
        found = -1
    if found < 0:
        raise BadCatalogue(f"{where} is {text!r}. Give USD per million as a decimal string, such as 0.35.")
    return found


def _date(text: str | None, where: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except (TypeError, ValueError):
        raise BadCatalogue(f"{where}: deprecates_at is {text!r}. Give a day, such as 2027-04-01.") from None


def _present(row: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    missing = [name for name in names if name not in row]
    if missing:
        raise BadCatalogue(f"{where} has no {', '.join(missing)}.")


def _known(words: Iterable[str], known: Iterable[str], where: str, what: str) -> None:
    unknown = sorted(set(words) - set(known))
    if unknown:
        raise BadCatalogue(f"{where}: {what} {', '.join(unknown)} is unknown; known are {', '.join(sorted(known))}.")
