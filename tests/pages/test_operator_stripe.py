"""Operator → Money → Stripe: for operators only; shows what differs and the lines, a page at a time."""

import pytest
from django.utils import timezone

from accounts.models import User
from billing.models import StripeBalanceTransaction as Lines, StripeComparison

PATHS = ("/operator/money/stripe", "/operator/money/stripe/compare")


@pytest.fixture
def operator(signed_in, owner):
    browser = signed_in(owner)
    User.objects.filter(pk=owner.user_id).update(is_staff=True, is_superuser=True)
    return browser


def line(number: int, **values) -> Lines:
    made = {"id": f"txn_{number}", "type": "charge", "currency": "usd", "amount_cents": 1000, "fee_cents": 59}
    made |= {"net_cents": 941, "status": "booked", "created_at": timezone.now()}
    return Lines(**made | values)


@pytest.mark.parametrize("path", PATHS)
def test_it_is_for_operators_only(signed_in, logged_out, owner, member, stranger, broke, path):
    send = "post" if path.endswith("compare") else "get"
    for person in (owner, member, stranger, broke):
        assert getattr(signed_in(person), send)(path).status_code == 403
    assert getattr(logged_out, send)(path)["Location"].startswith("/account/login/")


def test_it_is_empty_at_first(operator, database):
    text = operator.get(PATHS[0]).content.decode()
    assert "No lines" in text
    assert operator.get(PATHS[1]).status_code == 405


def test_it_shows_differences_and_lines_with_few_queries(operator, django_assert_max_num_queries):
    row = {"key": "x", "cents": -1234, "what": "Something <b>", "todo": "Do this.", "alert": True, "told": True}
    StripeComparison.objects.create(stripe_cents=100, ours_nanousd=10**9, differences=[row], unexplained_cents=-1234)
    Lines.objects.bulk_create([line(number) for number in range(60)])
    Lines.objects.bulk_create([line(99, status="foreign", note="In EUR.", currency="eur", type="payment")])
    with django_assert_max_num_queries(12):
        text = operator.get(PATHS[0]).content.decode()
    assert "−$12.34" in text
    assert "Something &lt;b&gt;" in text
    assert "Do this." in text
    assert text.count("txn_") == 50
    assert operator.get(PATHS[0] + "?page=2").content.decode().count("txn_") == 11
    assert operator.get(PATHS[0] + "?status=foreign").content.decode().count("txn_") == 1
    assert operator.get(PATHS[0] + "?type=payment").content.decode().count("txn_") == 1
    assert operator.get(PATHS[0] + "?page=x&status=odd&type=%00").status_code == 200
