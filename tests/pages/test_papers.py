"""Receipts, statements, billing details, codes and alerts: by those who may, and by nobody else."""

from datetime import UTC, datetime

import httpx
import pytest
from django.core.cache import cache

from accounts.models import User, Workspace
from billing.models import BalanceAlert, BillingDetails, CreditAccount, Refund
from billing.papers.credit_notes import credit_note_issue
from billing.papers.receipts import receipt_issue
from billing.promotions import promotion_code_make
from tests.billing.stripe.test_receipts import paid
from tests.cast import USD

NOW = datetime.now(UTC)
MONTH = f"/credits/statements/{NOW:%Y-%m}"
SEEN = ["/credits/details", "/credits/receipts", "/credits/statements", MONTH, f"{MONTH}.pdf", f"{MONTH}.csv"]
CHANGED = ["/credits/details/change", "/credits/alerts", "/credits/code"]


@pytest.fixture(autouse=True)
def fresh_tries():
    cache.clear()


@pytest.mark.parametrize("path", SEEN)
@pytest.mark.parametrize("who", ["owner", "broke", "member", "stranger"])
def test_every_member_sees_their_own(request, signed_in, who, path):
    assert signed_in(request.getfixturevalue(who)).get(path).status_code == 200


@pytest.mark.parametrize("path", SEEN + CHANGED)
def test_logged_out_one_is_asked_to_log_in(logged_out, path):
    for answer in (logged_out.get(path), logged_out.post(path)):
        assert answer.status_code == 302
        assert answer["location"].startswith("/account/login/")


@pytest.mark.parametrize("path", CHANGED)
def test_a_member_changes_nothing(signed_in, member, path):
    browser = signed_in(member)
    code = promotion_code_make(amount_nanousd=USD, created_by=User.objects.get(pk=member.user_id))
    assert browser.post(path, {"name": "x", "level": "5", "code": code.code}).status_code == 403
    assert browser.get(path).status_code in (403, 405)
    assert not BillingDetails.objects.filter(workspace_id=member.workspace_id).exists()
    assert not BalanceAlert.objects.filter(workspace_id=member.workspace_id).exists()
    assert "An owner or admin" in browser.get("/credits/details").content.decode()


def test_details_are_kept_as_typed_and_a_member_sees_them(signed_in, owner, member):
    typed = {"name": "Łódź Sp. z o.o.", "line1": "Piotrkowska 5", "postal_code": "90-001", "city": "Łódź"}
    typed |= {"country": "PL", "tax_number": "PL 123-456-78-90"}
    assert signed_in(owner).post("/credits/details/change", typed).status_code == 302
    row = BillingDetails.objects.get(workspace_id=owner.workspace_id)
    assert {name: getattr(row, name) for name in typed} == typed
    text = signed_in(member).get("/credits/details").content.decode()
    assert "Łódź Sp. z o.o." in text
    assert "Poland" in text


@pytest.mark.parametrize(
    ("field", "value"), [("tax_number", "<b>"), ("tax_number", "DE"), ("country", "XX"), ("name", "x" * 151)]
)
def test_what_cannot_be_right_is_said(signed_in, owner, field, value):
    answer = signed_in(owner).post("/credits/details/change", {field: value})
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert not BillingDetails.objects.filter(workspace_id=owner.workspace_id).exists()


def test_the_level_is_set_and_taken_away(signed_in, owner):
    browser = signed_in(owner)
    assert "below $7.50" in browser.post("/credits/alerts", {"level": "7.50"}, follow=True).content.decode()
    assert BalanceAlert.objects.get(workspace_id=owner.workspace_id).level_nanousd == 7_500_000_000
    browser.post("/credits/alerts", {"level": ""})
    assert not BalanceAlert.objects.filter(workspace_id=owner.workspace_id).exists()
    for wrong in ("-1", "0.001", "lots", "1e12"):
        assert browser.post("/credits/alerts", {"level": wrong}).status_code == 422


