"""The emulator refuses what Stripe would, and answers what the real library understands."""

import pytest
import stripe

from tests.embedded.stripe.conftest import library, session_params
from tests.emulator import GOOD

LINE = "line_items[0][price_data]"
FORM = {
    "mode": "payment",
    "line_items[0][quantity]": "1",
    f"{LINE}[currency]": "usd",
    f"{LINE}[unit_amount]": "2000",
    f"{LINE}[product_data][name]": "Credit",
    "success_url": "http://localhost:9/done",
}
WRONG = [
    ({"colour": "red"}, "colour", "parameter_unknown"),
    ({f"{LINE}[colour]": "red"}, f"{LINE}[colour]", "parameter_unknown"),
    ({"idempotency_key": "x"}, "idempotency_key", "parameter_unknown"),
    ({"line_items[1][quantity]": "1"}, "line_items[1][price_data]", "parameter_missing"),
    ({f"{LINE}[currency]": None}, f"{LINE}[currency]", "parameter_missing"),
    ({f"{LINE}[product_data][name]": None}, f"{LINE}[product_data]", "parameter_missing"),
    ({"mode": None}, "mode", "parameter_missing"),
    ({"success_url": None}, "success_url", "parameter_missing"),
    ({f"{LINE}[unit_amount]": "20.5"}, f"{LINE}[unit_amount]", "parameter_invalid_integer"),
    ({f"{LINE}[unit_amount]": "abc"}, f"{LINE}[unit_amount]", "parameter_invalid_integer"),
    ({f"{LINE}[unit_amount]": "-5"}, f"{LINE}[unit_amount]", "parameter_invalid_integer"),
    ({"adaptive_pricing[enabled]": "no"}, "adaptive_pricing[enabled]", None),
    ({"adaptive_pricing": "no"}, "adaptive_pricing", None),
    ({"mode": "gift"}, "mode", None),
    ({"submit_type": "gift"}, "submit_type", None),
    ({"mode[a]": "payment", "mode": None}, "mode", None),
    ({"line_items[2][quantity]": "1"}, "line_items", None),
    ({"success_url": "javascript:alert(1)"}, "success_url", "url_invalid"),
    ({f"{LINE}[unit_amount]": "10"}, None, "amount_too_small"),
    ({f"{LINE}[unit_amount]": "100000000"}, None, "amount_too_large"),
    ({"customer": "cus_none"}, "customer", "resource_missing"),
    ({"metadata[k]": "v" * 501}, "metadata", None),
    ({"expires_at": "12"}, "expires_at", None),
]


@pytest.mark.parametrize(("change", "param", "code"), WRONG, ids=[str(list(change)) for change, _, _ in WRONG])
def test_wrong_parameters(fake, change, param, code):
    form = {name: value for name, value in (FORM | change).items() if value is not None}
    answer = fake.call("POST", "/v1/checkout/sessions", form)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert error.get("param") == param
    assert error.get("code") == code
    assert error["message"]


def test_right_parameters_are_right(fake):
    assert fake.call("POST", "/v1/checkout/sessions", FORM).status_code == 200


def test_the_library_makes_and_reads_everything(client):
    customer = client.v1.customers.create({"name": "A & B", "metadata": {"workspace": "7"}})
    assert client.v1.customers.retrieve(customer.id).name == "A & B"
    made = client.v1.checkout.sessions.create(session_params(customer.id))
    found = client.v1.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent", "customer"]})
    assert (found.status, found.payment_status, found.payment_intent) == ("open", "unpaid", None)
    assert (found.amount_total, found.currency, found.livemode) == (2000, "usd", False)
    assert found.customer.id == customer.id
    items = client.v1.checkout.sessions.line_items.list(made.id)
    assert [(item.amount_total, item.quantity) for item in items] == [(2000, 1)]
    assert "_items" not in made.to_dict()


def test_lists_are_paged_and_filtered(client):
    customer = client.v1.customers.create({}).id
    made = [client.v1.checkout.sessions.create(session_params(customer)).id for _ in range(5)]
    listed = client.v1.checkout.sessions.list({"customer": customer, "limit": 2})
    assert [session.id for session in listed.auto_paging_iter()] == made[::-1]
    client.v1.checkout.sessions.expire(made[0])
    expired = client.v1.checkout.sessions.list({"customer": customer, "status": "expired"})
    assert [session.id for session in expired] == [made[0]]


def test_what_happened_can_be_listed_and_read(fake, client):
    made = client.v1.checkout.sessions.create(session_params())
    assert fake.pay(made.url, GOOD).status_code == 303
    listed = client.v1.events.list({"types": ["checkout.session.completed"], "limit": 100})
    (event,) = [event for event in listed if event.data.object["id"] == made.id]
    assert client.v1.events.retrieve(event.id).type == "checkout.session.completed"
    assert event.data.object["payment_status"] == "paid"
    intent = client.v1.payment_intents.retrieve(event.data.object["payment_intent"])
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)


@pytest.mark.parametrize("key", ["sk_test_emulator_wrong", "sk_live_x", "é"])
def test_other_keys_are_refused(fake, key):
    assert fake.call("GET", "/v1/events", key=key.encode()).status_code == 401
    assert fake.call("POST", "/_emulator/trouble", key=key.encode()).status_code == 401


def test_the_library_knows_the_errors(fake, client):
    with pytest.raises(stripe.AuthenticationError):
        library(fake, "sk_test_wrong").v1.events.list()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.retrieve("cs_test_none")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: colour"):
        client.v1.customers.create({"colour": "red"})
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.v1.products.create({"name": "no"})


def test_one_key_is_one_session(client):
    options = {"idempotency_key": "once"}
    first = client.v1.checkout.sessions.create(session_params(), options)
    assert client.v1.checkout.sessions.create(session_params(), options).id == first.id
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.create(session_params(cents=2001), options)
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({}, options)


def test_what_failed_its_checks_leaves_the_key_free_but_what_was_done_does_not(client):
    options = {"idempotency_key": "checks"}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(session_params(cents=1), options)
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        client.v1.checkout.sessions.create(session_params("cus_none"), options)
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.create(session_params(), options)


def test_trouble_on_demand_before_and_after(fake, client):
    fake.control("trouble", times=1, status=500, path="/v1/checkout")
    client.v1.customers.create({})
    with pytest.raises(stripe.APIError):
        client.v1.checkout.sessions.create(session_params())
    fake.control("trouble", times=1, status=500, after=True)
    with pytest.raises(stripe.APIError):
        client.v1.customers.create({"name": "after"}, {"idempotency_key": "after"})
    customer = client.v1.customers.create({"name": "after"}, {"idempotency_key": "after"})
    assert client.v1.customers.retrieve(customer.id).name == "after"
