"""One receipt for each paid payment, numbered without gaps whatever happens at once, with its mail once."""

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pypdf
import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from accounts.models import OutgoingMail, User, Workspace
from billing.audit import CHECKS
from billing.ledger import account_ensure, credit_add
from billing.models import BillingDetails, ExpiringCredit, Payment, Receipt, Refund, StripeCustomer, TransferKind
from billing.models.ledger import House
from billing.papers import receipts
from billing.papers.receipt_pdf import receipt_pdf
from billing.papers.receipts import receipt_issue, receipts_sweep
from billing.stripe.settle import payment_check
from tests.billing.committing import someone
from tests.emulator import BANK_GOOD

CENT = 10_000_000
SLOW_REFUND = "4000000000007726"


@pytest.fixture(autouse=True)
def committing(django_db_blocker) -> None:
    """Payments here are rows alone: what the ledger says of them is no matter."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(autouse=True)
def numbered(committing) -> None:
    """After every test the numbers of the year have no gap."""
    yield
    with connection.cursor() as cursor:
        cursor.execute(CHECKS["receipts are not numbered one by one"])
        assert cursor.fetchall() == []


def paid(workspace: Workspace, user: User | None = None, **values) -> Payment:
    """A payment that was paid and booked long ago, without a receipt so far."""
    values = {"amount_cents": 500, "amount_nanousd": 500 * CENT, "credited_nanousd": 500 * CENT} | values
    payment = Payment.objects.create(
        **{"workspace": workspace, "created_by": user, "status": "paid", "payment_intent_id": f"pi_{uuid4().hex}"}
        | {"idempotency_key": uuid4(), "paid_at": "2026-03-01T10:00:00Z"}
        | values
    )
    credit_add(
        account_id=account_ensure(workspace_id=workspace.pk),
        source=House.STRIPE_CLEARING,
        amount_nanousd=values["credited_nanousd"],
        kind=TransferKind.TOP_UP,
        idempotency_key=f"stripe:{payment.payment_intent_id}",
        reference=f"payment:{payment.pk}",
    )
    return Payment.objects.get(pk=payment.pk)


def text(receipt: Receipt) -> str:
    found = pypdf.PdfReader(io.BytesIO(receipt_pdf(receipt)))
    return "\n".join(page.extract_text() for page in found.pages)


def test_a_settled_payment_has_its_receipt_and_one_mail(till):
    payment = till.paid(2500)
    for _ in range(3):
        payment_check(payment=payment)
    receipt = Receipt.objects.get(payment=payment)
    assert receipt.number.startswith("R-20")
    email = User.objects.get(pk=till.person.user_id).email
    mail = OutgoingMail.objects.get(to_email=email)
    assert receipt.number in mail.subject
    assert "$25.00 of credit was added" in mail.text
    assert f"/credits/payments/{payment.pk}" in mail.text
    assert receipts_sweep() == 0


def test_a_receipt_that_cannot_be_made_never_stands_in_the_way_of_credit(till, monkeypatch):
    payment = till.paid(2500)

    def broken(workspace) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr(receipts, "buyer", broken)
    payment_check(payment=payment)
    assert till.balance() == 2500 * CENT
    assert not Receipt.objects.filter(payment=payment).exists()
    monkeypatch.undo()
    assert receipts_sweep() >= 1
    assert Receipt.objects.filter(payment=payment).exists()


def test_bought_credit_ends_only_where_the_installation_says_so(till, settings):
    payment_check(payment=till.paid(500))
    assert not ExpiringCredit.objects.filter(account_id=till.person.account_id).exists()
    settings.XROUTE_CREDIT_DAYS = 90
    payment_check(payment=till.paid(700))
    row = ExpiringCredit.objects.get(account_id=till.person.account_id)
    assert (row.amount_nanousd, (row.expires_at - row.transfer.created_at).days) == (700 * CENT, 90)


def test_twenty_payments_twice_at_once_have_twenty_numbers_in_a_row():
    user, workspace = someone()
    payments = [paid(workspace, user, paid_at="2020-01-01T00:00Z") for _ in range(20)]
    barrier = threading.Barrier(40)

    def issue(payment: Payment) -> str:
        try:
            connection.ensure_connection()
            barrier.wait(60)
            return receipt_issue(payment=payment).number
        finally:
            connection.close()

    with ThreadPoolExecutor(40) as pool:
        numbers = list(pool.map(issue, payments * 2))
    assert numbers[:20] == numbers[20:]
    last = sorted(int(number[7:]) for number in set(numbers))
    assert last == list(range(last[0], last[0] + 20))
    assert not OutgoingMail.objects.filter(to_email=user.email).exists(), "payments of long ago are not mailed"


def test_a_number_whose_transaction_was_rolled_back_is_given_again():
    _, workspace = someone()
    first, second = (paid(workspace) for _ in range(2))
    with transaction.atomic():
        lost = receipt_issue(payment=first).number
        transaction.set_rollback(True)
    assert receipt_issue(payment=second).number == lost


def test_a_year_begins_with_one_and_none_comes_back():
    _, workspace = someone()
    this = paid(workspace)
    year = int(receipt_issue(payment=this).number[2:6])
    later = paid(workspace)
    with transaction.atomic():
        Receipt.objects.create(number=f"R-{year + 1}-000001", payment=later, details={})
        assert receipt_issue(payment=paid(workspace)).number == f"R-{year + 1}-000002"
        transaction.set_rollback(True)


def test_an_unpaid_payment_has_none(till):
    with pytest.raises(ValueError, match="has no receipt"):
        receipt_issue(payment=till.start())


def test_it_says_what_was_bought_by_whom_from_whom_as_it_stood(settings):
    settings.XROUTE_SELLER_ADDRESS, settings.XROUTE_SELLER_TAX_ID = (
        "Hafenstraße 1; 20457 Hamburg; Germany",
        "DE123456789",
    )
    user, workspace = someone()
    details = BillingDetails(workspace=workspace, name="Łódź Software", line1="ul. Piotrkowska 5", country="PL")
    details.tax_number = "PL1234567890"
    details.save()
    StripeCustomer.objects.create(workspace=workspace, idempotency_key=uuid4(), card_brand="amex", card_last4="0005")
    amounts = {"amount_cents": 2000, "amount_nanousd": 2000 * CENT, "credited_nanousd": 2000 * CENT}
    payment = paid(
        workspace,
        user,
        fee_cents=110,
        tax_cents=401,
        total_cents=2511,
        paid_by_brand="visa",
        paid_by_last4="4242",
        **amounts,
    )
    receipt = receipt_issue(payment=payment)
    before = receipt_pdf(receipt)
    details.name, settings.XROUTE_SELLER_ADDRESS = "Renamed", "Moved"
    details.save()
    found = text(Receipt.objects.get(pk=receipt.pk))
    for said in (
        receipt.number, "Łódź Software", "ul. Piotrkowska 5", "Poland", "PL1234567890", "Hafenstraße 1", "DE123456789",
        "20.00", "1.10", "4.01", "25.11", "Visa card ending in 4242", "1 March 2026",
    ):  # fmt: skip
        assert said in found, said
    assert "Refunded since" not in found
    assert receipt_pdf(Receipt.objects.get(pk=receipt.pk)) == before
    values = {"origin": "operator", "amount_cents": 500, "credit_nanousd": 500 * CENT}
    Refund.objects.create(payment=payment, status="succeeded", **values)
    Refund.objects.create(payment=payment, status="failed", **values)
    found = text(receipt)
    assert found.count("Refund of") == 1


@pytest.mark.parametrize("save_card", [False, True])
def test_it_names_the_card_that_paid_and_not_the_one_that_is_saved(till, save_card):
    till.start()  # it makes the customer
    mine = StripeCustomer.objects.filter(workspace_id=till.person.workspace_id)
    mine.update(card_brand="amex", card_last4="0005")
    payment = till.start(save_card=save_card)
    assert till.emulator.pay(payment.url, SLOW_REFUND).status_code == 303
    assert payment_check(payment=payment).paid_by == "Visa card ending in 7726"
    mine.update(card_brand="amex", card_last4="0005")
    receipts_sweep()
    found = text(Receipt.objects.get(payment=payment))
    assert "Visa card ending in 7726" in found
    assert "0005" not in found


def test_a_bank_debit_is_told_by_its_account(till):
    payment = till.paid(number=BANK_GOOD, bank=True)
    assert payment_check(payment=payment).paid_by == "Bank account ending in 6789"
    till.emulator.control(f"settle/{payment.session_id}", outcome="succeeded")
    assert payment_check(payment=payment).status == "paid"
    receipts_sweep()
    assert "Bank account ending in 6789" in text(Receipt.objects.get(payment=payment))


@pytest.mark.parametrize(
    ("details", "said"),
    [({"card": {"brand": "visa", "last4": "4242"}}, "Visa card ending in 4242"), ({"card": {}}, "through Stripe"),
     ({"paid_by": ""}, "through Stripe")],
)  # fmt: skip
def test_a_receipt_of_before_stays_as_it_was_issued(details, said):
    _, workspace = someone()
    receipt = receipt_issue(payment=paid(workspace))
    receipt.details = {name: value for name, value in receipt.details.items() if name != "paid_by"} | details
    assert said in text(receipt)


def test_the_same_receipt_makes_the_same_bytes_at_any_time(monkeypatch):
    _, workspace = someone()
    receipt = receipt_issue(payment=paid(workspace))
    before = receipt_pdf(receipt)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86400 * 400)
    assert receipt_pdf(receipt) == before


def test_a_receipt_is_never_changed():
    _, workspace = someone()
    receipt = receipt_issue(payment=paid(workspace))
    for change in ("UPDATE billing_receipt SET number = 'X'", "DELETE FROM billing_receipt"):
        with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
            cursor.execute(f"{change} WHERE id = %s", [receipt.pk])
