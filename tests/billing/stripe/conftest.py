"""Payments at the emulator, with what Stripe would send us about them."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import stripe
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client

from accounts.models import User, Workspace
from billing.audit import CHECKS, audit
from billing.models import CreditAccount, Payment, Transfer
from billing.stripe.checkout import checkout_start
from tests.billing.books import NO_SPOOL, djangos_own
from tests.cast import Person, person
from tests.emulator import GOOD, Emulator, start_emulator

PROVED = (
    "a paid payment is not in the ledger",
    "a top-up belongs to no paid payment",
    "a paid payment's parts are not its total",
    "a refund is not in the ledger as its row says",
    "a dispute is not in the ledger as its row says",
    "a payment was taken back more than it gave",
)


@pytest.fixture(autouse=True)
def committing(django_db_blocker) -> Iterator[None]:
    """Django's own connections, committing."""
    with django_db_blocker.unblock():
        before = set(proved())  # other tests' rows, made by hand
        yield
        assert set(proved()) <= before


def proved() -> list[str]:
    """What the audit says of payments; nothing new, after every test."""
    with connection.cursor() as cursor:
        found = []
        for name in PROVED:
            cursor.execute(CHECKS[name])
            found += [row[0] for row in cursor.fetchall()]
        return found


@dataclass(slots=True)
class Till:
    """A person who pays at an emulator."""

    emulator: Emulator
    person: Person

    def start(self, amount_cents: int = 2000, person: Person | None = None, *, save_card: bool = False) -> Payment:
        person = person or self.person
        workspace = Workspace.objects.get(pk=person.workspace_id)
        user = User.objects.get(pk=person.user_id)
        return checkout_start(workspace=workspace, user=user, amount_cents=amount_cents, save_card=save_card)

    def paid(self, amount_cents: int = 2000, number: str = GOOD, *, bank: bool = False) -> Payment:
        """A payment that Stripe knows is paid (or processing), and we do not yet."""
        payment = self.start(amount_cents)
        assert self.emulator.pay(payment.url, number, bank=bank).status_code == 303
        return payment

    def event(self, payment: Payment, kind: str = "checkout.session.completed") -> dict:
        """The event that Stripe would send about it."""
        (event,) = self.emulator.events(payment.session_id, kind)
        return {name: value for name, value in event.items() if name not in ("state", "tries")}

    def forge(self, payment: Payment, **changes) -> None:
        """Change Stripe's own session."""
        self.emulator.control(f"objects/{payment.session_id}", **changes)

    def balance(self) -> int:
        return CreditAccount.objects.get(pk=self.person.account_id).posted

    def transfers(self) -> list[tuple[str, int, str]]:
        found = Transfer.objects.filter(credit_account_id=self.person.account_id).order_by("id")
        return list(found.values_list("kind", "amount", "reference"))


@pytest.fixture
def till(emulator, broke) -> Iterator[Till]:
    yield Till(emulator, broke)
    emulator.reset()


@pytest.fixture
def alone(own_books, tmp_path, settings, django_db_blocker) -> Iterator[Till]:
    """A Stripe account and books that nobody else uses; proved afterwards."""
    own = Emulator(start_emulator(tmp_path))
    settings.STRIPE_API_BASE, settings.STRIPE_RETRIES_MAX = own.url, 0
    with django_db_blocker.unblock(), djangos_own(own_books):
        yield Till(own, person())
        assert [str(fault) for fault in audit(spool_dir=NO_SPOOL)] == []
    own.stop()


def signed(body: str, *, secret: str | None = None, at: int | None = None) -> str:
    secret = django_settings.STRIPE_WEBHOOK_SECRET if secret is None else secret
    return stripe.WebhookSignature.generate_signature_header(body, secret, at)


def post(event: dict | str, *, signature: str | None = None, **headers):
    """What our endpoint answers."""
    body = event if isinstance(event, str) else json.dumps(event)
    return Client(enforce_csrf_checks=True).post(
        "/stripe/webhook",
        data=body,
        content_type="application/json",
        headers={"Stripe-Signature": signed(body) if signature is None else signature, "Host": "localhost", **headers},
    )


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run all of them from one barrier, each in a thread and on a connection of its own."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            barrier.wait(60)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))
