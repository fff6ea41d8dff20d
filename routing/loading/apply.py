"""The tables made to say what the files say, in a number of statements that does not grow with the files."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection, transaction

from routing.loading.diff import Diff, price_change
from routing.loading.entries import PRICE_FIELDS, Entry, Price
from routing.loading.files import Told, told_by
from routing.models import Endpoint, EndpointPrice, Model, Provider

Key = tuple[str, str, str]


def catalogue_load(*, files: Iterable[Mapping[str, Any]], apply_prices: bool = True) -> Diff:
    """Make the tables say what the files say; idempotent. Raises BadCatalogue, and then nothing is loaded.

    The operator's hand goes before the files: each row remembers what the files said of it last, and a field (or a
    price in force) that differs from that was changed by somebody and stays; so does what was switched off, and a
    provider of the operator's own. Nothing is ever deleted: an endpoint that left the files is reported as gone.
    New endpoints get their price at once; a price that changed is written (the old one is kept, too) only with
    `apply_prices`, and is in the diff either way.
    """
    told, diff = told_by(files), Diff()
    with transaction.atomic():
        with connection.cursor() as cursor:  # two loads at once would both find a row missing
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('xroute.catalogue_load'))")
        providers = _providers(told, diff)
        entries = [entry for entry in told.entries if entry.provider in providers]
        rows = _models(told, {entry.slug for entry in entries}, diff)
        endpoints, fresh = _endpoints(entries, providers, rows, diff)
        _prices(entries, endpoints, fresh, diff, apply_prices)
    return diff


def _providers(told: Told, diff: Diff) -> dict[str, Provider]:
    rows = {row.slug: row for row in Provider.objects.filter(slug__in=told.providers)}
    for slug in [slug for slug, row in rows.items() if row.own]:
        diff.kept.append(f"{slug} is a provider of your own: its data file is not loaded.")
        del rows[slug], told.providers[slug]
    made = [Provider(slug=slug, **facts, loaded=facts) for slug, facts in told.providers.items() if slug not in rows]
    _update(Provider, [(row, told.providers[slug], slug) for slug, row in rows.items()], diff)
    return rows | {row.slug: row for row in Provider.objects.bulk_create(made)}


def _models(told: Told, slugs: set[str], diff: Diff) -> dict[str, Model]:
    """A model that the files renamed is found by its old slug among the aliases."""
    renamed = {alias: slug for slug in slugs for alias in told.models[slug]["aliases"]}
    found = {row.slug: row for row in Model.objects.filter(slug__in=[*slugs, *renamed])}
    for old in [old for old in found if old not in slugs]:
        new, row = renamed[old], found.pop(old)
        if new not in found:
            row.slug = new
            row.save(update_fields=["slug"])
            found[new] = row
            diff.changed.append(f"{old} is now {new}")
    facts = {slug: told.models[slug] for slug in sorted(slugs)}
    made = [Model(slug=slug, **one, loaded=one) for slug, one in facts.items() if slug not in found]
    _update(Model, [(row, facts[slug], slug) for slug, row in found.items()], diff)
    return found | {row.slug: row for row in Model.objects.bulk_create(made)}


def _endpoints(
    entries: Iterable[Entry], providers: Mapping[str, Provider], rows: Mapping[str, Model], diff: Diff
) -> tuple[dict[Key, Endpoint], set[Key]]:
    """Rows by key, and the keys of those that are new."""
    kept = Endpoint.objects.filter(provider__in=providers.values()).select_related("model", "provider")
    found = {(row.model.slug, row.provider.slug, row.upstream_id): row for row in kept}
    told = {_key(entry): entry for entry in entries}
    today = datetime.now(UTC).date()
    for key, row in found.items():
        if key not in told and row.loaded and row.enabled:
            diff.gone.append(f"{key[0]} at {key[1]} ({key[2]}) left the data files and is still served: switch it off.")
    made = []
    for key, entry in told.items():
        ends: date | None = entry.facts["deprecates_at"]
        if ends and ends < today:
            diff.ended.append(f"{entry.slug} at {entry.provider} ({ends})")
        if key not in found:
            diff.added.append(f"{entry.slug} at {entry.provider}")
            made.append(
                Endpoint(
                    model=rows[entry.slug],
                    provider=providers[entry.provider],
                    upstream_id=entry.upstream_id,
                    loaded=_remembered(entry.facts) | {"price": entry.price},
                    **entry.facts,
                )
            )
    _update(Endpoint, [(row, told[key].facts, told[key].where) for key, row in found.items() if key in told], diff)
    new = {(row.model.slug, row.provider.slug, row.upstream_id): row for row in Endpoint.objects.bulk_create(made)}
    return found | new, set(new)


def _prices(
    entries: Iterable[Entry], endpoints: Mapping[Key, Endpoint], fresh: set[Key], diff: Diff, apply_prices: bool
) -> None:
    newest = EndpointPrice.objects.filter(endpoint__in=[row.pk for row in endpoints.values()])
    newest = newest.order_by("endpoint", "-valid_from", "-id").distinct("endpoint")
    in_force = {row.endpoint_id: {name: getattr(row, name) for name in PRICE_FIELDS} for row in newest}
    made, touched = [], []
    for entry in entries:
        endpoint, is_new = endpoints[_key(entry)], _key(entry) in fresh
        now = in_force.get(endpoint.pk)
        wanted = _wanted(entry, endpoint, now, diff) and (now is None or apply_prices)
        if wanted:
            made.append(EndpointPrice(endpoint=endpoint, source=entry.source, **entry.price))
        if not is_new and (wanted or (now == entry.price and endpoint.loaded.get("price") != now)):
            endpoint.loaded["price"] = entry.price
            touched.append(endpoint)
    EndpointPrice.objects.bulk_create(made)
    Endpoint.objects.bulk_update(touched, ["loaded"])


def _wanted(entry: Entry, endpoint: Endpoint, now: Price | None, diff: Diff) -> bool:
    """Whether the file's price is to come into force; what is to be said of it goes to the diff."""
    if now is None:
        return True
    if now == entry.price:
        return False
    last = endpoint.loaded.get("price", now)
    if last == entry.price:
        return False  # the operator's own price, and the file says nothing new
    change = f"{entry.where}: {price_change(now, entry.price)}"
    if last != now:
        diff.kept.append(f"{change}; the price in force is your own and stays.")
        return False
    diff.repriced.append(change)
    return True


def _update(kind: type[Any], told: Iterable[tuple[Any, Mapping[str, Any], str]], diff: Diff) -> None:
    """Write the facts that changed in the files, but for those that the operator changed."""
    touched, names = [], {"loaded"}
    for row, facts, where in told:
        remembered = _remembered(facts)
        for name, value in facts.items():
            is_now = getattr(row, name)
            if is_now == value:
                continue
            if name in row.loaded and row.loaded[name] != _plain(is_now):
                if row.loaded[name] != remembered[name]:
                    diff.kept.append(f"{where}: {name} is {value!r} in the data file; yours stays, {is_now!r}.")
                continue
            diff.changed.append(f"{where}: {name} {is_now!r} → {value!r}")
            setattr(row, name, value)
            names.add(name)
        if any(row.loaded.get(name) != value for name, value in remembered.items()):
            row.loaded = row.loaded | remembered
            touched.append(row)
    kind.objects.bulk_update(touched, sorted(names))


def _remembered(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in facts.items()}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _key(entry: Entry) -> Key:
    return entry.slug, entry.provider, entry.upstream_id
