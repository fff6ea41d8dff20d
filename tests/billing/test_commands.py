"""create_key prints the key alone; audit_ledger says what is off by its exit code and its words."""

from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiKey, ApiKeySecret, Membership
from billing.management.commands import audit_ledger as command
from billing.models import CreditAccount
from xroute.lib.money import NANOUSD_PER_USD as NANO

pytestmark = pytest.mark.django_db


def email() -> str:
    return f"{uuid4().hex}@example.com"


def create(*arguments: str) -> tuple[str, str]:
    """What is on standard output and on standard error."""
    out, errors = StringIO(), StringIO()
    call_command("create_key", *arguments, stdout=out, stderr=errors)
    return out.getvalue(), errors.getvalue()


def key_of(secret: str) -> ApiKey:
    from accounts.keys import digest

    return ApiKeySecret.objects.get(digest=digest(secret)).key


def test_the_key_stands_alone_on_standard_output():
    out, errors = create(email(), "--name", "Mine", "--credit", "12.50", "--limit", "3")
    assert out.count("\n") == 1
    assert out.startswith("xr-v1-")
    assert errors.startswith("$12.50 added")
    key = key_of(out.strip())
    assert (key.name, key.limit_nanousd) == ("Mine", 3 * NANO)
    assert CreditAccount.objects.get(workspace_id=key.workspace_id).posted == 12_500_000_000


def test_a_key_needs_no_credit_and_no_limit():
    out, errors = create(email())
    key = key_of(out.strip())
    assert (errors, key.limit_nanousd) == ("", None)
    assert CreditAccount.objects.get(workspace_id=key.workspace_id).posted == 0


def test_the_same_address_again_is_the_same_workspace():
    address = email()
    first, second = (key_of(create(name, "--credit", "1")[0].strip()) for name in (address, address.upper()))
    assert first.pk != second.pk
    assert first.workspace_id == second.workspace_id
    assert Membership.objects.filter(workspace_id=first.workspace_id).count() == 1
    assert CreditAccount.objects.get(workspace_id=first.workspace_id).posted == 2 * NANO


@pytest.mark.parametrize("option", ["--credit", "--limit"])
@pytest.mark.parametrize("amount", ["0", "-1", "five", "nan", "inf", "1e99", "0.0000000001", "1000000.01", ""])
def test_an_amount_that_is_none_is_refused_and_nothing_is_made(option, amount):
    address = email()
    with pytest.raises(CommandError, match=option):
        create(address, f"{option}={amount}")
    assert not Membership.objects.filter(user__email__iexact=address).exists()


@pytest.mark.parametrize("address", ["", "you", "you@", "@example.com", "a b@example.com"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(CommandError, match="is not an e-mail address"):
        create(address)


def test_an_address_too_long_and_a_name_with_unseen_characters_are_refused():
    with pytest.raises(CommandError, match="at most 64 characters before the @"):
        create(f"{'x' * 65}@example.com")
    with pytest.raises(CommandError, match=r"--name: .*U\+202E"):
        create(email(), "--name", "a\u202eb")


def audit() -> tuple[int, str, str]:
    out, errors = StringIO(), StringIO()
    try:
        call_command("audit_ledger", stdout=out, stderr=errors)
    except SystemExit as end:
        return int(end.code), out.getvalue(), errors.getvalue()
    return 0, out.getvalue(), errors.getvalue()


def test_faults_are_named_and_counted(monkeypatch):
    monkeypatch.setattr(command, "audit", lambda **_: ["account 7: posted 1, transfers 2", "batch 3"])
    assert audit() == (1, "", "account 7: posted 1, transfers 2\nbatch 3\n2 faults.\n")


def test_books_without_a_fault_say_so(monkeypatch):
    monkeypatch.setattr(command, "audit", lambda **_: [])
    code, out, errors = audit()
    assert (code, errors) == (0, "")
    assert out.startswith("The books are right: ")
