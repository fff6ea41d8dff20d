"""Bearer key → Caller, for the API plane. Fails closed: a 401 only when the key itself is bad."""

import ipaddress
import time
from typing import NoReturn

from django.http import HttpRequest

from accounts import callers, keys
from accounts.callers import Caller
from xroute.lib.errors import ApiError, unavailable
from xroute.lib.pg import Outage


def _refuse(message: str, code: str = "invalid_api_key") -> NoReturn:
    raise ApiError(401, "authentication_error", code, message, headers={"WWW-Authenticate": "Bearer"})


def bearer(header: str) -> str:
    """The key inside an Authorization header; raises ApiError 401 that says what is wrong with it."""
    scheme, _, key = header.partition(" ")
    key = key.strip()
    if not header or scheme.lower() != "bearer" or not key:
        _refuse("No API key was sent. Send the header: Authorization: Bearer xr-v1-…")
    if key.startswith(("$", "<", "YOUR_")):
        _refuse(
            f"The API key is the placeholder {key[:24]!r}: the shell did not replace it. Run `export "
            "XROUTE_API_KEY=xr-v1-…` first and put the header in double quotes."
        )
    if not keys.well_formed(key):
        _refuse("This is not an XRoute API key: its form or checksum is wrong. Copy the whole key, from xr-v1- on.")
    return key


async def caller_of(request: HttpRequest) -> Caller:
    """The Caller of a request; raises ApiError 401, 403 or 503."""
    digest = keys.digest(bearer(request.META.get("HTTP_AUTHORIZATION", "")))
    try:
        caller = await callers.current().caller(digest)
    except Outage as error:
        raise unavailable("API keys cannot be checked right now. Try again shortly.", retry_after_s=2) from error
    if caller is None:
        _refuse("This API key does not exist. Make a new one under Keys.")
    _check(caller, request)
    return caller


def _check(caller: Caller, request: HttpRequest) -> None:
    if caller.revoked:
        _refuse("This API key was revoked. Make a new one under Keys.", "key_revoked")
    if caller.disabled:
        _refuse("This API key is disabled. Enable it under Keys.", "key_disabled")
    now = time.time()
    if caller.rotated_at is not None and caller.rotated_at <= now:
        _refuse("This API key was rotated, and its old secret no longer works. Use the new one.", "key_expired")
    if caller.expires_at is not None and caller.expires_at <= now:
        _refuse("This API key has expired. Make a new one under Keys.", "key_expired")
    if caller.suspended:
        message = "This workspace is suspended or is being closed. Ask its owner or the operator."
        raise ApiError(403, "permission_error", "workspace_suspended", message)
    if caller.allowed_networks:
        _check_address(caller, request.META.get("REMOTE_ADDR", ""))


def _check_address(caller: Caller, address: str) -> None:
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        peer = None
    if peer is None or not any(peer in network for network in caller.allowed_networks):
        raise ApiError(
            403, "permission_error", "ip_not_allowed", f"This API key may not be used from {address or 'this address'}."
        )


class BearerAuthentication:
    """The authentication class of API views: sets request.caller and request.user."""

    async def authenticate(self, request: HttpRequest) -> tuple[Caller, None]:
        return await caller_of(request), None

    def authenticate_header(self, _request: HttpRequest) -> str:
        return "Bearer"


class CallAuthentication(BearerAuthentication):
    """For calls of models: a management key is refused."""

    async def authenticate(self, request: HttpRequest) -> tuple[Caller, None]:
        caller = await caller_of(request)
        if caller.is_management:
            message = (
                "This is a management key: it manages keys and cannot call models. Make an ordinary key under Keys, or "
                "with POST /api/v1/keys."
            )
            raise ApiError(403, "permission_error", "management_key", message)
        return caller, None


class ManagementAuthentication(BearerAuthentication):
    """For the management of keys and the workspace's activity: an ordinary key is refused."""

    async def authenticate(self, request: HttpRequest) -> tuple[Caller, None]:
        caller = await caller_of(request)
        if not caller.is_management:
            message = (
                "This needs a management key. An owner or admin of the workspace makes one under Keys, New key, "
                "“manages keys”."
            )
            raise ApiError(403, "permission_error", "management_key_required", message)
        return caller, None
