"""/operator/money/payments: every payment and its refund, for operators alone."""

from html import unescape
from uuid import uuid4

import pytest

from accounts.models import User
from billing.models import CreditAccount, Payment, Refund
from billing.payments_list import PAGE_SIZE
from billing.stripe.checkout import checkout_start
from billing.stripe.settle import payment_check
from tests.cast import USD

LIST = "/operator/money/payments"
CENT = 10_000_000


@pytest.fixture
def operator(signed_in, stranger):
    User.objects.filter(pk=stranger.user_id).update(is_staff=True)
    return signed_in(stranger)


@pytest.fixture
def paid(database, broke, emulator) -> Payment:
    """20 USD of broke's, credited."""
    user = User.objects.get(pk=broke.user_id)
    workspace = CreditAccount.objects.get(pk=broke.account_id).workspace
    made = checkout_start(workspace=workspace, user=user, amount_cents=2000)
    emulator.pay(made.url)
    return payment_check(payment=made)


def planted(person, **values) -> Payment:
    """A row that was never at Stripe."""
    given = {"workspace_id": person.workspace_id, "amount_cents": 500, "amount_nanousd": 5 * USD}
    return Payment.objects.create(**given, idempotency_key=uuid4(), **values)


@pytest.mark.parametrize("who", ["owner", "broke", "member", "nobody"])
def test_only_operators_may_look_or_refund(request, database, owner, signed_in, logged_out, who):
    made = planted(owner)
    browser = logged_out if who == "nobody" else signed_in(request.getfixturevalue(who))
    expected = 302 if who == "nobody" else 403
    for path in (LIST, f"{LIST}/{made.pk}"):
        assert browser.get(path).status_code == expected
    assert browser.post(f"{LIST}/{made.pk}/refund", {"amount": "1", "reason": "r"}).status_code == expected
    assert not Refund.objects.filter(payment=made).exists()


def test_the_list_is_filtered_paged_and_asks_few_questions(operator, owner, broke, django_assert_max_num_queries):
    email = User.objects.get(pk=owner.user_id).email
    rows = [planted(owner) for _ in range(PAGE_SIZE + 3)]
    failed = planted(broke, status="failed")
    with django_assert_max_num_queries(14):
        first = operator.get(LIST, {"who": email}).content.decode()
    shown = [row for row in rows if str(row.pk) in first]
    assert (len(shown), str(failed.pk) in first) == (PAGE_SIZE, False)
    after = operator.get(LIST, {"who": email}).context["page"].after
    second = operator.get(LIST, {"who": email, "after": after}).content.decode()
    assert {row.pk for row in rows if str(row.pk) in second} == {row.pk for row in rows} - {row.pk for row in shown}
    assert str(failed.pk) in operator.get(LIST, {"state": "failed"}).content.decode()
    for nonsense in ({"after": "x~y"}, {"state": "x"}, {"who": "\0"}):
        assert operator.get(LIST, nonsense).status_code == 200
    assert "Nothing fits" in operator.get(LIST, {"who": "nobody at all"}).content.decode()
    assert operator.get(f"{LIST}/{uuid4()}").status_code == 404


@pytest.mark.commits
def test_a_refund_in_part_shows_everywhere(operator, signed_in, broke, paid):
    page = f"{LIST}/{paid.pk}"
    first = operator.get(page).content.decode()
    assert "At most <strong>$20.00</strong>" in first
    assert "Visa card ending in 4242" in first
    answer = operator.post(f"{page}/refund", {"amount": "5.50", "reason": "asked for it", "confirm": "yes"})
    assert answer.status_code == 302
    made = Refund.objects.get(payment=paid)
    assert (made.status, made.amount_cents, made.reason) == ("succeeded", 550, "asked for it")
    assert CreditAccount.objects.get(pk=broke.account_id).posted == 1450 * CENT
    text = operator.get(page).content.decode()
    assert "asked for it" in text
    assert "partly refunded" in text
    owners = signed_in(broke)
    assert "partly refunded" in owners.get(f"/credits/payments/{paid.pk}").content.decode()
    assert "partly refunded" in owners.get("/credits").content.decode()
    assert str(paid.pk) in operator.get(LIST, {"state": "refunded"}).content.decode()


@pytest.mark.commits
def test_it_is_confirmed_first_and_its_author_is_named_to_operators_alone(operator, stranger, signed_in, broke, paid):
    page, email = f"{LIST}/{paid.pk}", User.objects.get(pk=stranger.user_id).email
    asked = operator.post(f"{page}/refund", {"amount": "5.50", "reason": "r"})
    text = unescape(asked.content.decode())
    assert (asked.status_code, Refund.objects.filter(payment=paid).exists()) == (200, False)
    assert 'id="refund-confirm" aria-labelledby="refund-title" open>' in text
    for named in (">5.50</span>", paid.workspace.name, str(paid.pk)):
        assert named in text.partition("<dialog")[2]
    assert " open>" not in operator.get(page).content.decode().partition("<dialog")[2].partition("<h2")[0]
    operator.post(f"{page}/refund", {"amount": "5.50", "reason": "r", "confirm": "yes"})
    assert Refund.objects.get(payment=paid).amount_cents == 550
    assert email in operator.get(page).content.decode().partition('id="refunds"')[2]
    assert email not in signed_in(broke).get(f"/credits/payments/{paid.pk}").content.decode()


@pytest.mark.commits
@pytest.mark.parametrize(
    ("amount", "reason", "says"),
    [
        ("20.01", "r", "At most $20.00"),
        ("0", "r", "greater than or equal to 0.01"),
        ("1.234", "r", "2 decimal places"),
        ("5", "", "required"),
        ("5", "  ", "required"),
        ("", "r", "required"),
    ],
)
def test_a_wrong_amount_or_no_reason_is_refused_with_the_reason(operator, paid, amount, reason, says):
    answer = operator.post(f"{LIST}/{paid.pk}/refund", {"amount": amount, "reason": reason, "confirm": "yes"})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Refund.objects.filter(payment=paid).exists()


def test_an_unpaid_payment_has_no_form(operator, owner):
    made = planted(owner)
    assert "Only a payment that is paid" in operator.get(f"{LIST}/{made.pk}").content.decode()
    answer = operator.post(f"{LIST}/{made.pk}/refund", {"amount": "", "reason": "r"})
    assert answer.status_code == 422
