"""The hosted page takes test cards and slow bank debits, without a script, and sends people back."""

import re

import pytest

from tests.embedded.stripe.conftest import session_params
from tests.emulator import BANK_BAD, BANK_GOOD, DECLINED, GOOD


@pytest.fixture
def made(client):
    customer = client.v1.customers.create({"name": "A", "email": "a@example.com"})
    return client.v1.checkout.sessions.create(session_params(customer.id))


def kinds(fake, session_id: str) -> list[str]:
    return [event["type"] for event in fake.events(session_id)]


def test_the_page_says_what_and_how_much_and_needs_nothing_else(fake, made):
    answer = fake.page(made.url)
    assert answer.status_code == 200
    assert "20.00 USD" in answer.text
    assert not re.search(r"<script|style=|\son[a-z]+=|https?://(?!localhost:9/back)", answer.text)
    csp = answer.headers["content-security-policy"]
    assert csp.startswith("default-src 'none'; style-src 'self'")
    assert csp.endswith("form-action 'self' http://localhost:9")
    assert fake.page(f"{fake.url}/c/style.css").headers["content-type"].startswith("text/css")


def test_a_good_card_pays_and_leads_back(fake, client, made):
    answer = fake.pay(made.url, GOOD)
    assert (answer.status_code, answer.headers["location"]) == (303, f"http://localhost:9/done?session={made.id}")
    found = fake.session(made.id)
    assert (found["status"], found["payment_status"], found["url"]) == ("complete", "paid", None)
    assert found["payment_intent"]["status"] == "succeeded"
    assert found["customer_details"]["email"] == "a@example.com"
    assert kinds(fake, made.id) == ["checkout.session.completed"]
    assert fake.events(found["payment_intent"]["id"])[-1]["type"] == "payment_intent.succeeded"
    again = fake.page(made.url)
    assert (again.status_code, again.headers["location"]) == (303, answer.headers["location"])


@pytest.mark.parametrize(
    ("number", "said"),
    [(DECLINED, "Your card was declined."), ("4000000000009995", "insufficient funds"), ("4111", "number is invalid")],
)
def test_a_bad_card_says_so_and_may_try_again(fake, made, number, said):
    answer = fake.pay(made.url, number)
    assert answer.status_code == 402
    assert said in answer.text
    assert number in answer.text
    assert (fake.session(made.id)["status"], kinds(fake, made.id)) == ("open", [])
    assert fake.pay(made.url, GOOD).status_code == 303
    assert fake.session(made.id)["payment_status"] == "paid"


@pytest.mark.parametrize(
    ("field", "value"), [("expiry", "01 / 20"), ("expiry", "13/34"), ("cvc", "12"), ("cvc", "abc")]
)
def test_the_rest_of_a_card_is_looked_at_too(fake, made, field, value):
    assert fake.pay(made.url, GOOD, **{field: value}).status_code == 402


@pytest.mark.parametrize(
    ("account", "outcome", "status"), [(BANK_GOOD, "succeeded", "paid"), (BANK_BAD, "failed", "unpaid")]
)
def test_a_bank_debit_is_complete_first_and_ends_later(fake, made, account, outcome, status):
    assert fake.pay(made.url, account, bank=True).status_code == 303
    found = fake.session(made.id)
    assert (found["status"], found["payment_status"]) == ("complete", "unpaid")
    assert found["payment_intent"]["status"] == "processing"
    fake.control(f"settle/{made.id}", outcome=outcome)
    fake.control(f"settle/{made.id}", outcome="succeeded")  # once only
    assert fake.session(made.id)["payment_status"] == status
    assert kinds(fake, made.id) == ["checkout.session.completed", f"checkout.session.async_payment_{outcome}"]


def test_an_expired_page_takes_nothing(fake, client, made):
    client.v1.checkout.sessions.expire(made.id)
    assert fake.page(made.url).status_code == 404
    assert kinds(fake, made.id) == ["checkout.session.expired"]


def test_a_session_expires_by_itself(fake, made):
    fake.control(f"objects/{made.id}", expires_at=1)
    assert fake.session(made.id)["status"] == "expired"
    assert fake.page(made.url).status_code == 404


def test_what_is_shown_is_escaped(fake, client):
    params = session_params()
    params["line_items"][0]["price_data"]["product_data"]["name"] = '<b>"x"'
    made = client.v1.checkout.sessions.create(params)
    assert "&lt;b&gt;&quot;x&quot;" in fake.page(made.url).text
    assert "<i>" not in fake.pay(made.url, '"><i>').text


def test_an_unknown_page(fake):
    assert fake.page(f"{fake.url}/c/pay/cs_test_none").status_code == 404
