"""A Stripe emulator that nobody else uses, and the real library as its client."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
import stripe

from tests.emulator import GOOD, Emulator, start_emulator


@pytest.fixture(scope="session")
def fake(tmp_path_factory) -> Iterator[Emulator]:
    found = Emulator(start_emulator(tmp_path_factory.mktemp("fake")))
    yield found
    assert found.stop() == 0
    log = found.process.log.read_text().splitlines()
    assert [line for line in log if "was not taken" not in line][1:] == [], "it logged something"


@pytest.fixture
def client(fake) -> stripe.StripeClient:
    return library(fake)


@pytest.fixture
def customer(client) -> str:
    return client.v1.customers.create({"name": "A"}).id


@pytest.fixture
def balanced(fake, client) -> Iterator[None]:
    """Whatever the test did or was refused: the balance is the sum of its lines, and each line of its amounts."""
    yield
    sums: dict[str, int] = {"usd": 0}
    for line in client.v1.balance_transactions.list({"limit": 100}).auto_paging_iter():
        assert line.net == line.amount - line.fee
        sums[line.currency] = sums.get(line.currency, 0) + line.net
    assert {currency: fake.balance(currency) for currency in sums} == sums


def paid(fake: Emulator, client: stripe.StripeClient, customer: str, cents: int = 2000, **more) -> dict:
    """A payment intent that was paid by card."""
    made = client.v1.checkout.sessions.create(session_params(customer, cents, **more))
    assert fake.pay(made.url, GOOD, expiry="07 / 33").status_code == 303
    return fake.session(made.id)["payment_intent"]


@contextmanager
def refused(words: str, *, status: int = 400, code: str | None = None, param: str | None = None) -> Iterator[None]:
    """Stripe says no, with these words."""
    with pytest.raises(stripe.InvalidRequestError, match=words) as caught:
        yield
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (status, code, param)


def library(fake: Emulator, key: str | None = None) -> stripe.StripeClient:
    session = requests.Session()
    session.trust_env = False
    return stripe.StripeClient(
        key or fake.key,
        base_addresses={"api": fake.url},
        http_client=stripe.RequestsClient(timeout=20, session=session),
        max_network_retries=0,
    )


def session_params(customer: str | None = None, cents: int = 2000, **more) -> dict:
    """What a session needs."""
    price = {"currency": "usd", "unit_amount": cents, "product_data": {"name": "Credit"}}
    return {
        "mode": "payment",
        "line_items": [{"quantity": 1, "price_data": price}],
        "success_url": "http://localhost:9/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://localhost:9/back",
        **({"customer": customer} if customer else {}),
        **more,
    }
