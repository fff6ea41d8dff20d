"""A Stripe emulator that nobody else uses, and the real library as its client."""

from collections.abc import Iterator

import pytest
import requests
import stripe

from tests.emulator import Emulator, start_emulator


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
