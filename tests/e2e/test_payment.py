"""`make run`: a payment goes the whole way, from our page's address to credit, by the processes that are there."""

import json
import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.emulator import BANK_GOOD, DECLINED, GOOD, Emulator
from tests.processes import Process
from tests.stack import Stack, running

START = """
import json
from accounts.services import person_ensure
from billing.stripe.checkout import checkout_start
user, workspace = person_ensure(email="payer@example.com")
payment = checkout_start(workspace=workspace, user=user, amount_cents=2000)
print(json.dumps({"id": str(payment.pk), "url": payment.url, "error": payment.error}))
"""
LOOK = """
import json, sys
from billing.models import Payment, StripeEvent, Transfer
payment = Payment.objects.get(pk="%s")
moved = Transfer.objects.filter(reference=f"payment:{payment.pk}")
print(json.dumps({"status": payment.status, "transfers": list(moved.values_list("amount", flat=True)),
                  "balance": payment.workspace.account.posted if moved else 0,
                  "events": StripeEvent.objects.count()}))
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Stack:
    with running(Path(tmp_path_factory.mktemp("payment")) / "data") as found:
        yield found


def shell(stack: Stack, code: str) -> dict:
    done = stack.manage("shell", "-v", "0", "-c", code)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def emulator(stack: Stack) -> Emulator:
    lines = (stack.data / "installation.env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines)
    return Emulator(Process(int(values["STRIPE_PORT"]), None, stack.data / "logs/stripe.log", values))


def settled(stack: Stack, payment_id: str, within_s: float = 60) -> dict:
    """How the payment stands once it is no longer open."""
    until = time.monotonic() + within_s
    while (found := shell(stack, LOOK % payment_id))["status"] in ("open", "processing"):
        assert time.monotonic() < until, found
    return found


def test_a_payment_becomes_credit_by_its_webhook(stack):
    fake, made = emulator(stack), shell(stack, START)
    assert made["error"] == ""
    assert fake.pay(made["url"], DECLINED).status_code == 402
    back = fake.pay(made["url"], GOOD)
    assert back.headers["location"].startswith(f"{stack.url}/credits/payments/{made['id']}")
    began = time.monotonic()
    found = settled(stack, made["id"])
    assert found["transfers"] == [20 * 10**9]
    # By webhook and task, not by the sweep of payments, which waits a minute.
    assert time.monotonic() - began < 30
    assert found["events"] >= 1
    slow = shell(stack, START)
    assert fake.pay(slow["url"], BANK_GOOD, bank=True).status_code == 303
    assert settled(stack, slow["id"]) | {"events": 0} == {
        "status": "paid",
        "transfers": [20 * 10**9],
        "balance": 40 * 10**9,
        "events": 0,
    }
    assert stack.manage("audit_ledger").returncode == 0


def test_the_emulator_survives_being_killed(stack):
    fake, made = emulator(stack), shell(stack, START)
    pid = stack.state["stripe"]
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while True:
        try:
            if fake.page(made["url"]).status_code == 200:
                break
        except httpx.HTTPError:
            pass
        assert time.monotonic() < until
        time.sleep(0.1)
    assert fake.pay(made["url"], GOOD).status_code == 303
    assert settled(stack, made["id"])["status"] == "paid"
