"""What holds on every page: it opens for those it is for, fits a small screen, and can be used by everyone."""

import pytest

from tests.browser import axe
from tests.browser.calling import called
from tests.browser.chrome import window
from tests.browser.pages import PAGES
from tests.browser.paying import paid
from tests.browser.people import Visitor, visitor

SIZES = ((380, 800), (1440, 900))


@pytest.fixture(scope="module")
def cast(stack) -> dict[str, Visitor | None]:
    owner = visitor(stack, "owner@example.com", credit_usd=50)
    stack.manage("demo_data", "owner@example.com")
    return {
        "nobody": None,
        "owner": owner,
        "broke": visitor(stack, "broke@example.com"),
        "operator": visitor(stack, "operator@example.com", operator=True, credit_usd=5),
    }


@pytest.fixture(scope="module")
def left(stack, cast) -> dict[str, str]:
    return paid(stack, cast["owner"]) | called(stack, cast["owner"].email)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_a_page_opens_fits_and_can_be_used_by_everyone(browser, stack, cast, left, shown, theme):
    with window(browser, stack.url, color_scheme=theme) as person:
        person.expected.append(f"status of {shown.status}" if shown.status >= 400 else "-")
        if cast[shown.who] is not None:
            person.context.add_cookies([cast[shown.who].cookie(stack.url)])
        for width, height in SIZES:
            person.page.set_viewport_size({"width": width, "height": height})
            answer = person.page.goto(stack.url + shown.path.format(**left))
            assert answer.status == shown.status
            wider = person.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wider <= 0, f"{wider} px wider than {width}"
            assert person.page.locator("h1").count() == 1
            found = axe.faults(person.page)
            assert not found, "\n".join(found)


def test_every_page_of_a_workspace_can_be_reached_by_keyboard(browser, stack, cast):
    with window(browser, stack.url) as person:
        person.context.add_cookies([cast["owner"].cookie(stack.url)])
        page = person.go("/overview")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        reached = set()
        for _ in range(30):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.getAttribute('href')"))
        assert {"/overview", "/keys", "/usage", "/credits", "/models", "/account/"} <= reached


def test_the_menu_of_a_small_screen_opens_by_keyboard_and_closes_by_escape(browser, stack, cast):
    with window(browser, stack.url, viewport={"width": 380, "height": 800}) as person:
        person.context.add_cookies([cast["owner"].cookie(stack.url)])
        page = person.go("/overview")
        page.get_by_label("Menu").press("Enter")
        page.get_by_role("link", name="Credits").first.wait_for()
        page.keyboard.press("Escape")
        assert page.locator("details.xr-burger[open]").count() == 0
