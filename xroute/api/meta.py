"""An ASGI scope → Django's META: what ASGIRequest does, with the names of headers looked up, not made anew."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.http import parse_header_parameters

STATIC = {"wsgi.multithread": True, "wsgi.multiprocess": True}


def of_scope(scope: Mapping[str, Any], *, path: str, script_name: str) -> dict[str, Any]:
    """The META of a request; raises UnicodeDecodeError for a query string that is not UTF-8."""
    meta: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"].upper(),
        "QUERY_STRING": scope.get("query_string", b"").decode(),
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path,
        **STATIC,
    }
    if client := scope.get("client"):
        meta["REMOTE_ADDR"] = meta["REMOTE_HOST"] = client[0]
        meta["REMOTE_PORT"] = client[1]
    server = scope.get("server") or ("unknown", 0)
    meta["SERVER_NAME"] = server[0]
    meta["SERVER_PORT"] = str(server[1])
    for raw_name, raw_value in scope.get("headers", ()):
        if name := _name(raw_name):
            value = raw_value.decode("latin1")
            meta[name] = f"{meta[name]},{value}" if name in meta else value
    return meta


@lru_cache(maxsize=1024)
def _name(raw: bytes) -> str:
    """META's key of a header; empty for one with an underscore, which could pose as its hyphened twin."""
    name = raw.decode("latin1")
    if "_" in name:
        return ""
    if name in ("content-length", "content-type"):
        return name.upper().replace("-", "_")
    return f"HTTP_{name.upper().replace('-', '_')}"


@lru_cache(maxsize=1024)
def content_type(value: str) -> tuple[str, Mapping[str, str]]:
    """The media type of a Content-Type header and its parameters."""
    kind, parameters = parse_header_parameters(value)
    return kind, parameters
