"""What can go wrong with Stripe, mapped once (client/calling.py).

StripeError
 ├─ StripeDown: no answer, or an answer that may be another next time; the outcome is unknown
 └─ StripeRefused: a definite no; `status`, `code` and `param` are Stripe's
PaymentRefused: ours, with a sentence for the person who asked
BadSignature: what came to the webhook is not Stripe's
Parked, Foreign: what an event asks for is not done, and trying again by itself would not help
"""


class StripeError(Exception):
    """Its text is for operators."""


class StripeDown(StripeError):
    pass


class StripeRefused(StripeError):
    def __init__(self, message: str, *, status: int, code: str, param: str) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param


class PaymentRefused(Exception):
    """Its text is for the person who asked."""


class BadSignature(Exception):
    """Its text is for the log; it never holds the body."""


class Parked(Exception):
    """The event needs a person; its text says why."""


class Foreign(Exception):
    """The event is about something that is not ours: a Stripe account may serve another shop too."""
