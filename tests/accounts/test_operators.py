"""Operators made without a browser, and links that work once."""

import hashlib
import io
from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import url_str_to_user_pk
from django.core.management import CommandError, call_command
from django.urls import resolve
from django.utils import timezone

from accounts.models import Membership, SetupToken, User
from accounts.services_operator import (
    AddressTaken,
    SetupRefused,
    operator_exists,
    operator_make,
    setup_claim,
    setup_token_create,
    setup_token_valid,
)

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def nobody_operates(db) -> None:
    User.objects.update(is_staff=False)


def run(*command: str) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def address() -> str:
    return f"{uuid4().hex}@example.com"


def opens(link: str) -> bool:
    """Whether the link's key would set a password now."""
    found = resolve(link.partition("//")[2].partition("/")[1] + link.partition("//")[2].partition("/")[2]).kwargs
    user = User.objects.get(pk=url_str_to_user_pk(found["uidb36"]))
    return default_token_generator.check_token(user, found["key"])


def test_a_token_makes_one_operator_with_all_that_belongs_to_one():
    token, email = setup_token_create(), address()
    assert setup_token_valid(token=token)
    user = setup_claim(token=token, email=email, password=PASSWORD)
    assert user.is_operator
    assert user.is_superuser
    assert user.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=user).verified
    assert Membership.objects.get(user=user).role == "owner"
    assert not setup_token_valid(token=token)
    with pytest.raises(SetupRefused):
        setup_claim(token=token, email=address(), password=PASSWORD)


def test_only_the_digest_of_a_token_is_kept():
    token = setup_token_create()
    row = SetupToken.objects.get(used_at__isnull=True)
    assert bytes(row.digest) == hashlib.sha256(token.encode()).digest()


def test_a_token_ends_after_an_hour_and_with_the_next_one():
    first = setup_token_create()
    row = SetupToken.objects.get(used_at__isnull=True)
    assert timedelta(minutes=59) < row.expires_at - timezone.now() <= timedelta(hours=1, seconds=5)
    second = setup_token_create()
    assert not setup_token_valid(token=first)
    SetupToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not setup_token_valid(token=second)
    with pytest.raises(SetupRefused):
        setup_claim(token=second, email=address(), password=PASSWORD)
    assert not operator_exists()


def test_with_an_operator_there_is_no_link():
    token = setup_token_create()
    operator_make(email=address(), password=PASSWORD)
    assert not setup_token_valid(token=token)
    with pytest.raises(SetupRefused):
        setup_claim(token=token, email=address(), password=PASSWORD)
    assert setup_token_create() is None
    assert run("setup_link") == ""


def test_the_link_never_takes_over_an_account_and_stays_good_for_another_address(owner):
    token = setup_token_create()
    taken = User.objects.get(pk=owner.user_id)
    with pytest.raises(AddressTaken):
        setup_claim(token=token, email=taken.email.upper(), password=PASSWORD)
    assert setup_token_valid(token=token)
    taken.refresh_from_db()
    assert not taken.is_staff


def test_the_command_prints_a_link():
    link = run("setup_link")
    assert "/setup?token=" in link
    assert setup_token_valid(token=link.partition("token=")[2])


def test_create_operator_prints_a_link_that_works_once():
    email = address()
    link = run("create_operator", email, "--link")
    assert operator_exists()
    user = User.objects.get(email=email)
    assert not user.has_usable_password()
    assert opens(link)
    user.set_password(PASSWORD)
    user.save()
    assert not opens(link)


def test_create_operator_does_not_keep_a_password_chosen_before_the_address_was_confirmed():
    email = address()
    squatter = User.objects.create_user(email, PASSWORD)
    assert "/account/password/reset/key/" in run("create_operator", email, "--link")
    squatter.refresh_from_db()
    assert squatter.is_operator
    assert not squatter.check_password(PASSWORD)


def test_create_operator_keeps_the_password_of_a_confirmed_person():
    email = address()
    person = User.objects.create_user(email, PASSWORD)
    EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    assert run("create_operator", email, "--link") == ""
    person.refresh_from_db()
    assert person.is_operator
    assert person.check_password(PASSWORD)


def test_create_operator_refuses_what_is_no_address_or_anothers(owner):
    with pytest.raises(CommandError, match="not an e-mail address"):
        run("create_operator", "nobody")
    email = address()
    EmailAddress.objects.create(user_id=owner.user_id, email=email, verified=True, primary=False)
    with pytest.raises(CommandError, match="another account"):
        run("create_operator", email, "--link")
    assert not operator_exists()


def test_reset_password_prints_a_link_that_works_once(owner):
    user = User.objects.get(pk=owner.user_id)
    link = run("reset_password", user.email.upper())
    assert opens(link)
    user.set_password("another one entirely")
    user.save()
    assert not opens(link)


def test_reset_password_says_why_not():
    with pytest.raises(CommandError, match="no account"):
        run("reset_password", address())
    user = User.objects.create_user(address(), is_active=False)
    with pytest.raises(CommandError, match="switched off"):
        run("reset_password", user.email)
