"""/c/pay/{session}: show the page, take the payment, send people back."""

import re
from datetime import UTC, datetime
from urllib.parse import parse_qs

from xroute.embedded.provider.client import Client, Header
from xroute.embedded.stripe import page
from xroute.embedded.stripe.payments import Payments
from xroute.embedded.stripe.store import Object, Store

HTML: Header = (b"content-type", b"text/html; charset=utf-8")
CSS: Header = (b"content-type", b"text/css; charset=utf-8")
EXPIRY = re.compile(r"(0[1-9]|1[0-2]) ?/ ?(?:20)?([0-9]{2})")
GUARDS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class Hosted:
    def __init__(self, store: Store, payments: Payments) -> None:
        self._store, self._payments = store, payments

    async def style(self, client: Client) -> None:
        await client.answer(200, page.STYLE.encode(), *GUARDS, kind=CSS)

    async def show(self, session_id: str, client: Client) -> None:
        session = self._find(session_id)
        if session is None or session["status"] == "expired":
            await self._answer(client, 404, page.closed("This page has expired", "Start the payment again."), None)
        elif session["status"] == "complete":
            await self._back(client, session)
        else:
            await self._answer(client, 200, page.form(session), session)

    async def pay(self, session_id: str, client: Client) -> None:
        session = self._find(session_id)
        if session is None or session["status"] != "open":
            await self.show(session_id, client)  # paid or expired meanwhile: nothing is taken twice
            return
        fields = {name: values[-1][:100] for name, values in parse_qs((await client.read()).decode("latin-1")).items()}
        if error := self._take(session, fields):
            typed = {name: fields.get(name, "") for name in ("method", "number", "account")}
            await self._answer(client, 402, page.form(session, error=error, **typed), session)
        else:
            await self._back(client, session)

    def _take(self, session: Object, fields: dict[str, str]) -> str:
        """Why not; "" where it is taken."""
        if session["billing_address_collection"] == "required":
            if not fields.get("line") or not re.fullmatch("[A-Za-z]{2}", fields.get("country", "")):
                return "Your billing address is incomplete."
            self._payments.bill_to(session, {"line1": fields["line"], "country": fields["country"]})
        if fields.get("method") == "bank":
            return self._payments.pay_by_bank(session, fields.get("account", ""))
        found = EXPIRY.fullmatch(fields.get("expiry", "").strip())
        today = datetime.now(UTC)
        if not found or (2000 + int(found[2]), int(found[1])) < (today.year, today.month):
            return "Your card's expiration date is invalid."
        if not re.fullmatch("[0-9]{3,4}", fields.get("cvc", "")):
            return "Your card's security code is invalid."
        month, year = int(found[1]), 2000 + int(found[2])
        return self._payments.pay_by_card(session, fields.get("number", ""), exp_month=month, exp_year=year)

    def _find(self, session_id: str) -> Object | None:
        found = self._store.get(session_id, "checkout.session")
        return self._payments.look(found) if found else None

    async def _back(self, client: Client, session: Object) -> None:
        where = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
        csp = (b"content-security-policy", page.policy(session))
        await client.answer(303, b"", (b"location", where.encode()), csp, *GUARDS, kind=HTML)

    async def _answer(self, client: Client, status: int, text: str, session: Object | None) -> None:
        csp = (b"content-security-policy", page.policy(session))
        await client.answer(status, text.encode(), csp, *GUARDS, kind=HTML)
