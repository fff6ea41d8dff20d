"""How a sweep asks Stripe about rows that have not come to their end: one by one, and old ones ever more rarely."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.conf import settings
from django.db.models import F, Model, QuerySet
from django.db.models.functions import Greatest, Least, Now

from billing.stripe.errors import StripeDown, StripeError, StripeRefused

logger = logging.getLogger("xroute.billing")
RECHECK_MAX = timedelta(hours=1)
Row = TypeVar("Row", bound=Model)


def ask_due(rows: "QuerySet[Row]", *, limit: int, what: str, ask: Callable[[Row], object]) -> int:
    """Ask about those whose `checked_at` is long enough ago: after a minute, then ever more rarely. How many.

    One that cannot be asked about stops no other; Stripe's silence, or its no to our key, ends the round.
    """
    pause = Least(Greatest((Now() - F("created_at")) / 10, timedelta(seconds=settings.STRIPE_RECHECK_S)), RECHECK_MAX)
    asked = 0
    for row in rows.filter(checked_at__lte=Now() - pause).order_by("checked_at")[:limit]:
        type(row)._default_manager.filter(pk=row.pk).update(checked_at=Now())
        asked += 1
        try:
            ask(row)
        except StripeDown as error:
            logger.warning("%ss are not checked: %s", what, error)
            break
        except (StripeError, ValueError) as error:
            logger.error("ALERT %s %s could not be checked: %s", what, row.pk, error)
            if isinstance(error, StripeRefused) and error.status in (401, 403):
                break  # our key: it would be the same for each
        except Exception:
            logger.exception("ALERT %s %s could not be checked; the others are", what, row.pk)
    return asked
