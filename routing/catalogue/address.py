"""Where a provider is and what opens it, as far as the environment says so."""

import os
import re

PLACEHOLDER = re.compile(r"\{([A-Z0-9_]+)\}")


def _environment(name: str) -> str:
    path = os.environ.get(f"{name}_FILE", "")
    if path and not os.environ.get(name):
        with open(path) as file:
            return file.read().strip()
    return os.environ.get(name, "").strip()


def base_url(slug: str, template: str) -> str | None:
    """The provider's address: <NAME>_BASE_URL from the environment, else the row's with {NAMES} filled in."""
    url = _environment(f"{slug.upper().replace('-', '_')}_BASE_URL") or template
    for name in PLACEHOLDER.findall(url):
        value = _environment(name)
        if not value:
            return None
        url = url.replace(f"{{{name}}}", value)
    return url.rstrip("/")


def environment_secret(name: str) -> str:
    """The credential that the environment holds under `name` (or in the file NAME_FILE); empty where it holds none."""
    return _environment(name) if name else ""


def names_missing(slug: str, template: str) -> list[str]:
    """The names that a provider's address needs from the environment and does not find there."""
    url = _environment(f"{slug.upper().replace('-', '_')}_BASE_URL") or template
    return [name for name in PLACEHOLDER.findall(url) if not _environment(name)]
