"""`make screenshots`: every page at three sizes in both themes, from demo data, into docs/screenshots/.

Fails on two identical pictures, on a console error, and on a page that loads from elsewhere.
"""

import hashlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.calling import called
from tests.browser.chrome import chrome, executable, window
from tests.browser.pages import PAGES, Shown
from tests.browser.paying import paid
from tests.browser.people import Visitor, visitor
from tests.stack import Stack, running
from xroute.embedded.home import PROJECT

FOLDER = PROJECT / "docs" / "screenshots"
SIZES = ((380, 800), (768, 1024), (1440, 900))
THEMES = ("light", "dark")
SETTLE_MS = 500


def main() -> int:
    if executable() is None:
        sys.exit("make screenshots needs Chromium: apt-get install chromium, or name one in CHROMIUM.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="xroute-shots-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with running(folder / "data") as stack, chrome() as browser:
            made = [path for shown, cast in _pages(stack) for path in _shoot(browser, stack, shown, cast)]
    twins = _twins(made)
    for one, other in twins:
        print(f"FAULT {one.name} and {other.name} are the same picture")
    print(f"{len(made)} pictures in {FOLDER}")
    return 1 if twins else 0


def _pages(stack: Stack) -> list[tuple[Shown, Visitor | None]]:
    cast = {
        "nobody": None,
        "owner": visitor(stack, "ada@example.com", credit_usd=50),
        "broke": visitor(stack, "newcomer@example.com"),
        "operator": visitor(stack, "operator@example.com", operator=True, credit_usd=5),
    }
    done = stack.manage("demo_data", "ada@example.com")
    if done.returncode:
        sys.exit(done.stderr)
    left = paid(stack, cast["owner"]) | called(stack, cast["owner"].email)
    return [(replace(shown, path=shown.path.format(**left)), cast[shown.who]) for shown in PAGES]


def _shoot(browser: Browser, stack: Stack, shown: Shown, who: Visitor | None) -> list[Path]:
    made = []
    for theme in THEMES:
        with window(browser, stack.url, color_scheme=theme) as person:
            if shown.status >= 400:
                person.expected.append(f"status of {shown.status}")
            if who is not None:
                person.context.add_cookies([who.cookie(stack.url)])
            for width, height in SIZES:
                person.page.set_viewport_size({"width": width, "height": height})
                person.go(shown.path).wait_for_timeout(SETTLE_MS)
                made.append(FOLDER / f"{shown.name}-{width}-{theme}.png")
                person.page.screenshot(path=made[-1], full_page=True)
                print(made[-1].name, flush=True)
    return made


def _twins(paths: list[Path]) -> list[tuple[Path, Path]]:
    """Pairs of identical pictures: a page that showed another, or a theme that did nothing."""
    seen: dict[str, Path] = {}
    found = []
    for path in paths:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest in seen:
            found.append((seen[digest], path))
        seen.setdefault(digest, path)
    return found


if __name__ == "__main__":
    sys.exit(main())
