"""A real Chromium, and what no page may do in it: break the policy, log an error, load from elsewhere."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATH = "/usr/bin:/usr/local/bin:/snap/bin"
VIOLATIONS = """
window.addEventListener("securitypolicyviolation", event =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


def executable() -> str | None:
    """Chromium, where this machine has one."""
    return (
        os.environ.get("CHROMIUM") or shutil.which("chromium", path=PATH) or shutil.which("chromium-browser", path=PATH)
    )


@contextmanager
def chrome() -> Iterator[Browser]:
    """A browser of our own; it keeps its profile in a folder that goes with it."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=executable(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Window:
    """One person's window. `faults` is what must not happen; `allowed` are the origins it may meet."""

    context: BrowserContext
    page: Page
    base: str
    allowed: set[str]
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(self.base + path)
        return self.page

    def text(self) -> str:
        return self.page.inner_text("body")

    def noted(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(part in message.text for part in self.expected):
            self.faults.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and f"{parts.scheme}://{parts.netloc}" not in self.allowed:
            self.faults.append(f"foreign request: {request.url}")


@contextmanager
def window(browser: Browser, base: str, *, allowed: tuple[str, ...] = (), **options) -> Iterator[Window]:
    """A window that must end without a fault. `options` are Playwright's (viewport, color_scheme, timezone_id …)."""
    context = browser.new_context(
        **{"timezone_id": "Europe/Berlin", "viewport": {"width": 1440, "height": 900}} | options
    )
    context.add_init_script(VIOLATIONS)
    page = context.new_page()
    found = Window(context, page, base, {base, *allowed})
    page.on("console", found.noted)
    page.on("request", found.asked)
    page.on("pageerror", lambda error: found.faults.append(f"script: {error}"))
    try:
        yield found
    finally:
        context.close()
    assert not found.faults, "\n".join(found.faults)
