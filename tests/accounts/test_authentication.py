"""Every refusal says what to do; a fault of ours is a 503, never a 401."""

import asyncio
import dataclasses
import time

import pytest
from django.test import RequestFactory

from accounts import authentication, callers, keys
from accounts.callers import Directory
from tests.accounts.test_callers import commit
from xroute.lib.errors import ApiError


@pytest.fixture
async def installed(directory):
    await directory.poll()
    callers.install(directory)
    yield directory
    callers.install(None)


def request(header: str | None, address: str = "192.0.2.1"):
    extra = {} if header is None else {"HTTP_AUTHORIZATION": header}
    return RequestFactory().get("/", REMOTE_ADDR=address, **extra)


async def refusal(header: str | None, address: str = "192.0.2.1") -> ApiError:
    with pytest.raises(ApiError) as caught:
        await authentication.caller_of(request(header, address))
    return caught.value


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (None, "No API key was sent"),
        ("", "No API key was sent"),
        ("Bearer", "No API key was sent"),
        ("Bearer   ", "No API key was sent"),
        ("Basic dXNlcjpwdw==", "No API key was sent"),
        ("Bearer $XROUTE_API_KEY", "the shell did not replace it"),
        ("Bearer <your key>", "the shell did not replace it"),
        ("Bearer YOUR_API_KEY", "the shell did not replace it"),
        ("Bearer sk-live-something", "its form or checksum is wrong"),
        ("Bearer xr-v1-" + "a" * 38, "its form or checksum is wrong"),
    ],
)
async def test_a_bad_header_is_refused_without_a_look_up(header, says):
    error = await refusal(header)
    assert (error.status, error.kind, error.code) == (401, "authentication_error", "invalid_api_key")
    assert says in error.message
    assert error.headers["WWW-Authenticate"] == "Bearer"


async def test_one_wrong_character_is_a_wrong_checksum_and_the_key_is_not_repeated(owner):
    wrong = owner.secret[:-1] + ("a" if owner.secret[-1] != "a" else "b")
    error = await refusal(f"Bearer {wrong}")
    assert "checksum" in error.message
    assert wrong not in error.message


async def test_a_good_key_is_let_in_whatever_the_case_of_the_scheme(installed, owner):
    for scheme in ("Bearer", "bearer", "BEARER "):
        found = await authentication.caller_of(request(f"{scheme} {owner.secret}"))
        assert found.key_id == owner.key_id


async def test_an_unknown_key(installed):
    error = await refusal(f"Bearer {keys.mint()}")
    assert (error.status, error.code) == (401, "invalid_api_key")
    assert "does not exist" in error.message


@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [
        ("UPDATE accounts_apikey SET revoked_at = now() WHERE id = %(key)s", 401, "key_revoked"),
        ("UPDATE accounts_apikey SET disabled = true WHERE id = %(key)s", 401, "key_disabled"),
        ("UPDATE accounts_apikey SET expires_at = now() WHERE id = %(key)s", 401, "key_expired"),
        ("UPDATE accounts_apikeysecret SET valid_until = now() WHERE key_id = %(key)s", 401, "key_expired"),
        ("UPDATE accounts_workspace SET suspended = true WHERE id = %(workspace)s", 403, "workspace_suspended"),
        ("UPDATE accounts_apikey SET allowed_cidrs = '{198.51.100.0/24}' WHERE id = %(key)s", 403, "ip_not_allowed"),
    ],
)
async def test_a_key_that_may_not(installed, owner, statement, status, code):
    await authentication.caller_of(request(f"Bearer {owner.secret}"))
    commit(statement, owner)
    await installed.poll()
    error = await refusal(f"Bearer {owner.secret}")
    assert (error.status, error.code) == (status, code)


async def test_a_rotated_secret_says_so_and_its_grace_is_kept(installed, owner):
    ends = "UPDATE accounts_apikeysecret SET valid_until = now() + interval '1 hour' WHERE key_id = %(key)s"
    commit(ends, owner)
    await installed.poll()
    caller = await authentication.caller_of(request(f"Bearer {owner.secret}"))
    assert time.time() + 3000 < caller.ends_at == caller.rotated_at
    commit(ends.replace("+ interval '1 hour'", ""), owner)
    await installed.poll()
    error = await refusal(f"Bearer {owner.secret}")
    assert error.message == "This API key was rotated, and its old secret no longer works. Use the new one."
    commit("UPDATE accounts_apikeysecret SET valid_until = NULL WHERE key_id = %(key)s", owner)
    commit("UPDATE accounts_apikey SET expires_at = now() WHERE id = %(key)s", owner)
    await installed.poll()
    assert "has expired" in (await refusal(f"Bearer {owner.secret}")).message


async def test_a_key_expires_while_it_is_cached(installed, owner, monkeypatch):
    caller = await authentication.caller_of(request(f"Bearer {owner.secret}"))
    digest = keys.digest(owner.secret)
    soon = dataclasses.replace(caller, expires_at=time.time() + 0.05)
    installed._entries[digest] = (soon, time.monotonic())
    assert await authentication.caller_of(request(f"Bearer {owner.secret}")) is soon
    await asyncio.sleep(0.06)
    assert (await refusal(f"Bearer {owner.secret}")).code == "key_expired"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("198.51.100.7", True),
        ("2001:db8::1", True),
        ("198.51.101.7", False),
        ("::ffff:198.51.101.7", False),
        ("", False),
        ("unix", False),
    ],
)
async def test_only_the_allowed_networks(installed, owner, address, allowed):
    commit("UPDATE accounts_apikey SET allowed_cidrs = '{198.51.100.7/24,2001:db8::/32}' WHERE id = %(key)s", owner)
    await installed.poll()
    if allowed:
        assert (await authentication.caller_of(request(f"Bearer {owner.secret}", address))).key_id == owner.key_id
    else:
        assert (await refusal(f"Bearer {owner.secret}", address)).code == "ip_not_allowed"


async def test_before_start_and_with_a_database_away_it_is_a_503_with_retry_after(db, owner):
    async def check() -> None:
        error = await refusal(f"Bearer {owner.secret}")
        assert error.status == 503
        assert int(error.headers["Retry-After"]) > 0

    callers.install(None)
    await check()
    directory = Directory(db, poll_s=1, grace_s=30, cache_s=600, size_max=10)
    callers.install(directory)
    await check()
    await directory.poll()
    await db.close()
    await check()
    callers.install(None)


async def test_an_unexpected_fault_is_not_let_in(owner):
    class Broken:
        async def caller(self, _digest):
            raise RuntimeError("a bug")

    callers.install(Broken())
    with pytest.raises(RuntimeError):
        await authentication.BearerAuthentication().authenticate(request(f"Bearer {owner.secret}"))
    callers.install(None)
