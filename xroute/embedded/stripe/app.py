"""The ASGI application: the API, the hosted page, and the controls, for this machine only."""

import asyncio
import hmac
import logging

import orjson

from xroute.api import demo
from xroute.embedded.provider.client import Client, Left, Message, Receive, Send, TooLarge
from xroute.embedded.stripe.api import Api
from xroute.embedded.stripe.balance import Balance
from xroute.embedded.stripe.charges import Charges
from xroute.embedded.stripe.control import Control
from xroute.embedded.stripe.deliver import Deliverer
from xroute.embedded.stripe.elsewhere import Elsewhere
from xroute.embedded.stripe.hosted import Hosted
from xroute.embedded.stripe.idempotency import Answers
from xroute.embedded.stripe.intents import Intents
from xroute.embedded.stripe.payments import Payments
from xroute.embedded.stripe.reversals import Reversals
from xroute.embedded.stripe.store import Store, new_id
from xroute.embedded.stripe.tax import Tax
from xroute.embedded.stripe.wire import Refused, decode

logger = logging.getLogger("xroute.stripe")


class Emulator:
    """`settle_s` after someone paid by bank debit, that ends."""

    def __init__(
        self, store: Store, *, base_url: str, webhook_url: str, key: str, secret: str, settle_s: float
    ) -> None:
        self._store, self._key, self._settle_s = store, key, settle_s
        self._deliverer = Deliverer(store, webhook_url, secret)
        balance = Balance(store)
        charges = Charges(store, balance, self._deliverer.emit)
        tax, intents = Tax(store), Intents(store, charges, self._deliverer.emit)
        self._payments = Payments(store, charges, tax, self._deliverer.emit, self._settle_later)
        reversals = Reversals(store, balance, self._deliverer.emit)
        self._api = Api(store, self._payments, intents, tax, balance, reversals, base_url)
        self._hosted = Hosted(store, self._payments)
        elsewhere = Elsewhere(store, balance, charges, self._deliverer.emit)
        self._control = Control(store, self._payments, intents, tax, self._deliverer, elsewhere, reversals)
        self._answers = Answers(store)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        client = Client(receive, send, [(b"request-id", new_id("req").encode())])
        try:
            await self._answer(scope, client)
        except Refused as refused:
            await client.answer(refused.status, refused.body)
        except TooLarge:
            await client.answer(413, Refused("Request body too large.").body)
        except Left:
            pass
        finally:
            client.close()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._deliverer.start()
        for session in self._store.newest("checkout.session", lambda found: "_outcome" in found):
            self._settle_later(session["id"], session["_outcome"])
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._deliverer.stop()
        self._store.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Message, client: Client) -> None:
        if why := demo.refusal(scope):
            raise Refused(why, status=403)
        method, path = scope["method"], scope["path"]
        match (method, *path.strip("/").split("/")):
            case ("GET", "healthz"):
                await client.answer(200, b"{}")
            case ("GET", "c", "style.css"):
                await self._hosted.style(client)
            case ("GET", "c", "pay", session_id):
                await self._hosted.show(session_id, client)
            case ("POST", "c", "pay", session_id):
                await self._hosted.pay(session_id, client)
            case ("POST", "_emulator", *what):
                self._authorize(scope)
                answer = self._control.answer(what, await client.read())
                await client.answer(200, orjson.dumps(answer))
            case (_, "v1", *_):
                self._authorize(scope)
                await self._call(method, path, scope, client)
            case _:
                raise Refused(f"Unrecognized request URL ({method}: {path}).", status=404)

    async def _call(self, method: str, path: str, scope: Message, client: Client) -> None:
        """One call of the API; in trouble an error, before or after it is done."""
        text = (await client.read() if method == "POST" else scope["query_string"]).decode("latin-1")
        key = dict(scope["headers"]).get(b"idempotency-key", b"").decode("latin-1")
        trouble = self._control.trouble
        strikes = trouble.strikes(path)
        if strikes and not trouble.after:
            await asyncio.sleep(trouble.wait_s)
            raise _trouble(trouble.status)
        params = decode(text)
        status, body = self._answers.once(key, method, path, params, lambda: self._api.answer(method, path, params))
        if strikes:
            await asyncio.sleep(trouble.wait_s)
            raise _trouble(trouble.status)
        await client.answer(status, body)

    def _authorize(self, scope: Message) -> None:
        header = dict(scope["headers"]).get(b"authorization", b"")
        scheme, _, given = header.partition(b" ")
        if scheme.lower() != b"bearer" or not given:
            raise Refused("You did not provide an API key.", status=401)
        if not hmac.compare_digest(given.strip(), self._key.encode()):
            raise Refused(f"Invalid API Key provided: {given[:8].decode('latin-1')}***", status=401)

    def _settle_later(self, session_id: str, outcome: str) -> None:
        session = self._api.session(session_id)
        session["_outcome"] = outcome  # also after a restart
        self._store.put(session)
        asyncio.get_running_loop().call_later(self._settle_s, self._settle, session_id, outcome)

    def _settle(self, session_id: str, outcome: str) -> None:
        session = self._api.session(session_id)
        self._payments.settle(session, outcome)
        session.pop("_outcome", None)
        self._store.put(session)


def _trouble(status: int) -> Refused:
    kind = {429: "rate_limit_error", 401: "invalid_request_error"}.get(status, "api_error")
    return Refused("An error on demand.", status=status, kind=kind)
