"""TOTP and passkeys, with a real browser's own authenticator, on http://localhost."""

import base64
import hashlib
import hmac
import struct
import time

import pytest

from tests.browser.chrome import Window, window
from tests.browser.people import visitor
from tests.stack import Stack

PASSWORD = "correct-horse-battery-9"
SET = """
from accounts.models import User
user = User.objects.get(email={email!r})
user.set_password({password!r})
user.save()
"""
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def code(secret: str) -> str:
    """The six digits of this half minute (RFC 6238)."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


@pytest.fixture
def person(browser, stack):
    with window(browser, stack.url) as found:
        session = found.context.new_cdp_session(found.page)
        session.send("WebAuthn.enable")
        session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        yield found


def known(stack: Stack, email: str) -> None:
    visitor(stack, email)
    done = stack.manage("shell", "-v", "0", "-c", SET.format(email=email, password=PASSWORD))
    assert done.returncode == 0, done.stderr


def log_in(person: Window, email: str) -> None:
    page = person.go("/account/login/")
    page.fill("[name=login]", email)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def set_up_codes(person: Window) -> None:
    """TOTP on, behind the password once more."""
    page = person.go("/account/2fa/")
    page.get_by_text("Set up").first.click()
    secret, again = page.locator("#authenticator_secret"), page.locator("main [name=password]")
    secret.or_(again).first.wait_for()
    if again.count():
        again.fill(PASSWORD)
        page.locator("main button[type=submit]").first.click()
    page.fill("[name=code]", code(secret.input_value()))
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/recovery-codes/**")


def log_out(person: Window) -> None:
    person.go("/overview").get_by_role("button", name="Log out").first.click()
    person.page.wait_for_url("**/")


def test_a_code_then_a_passkey_then_the_passkey_alone(person, stack):
    email = "careful@example.com"
    known(stack, email)
    log_in(person, email)
    page = person.page
    page.wait_for_url("**/overview")

    set_up_codes(person)

    person.go("/account/2fa/webauthn/add/")
    page.fill("[name=name]", "Laptop")
    page.click("#mfa_webauthn_add")
    page.wait_for_url(lambda url: not url.endswith("/webauthn/add/"))
    page.wait_for_load_state()
    person.go("/account/2fa/webauthn/")
    assert "Laptop" in page.inner_text("main")

    log_out(person)
    log_in(person, email)
    page.click("#mfa_webauthn_authenticate")
    page.wait_for_url("**/overview")

    log_out(person)
    person.go("/account/login/").click("#passkey_login")
    page.wait_for_url("**/overview")


def test_the_password_alone_opens_nothing_where_a_second_factor_is_set(person, stack):
    email = "twofold@example.com"
    known(stack, email)
    log_in(person, email)
    set_up_codes(person)
    log_out(person)
    log_in(person, email)
    person.page.wait_for_url("**/2fa/authenticate/**")
    assert "/keys" not in person.go("/keys").url
    assert "New key" not in person.text()
