"""The data files together: what each says alone is checked in `entries`, what must hold among them here."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from routing.loading.entries import BadCatalogue, Entry, entry_of, provider_facts

DATA = Path(__file__).parent.parent / "catalogue_data"


@dataclass(slots=True)
class Told:
    """What the files say: rows of providers and models by slug, and the endpoints."""

    providers: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)


def catalogue_files(folder: Path = DATA) -> list[dict[str, Any]]:
    """The data files, one per provider."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(json.loads(path.read_text()) | {"file": path.name})
        except ValueError as error:
            raise BadCatalogue(f"{path.name} is not JSON: {error}.") from None
    return found


def told_by(files: Iterable[Mapping[str, Any]]) -> Told:
    """All files, checked; raises BadCatalogue."""
    told = Told()
    for file in files:
        name = file.get("file", "?")
        for part in ("provider", "endpoints"):
            if part not in file:
                raise BadCatalogue(f"{name} has no {part!r}.")
        facts, slug = provider_facts(file["provider"], file=name), file["provider"]["slug"]
        if slug in told.providers:
            raise BadCatalogue(f"{name}: provider {slug} stands in another file, too. Keep one file a provider.")
        told.providers[slug] = facts
        told.entries += [entry_of(row, provider=slug, file=name) for row in file["endpoints"]]
    _endpoints_once(told.entries)
    told.models = _models(told.entries)
    _names_once(told.entries, set(told.models))
    return told


def _models(entries: Iterable[Entry]) -> dict[str, dict[str, Any]]:
    """Each model once, though several files tell of it: its greatest limits, all its modalities and aliases."""
    models: dict[str, dict[str, Any]] = {}
    for entry in entries:
        model = models.setdefault(entry.slug, dict(entry.model))
        if model["name"] != entry.model["name"]:
            raise BadCatalogue(f"{entry.where}: it is named {entry.model['name']!r}, elsewhere {model['name']!r}.")
        for name in ("context_length", "max_output_tokens"):
            model[name] = max(model[name], entry.model[name])
        for name in ("aliases", "input_modalities", "output_modalities"):
            model[name] = list(dict.fromkeys([*model[name], *entry.model[name]]))
    return models


def _endpoints_once(entries: Iterable[Entry]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for entry in entries:
        key = (entry.slug, entry.provider, entry.upstream_id)
        if key in seen:
            raise BadCatalogue(f"{entry.where}: upstream_id {entry.upstream_id!r} stands there twice.")
        seen.add(key)


def _names_once(entries: Iterable[Entry], slugs: set[str]) -> None:
    owners: dict[str, str] = {}
    for entry in entries:
        for alias in entry.model["aliases"]:
            owner = alias if alias in slugs else owners.setdefault(alias, entry.slug)
            if owner != entry.slug:
                raise BadCatalogue(f"{entry.where}: the alias {alias!r} is taken by {owner}. Give it to one of them.")
