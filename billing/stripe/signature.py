"""Whether Stripe signed what came to the webhook, lately."""

import re
import time

import stripe
from django.conf import settings

from billing.stripe.errors import BadSignature

TIMESTAMP = re.compile("[0-9]{1,12}")


def signature_verify(*, body: bytes, header: str) -> None:
    """Raises BadSignature where it is not, where the secret is empty, or where its time is too far off, either way."""
    secret, tolerance_s = settings.STRIPE_WEBHOOK_SECRET, settings.STRIPE_WEBHOOK_TOLERANCE_S
    if not secret:
        raise BadSignature("no STRIPE_WEBHOOK_SECRET is set: nothing can be verified")
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, tolerance_s)
    except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
        raise BadSignature(getattr(error, "_message", None) or "the body is not UTF-8") from None
    # The library takes a time in the future for a fresh one: what was captured could be replayed until then.
    stamps = [part.removeprefix("t=") for part in header.split(",") if part.startswith("t=")]
    if len(stamps) != 1 or not TIMESTAMP.fullmatch(stamps[0]) or int(stamps[0]) > time.time() + tolerance_s:
        raise BadSignature("its timestamp lies in the future")
