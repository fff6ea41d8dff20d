"""A payment from the buy button to its receipt, and the ids of what it left behind, for pages that are of one thing."""

import json
import time

import httpx

from tests.browser.people import Visitor
from tests.emulator import GOOD
from tests.stack import Stack

TOKEN, WAIT_S = "x" * 32, 60
LEFT = """
import json
from billing.audit_runs import audit_begin, audit_perform
from billing.models import Payment, StripeEvent
from billing.papers.receipts import receipt_issue
payment = Payment.objects.get(pk={payment!r})
receipt_issue(payment=payment)
event = StripeEvent.objects.filter(payload__data__object__id=payment.session_id).first()
run = audit_perform(run=audit_begin()[0]) if event else None
month = f"{{payment.paid_at:%Y-%-m}}"
print(json.dumps(dict(payment=str(payment.pk), event=event and event.pk, audit=run and run.pk, month=month)))
"""


def paid(stack: Stack, who: Visitor) -> dict[str, str]:
    """Buy 20 USD as `who`. What fills `{payment}`, `{event}`, `{audit}` and `{month}` in a path."""
    cookies = {"sessionid": who.session, "csrftoken": TOKEN}
    with httpx.Client(base_url=stack.url, cookies=cookies, trust_env=False, timeout=30) as client:
        asked = client.post("/credits/buy", data={"amount": "20", "csrfmiddlewaretoken": TOKEN})
        typed = {"method": "card", "number": GOOD, "expiry": "12 / 40", "cvc": "123"}
        answer = httpx.post(asked.headers["location"], data=typed, trust_env=False, timeout=30)
        path = httpx.URL(answer.headers["location"]).path
        until = time.monotonic() + WAIT_S
        while "was added" not in client.get(path).text or not (left := _left(stack, path.rsplit("/", 1)[1]))["event"]:
            assert time.monotonic() < until, "the payment or its event did not come"
            time.sleep(0.5)
    return left


def _left(stack: Stack, payment_id: str) -> dict[str, str]:
    done = stack.manage("shell", "-v", "0", "-c", LEFT.format(payment=payment_id))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
