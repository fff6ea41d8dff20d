"""/credits: the balance, buying, and what the return page says - by those who may, and by nobody else."""

from uuid import uuid4

import pytest

from billing import ledger
from billing.models import CreditAccount, Payment, TransferKind
from billing.models.ledger import House
from tests.cast import USD


@pytest.fixture
def paying(emulator):
    """Payments go to the emulator, which sends no webhooks here: the return page has to find out by itself."""
    return emulator


def buy(browser, amount="20", other=""):
    return browser.post("/credits/buy", {"amount": amount, "other": other})


def newest(person) -> Payment:
    return Payment.objects.filter(workspace_id=person.workspace_id).latest("created_at")


@pytest.mark.commits
@pytest.mark.parametrize(("amount", "other", "cents"), [("5", "", 500), ("other", "12.34", 1234), ("100", "7", 10_000)])
def test_buying_leads_to_the_payment_page_of_that_amount(signed_in, owner, paying, amount, other, cents):
    answer = buy(signed_in(owner), amount, other)
    assert answer.status_code == 302
    made = newest(owner)
    assert (made.amount_cents, made.created_by_id, answer["location"]) == (cents, owner.user_id, made.url)


@pytest.mark.parametrize(
    ("amount", "other", "says"),
    [
        ("other", "4.99", "from $5.00 to $10,000.00"),
        ("other", "10000.01", "from $5.00 to $10,000.00"),
        ("other", "", "Type an amount"),
        ("other", "1.234", "no more than 2 decimal places"),
        ("other", "lots", "is not an amount of USD. Write it as"),
        ("other", "1e3", "is not an amount of USD. Write it as"),
        ("7", "", "valid choice"),
        ("", "", "required"),
    ],
)
def test_another_amount_is_refused_with_the_reason(signed_in, owner, amount, other, says):
    answer = buy(signed_in(owner), amount, other)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Payment.objects.filter(workspace_id=owner.workspace_id).exists()


@pytest.mark.commits
def test_the_return_page_waits_then_credits_once_whoever_looks_how_often(signed_in, broke, paying):
    browser = signed_in(broke)
    buy(browser)
    made = newest(broke)
    page = f"/credits/payments/{made.pk}"
    assert "Waiting for Stripe" in browser.get(page, {"from": "stripe"}).content.decode()
    assert "Nothing was paid" in browser.get(page, {"from": "cancel"}).content.decode()
    paying.pay(made.url)
    Payment.objects.filter(pk=made.pk).update(checked_at="2020-01-01T00:00Z")
    for _ in range(3):
        text = browser.get(page).content.decode()
        assert "$20.00 was added" in text
        assert "hx-get" not in text.split('id="payment"')[1]
    assert CreditAccount.objects.get(workspace_id=broke.workspace_id).posted == 20 * USD
    text = browser.get("/credits").content.decode()
    assert "Credit bought" in text
    assert "+$20.00" in text


@pytest.mark.commits
@pytest.mark.parametrize("who", ["stranger", "member"])
def test_who_may_not_buy_cannot(request, signed_in, owner, paying, who):
    buy(signed_in(owner))
    made = newest(owner)
    browser = signed_in(request.getfixturevalue(who))
    page = f"/credits/payments/{made.pk}"
    if who == "stranger":
        assert browser.get(page).status_code == 404
        assert browser.post(f"{page}/go-on").status_code == 404
    else:
        assert browser.get(page).status_code == 200
        assert browser.post(f"{page}/go-on").status_code == 403
        assert buy(browser).status_code == 403
        assert "An owner or admin" in browser.get("/credits").content.decode()
    assert Payment.objects.filter(workspace_id=owner.workspace_id).count() == 1


@pytest.mark.parametrize("path", ["/credits", "/credits/buy", "/credits/payments/01a20f48-7bab-7f73-b807-68f31469f811"])
def test_logged_out_one_is_asked_to_log_in(logged_out, path):
    for answer in (logged_out.get(path), logged_out.post(path)):
        assert answer.status_code == 302
        assert answer["location"].startswith("/account/login/")


def test_movements_run_down_to_the_balance_page_by_page(signed_in, owner, django_assert_num_queries):
    for number in range(30):
        ledger.credit_add(
            account_id=owner.account_id,
            source=House.PROMOTIONS,
            amount_nanousd=USD,
            kind=TransferKind.PROMOTION,
            idempotency_key=str(uuid4()),
            reference=str(number),
        )
    browser = signed_in(owner)
    first = browser.get("/credits")
    assert first.content.decode().count("Gift") == 25
    assert "$130.00" in first.content.decode()
    second = browser.get("/credits", {"before": first.context["before"]})
    assert second.content.decode().count("Gift") == 5
    assert "Deposit by the operator" in second.content.decode()
    # session, person, devices' session, memberships, movements, account, payments, banner's balance
    with django_assert_num_queries(9, exact=False):
        browser.get("/credits")
    for odd in ("x", "-1", "9" * 40, "1e3"):
        assert browser.get("/credits", {"before": odd}).status_code == 200


def test_credit_that_comes_back_is_not_called_like_credit_that_goes(signed_in, owner):
    for kind, house in ((TransferKind.REFUND, House.REFUNDS), (TransferKind.DISPUTE, House.DISPUTES)):
        values = {"account_id": owner.account_id, "amount_nanousd": USD, "kind": kind, "reference": "r"}
        ledger.credit_take(**values, target=house, idempotency_key=str(uuid4()))
        ledger.credit_add(**values, source=house, idempotency_key=str(uuid4()))
    text = signed_in(owner).get("/credits").content.decode()
    for words in ("Refund", "Refund failed: credit returned", "Dispute", "Dispute over: credit returned"):
        assert text.count(f">{words}</td>") == 1


def test_with_payments_off_the_page_says_whom_to_ask(signed_in, owner, settings):
    settings.STRIPE_SECRET_KEY = ""
    browser = signed_in(owner)
    assert "switched off" in browser.get("/credits").content.decode()
    assert "switched off" in buy(browser).content.decode()


@pytest.mark.commits
def test_with_stripe_away_nothing_breaks_and_the_page_offers_another_try(signed_in, owner, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    settings.STRIPE_RETRIES_MAX = 0
    browser = signed_in(owner)
    answer = browser.post("/credits/buy", {"amount": "20"}, follow=True)
    assert answer.status_code == 200
    assert "could not be opened" in answer.content.decode()
    assert newest(owner).status == "open"


def payment_of(person, **values) -> Payment:
    return Payment.objects.create(
        workspace_id=person.workspace_id, amount_cents=500, amount_nanousd=5 * USD, idempotency_key=uuid4(), **values
    )


def test_a_declined_payment_is_told_until_another_has_made_it_good(signed_in, owner, member):
    says = "The last payment did not go through"
    payment_of(owner, status="expired")
    assert says not in signed_in(owner).get("/overview").content.decode()
    payment_of(owner, status="failed")
    assert says in signed_in(owner).get("/overview").content.decode()
    assert says not in signed_in(member).get("/overview").content.decode()
    payment_of(owner, status="paid", credited_nanousd=5 * USD, payment_intent_id="pi_x", paid_at="2026-01-01T00:00Z")
    Payment.objects.filter(status="failed").update(created_at="2020-01-01T00:00Z")
    assert says not in signed_in(owner).get("/overview").content.decode()
