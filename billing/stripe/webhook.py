"""POST /stripe/webhook: verify, store, answer. What an event does comes later (events.py).

The event is committed before the answer, so that nothing of ours can lose it; a duplicate is no news.
"""

import json
import logging
import threading

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.models import StripeEvent
from billing.stripe.client import payments_enabled
from billing.stripe.errors import BadSignature
from billing.stripe.signature import signature_verify
from billing.stripe.stored import event_read
from billing.stripe.tasks import process_event

logger = logging.getLogger("xroute.billing")
ENQUEUE_S, ENQUEUING_MAX = 0.5, 8
_enqueuing = threading.BoundedSemaphore(ENQUEUING_MAX)


@csrf_exempt  # Stripe has no session of ours; its signature is what counts
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """200 when stored, now or before; 400 when not Stripe's or not of our mode; 503 when it cannot be stored."""
    if not payments_enabled():
        return _answer(404, "Payments are off.")
    body = request.read(settings.STRIPE_WEBHOOK_BYTES_MAX + 1)
    if len(body) > settings.STRIPE_WEBHOOK_BYTES_MAX:
        return _answer(413, "The event is too large.")
    try:
        signature_verify(body=body, header=request.headers.get("Stripe-Signature", ""))
    except BadSignature as error:
        logger.warning("a webhook was refused: %s", error)
        return _answer(400, "The signature is not valid.")
    event = _event(body)
    if event is None:
        return _answer(400, "This is no event.")
    if event.livemode != settings.STRIPE_LIVEMODE:
        logger.error("ALERT Stripe's event %s has livemode %s: keys are mixed up", event.pk, event.livemode)
        return _answer(400, "Live and test events do not mix.")
    try:
        StripeEvent.objects.bulk_create([event], ignore_conflicts=True)
    except (OperationalError, InterfaceError) as error:
        logger.error("an event could not be stored: %s", type(error).__name__)
        return _answer(503, "The event could not be stored. Send it again.")
    enqueue(str(event.pk))
    return _answer(200, "Stored.")


def _answer(status: int, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")


def _event(body: bytes) -> StripeEvent | None:
    """The event in a verified body, not saved."""
    try:
        return event_read(json.loads(body, parse_constant=_no_number))
    except (ValueError, RecursionError):
        return None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def enqueue(event_id: str) -> None:
    """Have it processed at once where Celery can be told within ENQUEUE_S; else the sweep finds it."""
    if not _enqueuing.acquire(blocking=False):
        return

    def tell() -> None:
        try:
            process_event.apply_async((event_id,), retry=False)
        except Exception as error:
            logger.warning("event %s waits for the sweep: %s", event_id, type(error).__name__)
        finally:
            _enqueuing.release()

    # A thread of its own, which nobody waits for at exit: a silent broker may hold it for long.
    teller = threading.Thread(target=tell, daemon=True, name="stripe-enqueue")
    teller.start()
    teller.join(ENQUEUE_S)
