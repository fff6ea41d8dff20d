"""A person with a browser: forms filled in and sent over real HTTP, links followed out of the outbox."""

import html
import re
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
from asgiref.sync import sync_to_async

from accounts.models import OutgoingMail, User

CONFIRM = "/account/confirm-email/"
PASSWORD = "correct-horse-battery-9"
FORM = re.compile(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
LINK = re.compile(r"https?://\S+")


def address() -> str:
    return f"{uuid4().hex[:12]}@example.com"


@dataclass
class Browser:
    """Cookies, and the page that is open."""

    http: httpx.AsyncClient
    page: httpx.Response | None = field(default=None)

    async def open(self, path: str) -> httpx.Response:
        self.page = await self.http.get(path, follow_redirects=True)
        return self.page

    async def send(self, path: str, **values: str) -> httpx.Response:
        """Open the page at `path` and send its form back to it, with `values` filled in."""
        return await self.submit(await self.open(path), path.partition("?")[0], **values)

    async def submit(self, page: httpx.Response, action: str, **values: str) -> httpx.Response:
        """Send the form of `page` whose action begins with `action`."""
        forms = [(html.unescape(target), body) for target, body in FORM.findall(page.text)]
        for target, body in sorted(forms, key=lambda form: form[0] != action):
            if target.startswith(action):
                hidden = {name: html.unescape(value) for name, value in HIDDEN.findall(body)}
                self.page = await self.http.post(target, data=hidden | values, follow_redirects=True)
                return self.page
        raise AssertionError(f"no form for {action} on {page.url} ({page.status_code}): {page.text[-2000:]}")

    async def sign_up(self, email: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        return await self.send("/account/signup/", email=email, password1=password, **more)

    async def log_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.send("/account/login/", login=email, password=password)

    async def proved(self, page: httpx.Response, password: str = PASSWORD) -> httpx.Response:
        """`page`, after the password where it is asked for once more."""
        if page.url.path == "/account/reauthenticate/":
            page = await self.submit(page, "/account/reauthenticate/", password=password)
        return page

    async def log_out(self) -> httpx.Response:
        return await self.send("/account/logout/")

    async def confirm(self, email: str) -> httpx.Response:
        """Follow the newest link to this address and press its button."""
        return await self.submit(await self.open(link_path(await newest_mail(email))), CONFIRM)


async def mails_to(email: str) -> list[OutgoingMail]:
    return await sync_to_async(lambda: list(OutgoingMail.objects.filter(to_email=email).order_by("id")))()


async def newest_mail(email: str) -> OutgoingMail:
    found = await mails_to(email)
    assert found, f"no mail to {email}"
    return found[-1]


def link_path(mail: OutgoingMail) -> str:
    """The path of the first link of a mail."""
    return "/" + LINK.findall(mail.text)[0].split("/", 3)[3]


async def user_of(email: str) -> User | None:
    return await User.objects.filter(email=email).afirst()
