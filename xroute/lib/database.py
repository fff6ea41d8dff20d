"""Turn a PostgreSQL URL into what Django and psycopg each want. Pure."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from xroute.lib.env import BadSetting


def parts(url: str) -> dict[str, str]:
    """libpq's parameters of a postgresql:// URL; an unknown scheme or no database name is refused."""
    split = urlsplit(url)
    if split.scheme not in ("postgresql", "postgres"):
        raise BadSetting("The database URL must start with postgresql://; XRoute runs on PostgreSQL 15 or newer only.")
    query = dict(parse_qsl(split.query))
    found = {
        "dbname": unquote(split.path.lstrip("/")),
        "user": unquote(split.username or ""),
        "password": unquote(split.password or ""),
        "host": split.hostname or "",
        "port": str(split.port or ""),
    } | query
    if not found["dbname"]:
        raise BadSetting("The database URL names no database: postgresql://user:password@host:5432/NAME.")
    return {name: value for name, value in found.items() if value}


def django_database(url: str) -> dict[str, Any]:
    """An entry of Django's DATABASES."""
    found = parts(url)
    named = {"dbname", "user", "password", "host", "port"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": found["dbname"],
        "USER": found.get("user", ""),
        "PASSWORD": found.get("password", ""),
        "HOST": found.get("host", ""),
        "PORT": found.get("port", ""),
        "OPTIONS": {"application_name": "xroute-django", "connect_timeout": 5}
        | {name: value for name, value in found.items() if name not in named},
        # Under ASGI each request has a thread of its own: a connection kept open would be of no use to any other, and
        # stay until the collector finds it.
        "CONN_MAX_AGE": 0,
    }
