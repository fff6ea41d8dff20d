"""The Stripe emulator as tests drive it: what people do on its page, and how it is told to misbehave."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.processes import Process, spawn
from xroute.embedded.home import free_port

GOOD, DECLINED = "4242 4242 4242 4242", "4000000000000002"
BANK_GOOD, BANK_BAD = "000123456789", "000111111116"


def start_emulator(folder: Path, port: int | None = None, *more: str, settle_s: float = 3600, **environment) -> Process:
    """Its store is folder/stripe.jsonl; bank debits end when a test says so."""
    port = port or free_port()
    command = ["-m", "xroute.embedded.stripe", "--port", str(port), "--store", str(folder / "stripe.jsonl")]
    command += ["--settle-s", str(settle_s), *more]
    return spawn(command, folder / "stripe.log", os.environ | environment, port).wait("/healthz")


@dataclass(slots=True)
class Emulator:
    process: Process

    @property
    def key(self) -> str:
        return self.process.environment["STRIPE_SECRET_KEY"]

    @property
    def url(self) -> str:
        return self.process.url

    def call(self, method: str, path: str, data=None, *, key: str | None = None, **headers) -> httpx.Response:
        """The API itself, without the library. `data` is a form's fields."""
        headers = {"Authorization": f"Bearer {self.key if key is None else key}"} | headers
        more = {"params": data} if method == "GET" else {"data": data}
        return httpx.request(method, self.url + path, headers=headers, trust_env=False, timeout=20, **more)

    def control(self, what: str, **body) -> object:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.post(f"{self.url}/_emulator/{what}", json=body, headers=headers, trust_env=False, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reset(self) -> None:
        """No trouble, no webhooks."""
        self.control("trouble")
        self.control("webhooks", url="")

    def page(self, url: str) -> httpx.Response:
        return httpx.get(url, trust_env=False, timeout=20)

    def pay(self, url: str, number: str = GOOD, *, bank: bool = False, **fields) -> httpx.Response:
        """Fill in the hosted page as a person would, from the form that it shows."""
        text = self.page(url).text
        action = re.search('action="([^"]+)"', text)
        assert action, text
        typed = dict(re.findall('<input type="text" id="[a-z]+" name="([a-z]+)".*? value="([^"]*)"', text))
        typed |= {"method": "bank" if bank else "card", "account" if bank else "number": number} | fields
        return httpx.post(self.url + action[1], data=typed, trust_env=False, timeout=20)

    def session(self, session_id: str) -> dict:
        return self.call("GET", f"/v1/checkout/sessions/{session_id}", {"expand[0]": "payment_intent"}).json()

    def events(self, about: str, kind: str = "") -> list[dict]:
        """Events about an object, oldest first."""
        found = [e for e in self.control("deliveries") if e["data"]["object"]["id"] == about]
        return [event for event in reversed(found) if not kind or event["type"] == kind]

    def charge(self, intent_id: str) -> dict:
        """The charge of a payment intent, with its line of the balance."""
        asked = {"expand[0]": "latest_charge.balance_transaction"}
        return self.call("GET", f"/v1/payment_intents/{intent_id}", asked).json()["latest_charge"]

    def lines(self, **filters) -> list[dict]:
        """Balance transactions, newest first."""
        return self.call("GET", "/v1/balance_transactions", {"limit": 100} | filters).json()["data"]

    def balance(self, currency: str = "usd") -> int:
        """Available and pending, in cents."""
        found = self.call("GET", "/v1/balance").json()
        parts = found["available"] + found["pending"]
        return sum(part["amount"] for part in parts if part["currency"] == currency)

    def stop(self) -> int:
        return self.process.stop()
