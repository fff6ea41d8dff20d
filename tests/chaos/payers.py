"""People who buy credit while everything is killed, at an emulator whose webhooks go astray."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.browser.people import Visitor
from tests.emulator import BANK_BAD, BANK_GOOD, DECLINED, GOOD
from tests.stack import Stack
from xroute.embedded.home import open_home

PAUSE_S, MANNER_S, TIMEOUT_S, RETURNS_MAX = (0.2, 1.5), 3.0, 20.0, 3
ROUGH: tuple[dict[str, Any], ...] = (
    {},
    {"duplicate": 3},
    {"reorder": True},
    {"delay_s": 2.0},
    {"drop": True},
    {"duplicate": 2, "reorder": True},
)
TOKEN = "x" * 32
CARD, BANK, DECLINE, LEAVE = "card", "bank", "declined", "left"
WEIGHTS = {CARD: 12, BANK: 4, DECLINE: 2, LEAVE: 1}


@dataclass(slots=True)
class Payers:
    """`done` counts how payments were left; what became of them is in Stripe's book and in ours."""

    stack: Stack
    visitors: list[Visitor]
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    _stopping: bool = False

    def stop(self) -> None:
        self._stopping = True

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=jar, trust_env=False) as session:
            people = [self._person(session, number) for number in range(len(self.visitors))]
            await asyncio.gather(self._manners(session), *people)
            await self._manner(session, {})

    async def _person(self, session: aiohttp.ClientSession, number: int) -> None:
        random = Random(f"payer/{self.seed}/{number}")
        while not self._stopping:
            await asyncio.sleep(random.uniform(*PAUSE_S))
            try:
                self.done[await self._buy(session, self.visitors[number], random)] += 1
            except (aiohttp.ClientError, TimeoutError, OSError):
                self.done["cut off"] += 1

    async def _buy(self, session: aiohttp.ClientSession, who: Visitor, random: Random) -> str:
        """One top-up, as far as it comes."""
        amount = f"{random.randint(500, 4000) / 100:.2f}"
        form = {"amount": "other", "other": amount, "csrfmiddlewaretoken": TOKEN}
        headers = {"Cookie": f"sessionid={who.session}; csrftoken={TOKEN}"}
        url = f"{self.stack.url}/credits/buy"
        async with session.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            where = answer.headers.get("location", "")
        if "/c/pay/" not in where:
            return f"not started ({answer.status})"
        how = random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if how == LEAVE:
            return how
        back = await self._pay(session, where, how, random)
        if back and random.random() < 0.5:
            await self._return(session, back, headers)
        return how

    async def _pay(self, session: aiohttp.ClientSession, page: str, how: str, random: Random) -> str:
        """Fill in the hosted page; where it sends people."""
        account = random.choices((BANK_GOOD, BANK_BAD), (3, 1))[0]
        typed = {"method": "bank", "account": account} if how == BANK else {"method": "card"}
        typed |= {"number": DECLINED if how == DECLINE else GOOD, "expiry": "12 / 40", "cvc": "123"}
        async with session.post(page, data=typed, allow_redirects=False) as answer:
            return answer.headers.get("location", "")

    async def _return(self, session: aiohttp.ClientSession, back: str, headers: dict[str, str]) -> None:
        """The page that people come back to, looked at a few times; it asks Stripe by itself."""
        split = urlsplit(back)
        for _ in range(RETURNS_MAX):
            async with session.get(f"{self.stack.url}{split.path}?{split.query}", headers=headers) as answer:
                await answer.read()

    async def _manners(self, session: aiohttp.ClientSession) -> None:
        random = Random(f"manners/{self.seed}")
        while not self._stopping:
            await self._manner(session, random.choice(ROUGH))
            await asyncio.sleep(MANNER_S)

    async def _manner(self, session: aiohttp.ClientSession, manner: dict[str, Any]) -> None:
        home = open_home(self.stack.data).values
        url = f"http://127.0.0.1:{home['STRIPE_PORT']}/_emulator/webhooks"
        headers = {"Authorization": f"Bearer {home['STRIPE_SECRET_KEY']}"}
        with suppress(aiohttp.ClientError, TimeoutError, OSError):  # it has just been killed
            async with session.post(url, data=json.dumps(manner), headers=headers) as answer:
                await answer.read()
