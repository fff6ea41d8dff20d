"""POST /_emulator/…: misbehave, for tests. Opened by the secret key, so that no web page can do it."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from xroute.embedded.stripe import objects
from xroute.embedded.stripe.deliver import Deliverer, Manner
from xroute.embedded.stripe.elsewhere import Elsewhere
from xroute.embedded.stripe.intents import Intents
from xroute.embedded.stripe.payments import Payments
from xroute.embedded.stripe.reversals import Reversals
from xroute.embedded.stripe.store import Store
from xroute.embedded.stripe.tax import RATE_PPM, Tax
from xroute.embedded.stripe.wire import Refused, missing


@dataclass(slots=True)
class Trouble:
    """The next `times` calls below `path` answer `status`; `after` it was done all the same, `wait_s` later."""

    times: int = 0
    status: int = 500
    path: str = "/v1/"
    after: bool = False
    wait_s: float = 0.0

    def strikes(self, path: str) -> bool:
        if self.times <= 0 or not path.startswith(self.path):
            return False
        self.times -= 1
        return True


class Control:
    def __init__(
        self,
        store: Store,
        payments: Payments,
        intents: Intents,
        tax: Tax,
        deliverer: Deliverer,
        elsewhere: Elsewhere,
        reversals: Reversals,
    ) -> None:
        self._store, self._payments, self._deliverer, self._elsewhere = store, payments, deliverer, elsewhere
        self._intents, self._tax, self._reversals = intents, tax, reversals
        self.trouble = Trouble()

    def answer(self, what: list[str], raw: bytes) -> object:
        """Do it, and say how things stand. Raises Refused."""
        try:
            return self._answer(what, dict(orjson.loads(raw or b"{}")))
        except (TypeError, ValueError) as error:
            raise Refused(str(error)) from None

    def _answer(self, what: list[str], body: dict[str, Any]) -> object:
        match what:
            case ["webhooks"]:
                self._deliverer.url = body.pop("url", self._deliverer.url)
                self._deliverer.behave(replace(Manner(), **body))
                return {"url": self._deliverer.url, **asdict(self._deliverer.manner)}
            case ["trouble"]:
                self.trouble = replace(Trouble(), **body)
                return asdict(self.trouble)
            case ["objects"]:
                return self._store.put(body)  # one that no call makes
            case ["objects", object_id]:
                found = self._store.any(object_id)
                if found is None:
                    raise missing("object", object_id)
                found.update(body)
                return self._store.put(found)
            case ["charges"]:
                self._intents.outcome = str(body.get("outcome", "succeeded"))
                return {"outcome": self._intents.outcome}
            case ["tax"]:
                self._tax.rate_ppm = int(body.get("rate_ppm", RATE_PPM))
                return {"rate_ppm": self._tax.rate_ppm}
            case ["settle", intent_id] if intent := self._store.get(intent_id, "payment_intent"):
                self._intents.settle(intent, **body)
                return objects.public(intent)
            case ["settle", session_id]:
                session = self._store.get(session_id, "checkout.session")
                if session is None:
                    raise missing("checkout.session", session_id)
                self._payments.settle(session, **body)
                return objects.public(session)
            case ["emit", kind, object_id]:
                found = self._store.any(object_id)
                if found is None:
                    raise missing("object", object_id)
                self._deliverer.emit(kind, found)
                return {}
            case ["send", event_id]:
                event = self._store.get(event_id, "event")
                if event is None:
                    raise missing("event", event_id)
                self._deliverer.send(event)
                return {}
            case ["release"]:
                return {"sent": self._deliverer.release(**body)}
            case ["payout"]:
                return objects.public(self._elsewhere.payout(**body))
            case ["payout_fail", payout_id]:
                return objects.public(self._elsewhere.payout_fail(payout_id))
            case ["line"]:
                return objects.public(self._elsewhere.line(**body))
            case ["sale"]:
                return objects.public(self._elsewhere.sale(**body))
            case ["refund"]:
                return objects.public(self._reversals.refund_create({k: str(v) for k, v in body.items()}))
            case ["refund", refund_id]:
                return objects.public(self._reversals.refund_end(refund_id, **body))
            case ["dispute"]:
                return objects.public(self._reversals.dispute_open(**body))
            case ["dispute", dispute_id]:
                return objects.public(self._reversals.dispute_move(dispute_id, **body))
            case ["deliveries"]:
                events = self._store.newest("event")
                return [{**objects.public(e), "state": e["_state"], "tries": e.get("_tries", 0)} for e in events]
        raise Refused("There is no such control.", status=404)