def test_a_code_gives_its_credit_and_its_end_stands_on_the_page(signed_in, broke):
    code = promotion_code_make(amount_nanousd=3 * USD, created_by=User.objects.get(pk=broke.user_id), credit_days=30)
    browser = signed_in(broke)
    assert "not valid" in browser.post("/credits/code", {"code": "WRONG"}, follow=True).content.decode()
    text = browser.post("/credits/code", {"code": code.code}, follow=True).content.decode()
    assert "$3.00 of credit was added" in text
    assert "Credit that ends" in text
    assert CreditAccount.objects.get(workspace_id=broke.workspace_id).posted == 3 * USD
    assert "already had" in browser.post("/credits/code", {"code": code.code}, follow=True).content.decode()


def test_a_receipt_is_found_by_its_workspace_alone(signed_in, owner, member, stranger, django_assert_num_queries):
    browser = signed_in(owner)
    receipt = receipt_issue(payment=paid(Workspace.objects.get(pk=owner.workspace_id)))
    path = f"/credits/receipts/{receipt.number}.pdf"
    for person in (owner, member):
        answer = signed_in(person).get(path)
        assert answer["content-type"] == "application/pdf"
        assert answer["content-disposition"] == f'attachment; filename="{receipt.number}.pdf"'
        assert answer.content.startswith(b"%PDF-")
        assert receipt.number in signed_in(person).get("/credits/receipts").content.decode()
        assert receipt.number in signed_in(person).get(f"/credits/payments/{receipt.payment_id}").content.decode()
    assert signed_in(stranger).get(path).status_code == 404
    assert receipt.number not in signed_in(stranger).get("/credits/receipts").content.decode()
    for _ in range(5):
        receipt_issue(payment=paid(Workspace.objects.get(pk=owner.workspace_id)))
    # session, person, devices' session, memberships, receipts, banner's balance
    with django_assert_num_queries(6, exact=False):
        browser.get("/credits/receipts")


def test_a_credit_note_is_found_by_its_workspace_alone(signed_in, logged_out, owner, member, stranger):
    payment = paid(Workspace.objects.get(pk=owner.workspace_id))
    receipt_issue(payment=payment)
    refund = Refund.objects.create(
        payment=payment,
        origin="stripe",
        status="succeeded",
        amount_cents=500,
        credit_nanousd=5 * USD,
        stripe_id="re_note",
    )
    credit_note_issue(refund=refund)
    number = refund.credit_note.number
    path = f"/credits/credit-notes/{number}.pdf"
    for person in (owner, member):
        answer = signed_in(person).get(path)
        assert (answer["content-type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
        assert number in signed_in(person).get("/credits/receipts").content.decode()
    assert signed_in(stranger).get(path).status_code == 404
    assert number not in signed_in(stranger).get("/credits/receipts").content.decode()
    assert logged_out.get(path).status_code == 302
    assert signed_in(owner).get("/credits/credit-notes/C-1999-000001.pdf").status_code == 404


@pytest.mark.parametrize("month", ["1999-01", "2026-13", "2026-00", "9999-12", f"{NOW.year + 1}-01"])
def test_a_month_that_is_not_the_workspaces_is_not_found(signed_in, owner, month):
    browser = signed_in(owner)
    for end in ("", ".pdf", ".csv"):
        assert browser.get(f"/credits/statements/{month}{end}").status_code == 404


@pytest.mark.commits
def test_the_csv_comes_over_http_in_whole(web, signed_in, owner):
    cookie = f"sessionid={signed_in(owner).cookies['sessionid'].value}"
    answer = httpx.get(f"{web.url}{MONTH}.csv", headers={"Cookie": cookie}, trust_env=False, timeout=30)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = answer.text.splitlines()
    assert rows[0].startswith("time,id,kind")
    assert rows[-1].endswith("Balance so far,,,100.000000000")
    assert len(rows) == 4
