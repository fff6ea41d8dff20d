"""A person who has never seen the project: from the set-up link to a billed call in the chart, in a real browser."""

import re
import time
from decimal import Decimal

import openai
import pytest

from tests.browser.chrome import Window, window
from tests.emulator import GOOD
from tests.stack import Stack

PASSWORD = "a long enough password 42"
SHOWS_MS = 10_000  # a call shows within ten seconds, without a reload


@pytest.fixture
def person(browser, stack, checkout):
    with window(browser, stack.url, allowed=(checkout,)) as found:
        yield found


@pytest.fixture(scope="module")
def checkout(stack) -> str:
    """The origin of the payment page."""
    values = dict(line.split("=", 1) for line in (stack.data / "installation.env").read_text().splitlines())
    return f"http://127.0.0.1:{values['STRIPE_PORT']}"


def balance(person: Window) -> Decimal:
    """The exact balance that the credits page shows."""
    person.go("/credits")
    return Decimal(person.page.locator("tr:has-text('Exactly') td").inner_text().removeprefix("$").replace(",", ""))


def printed_link(stack: Stack) -> str:
    """The set-up link that `make run` prints once it serves."""
    until = time.monotonic() + 30
    while not (found := re.findall(r"http://localhost:\d+/setup\?token=\S+", stack.output.read_text())):
        assert time.monotonic() < until, stack.output.read_text()
        time.sleep(0.1)
    return found[0]


def set_up(person: Window, link: str) -> None:
    """The operator's first minutes: an account by the printed link, then each step."""
    page = person.page
    page.goto(link)
    page.get_by_label("E-mail address").fill("operator@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    page.get_by_label("Name").fill("Acme AI")
    page.get_by_role("button", name="Save and go on").click()
    for step in ("Public address", "Sign-up"):
        page.get_by_role("heading", name=step).wait_for()
        page.get_by_role("link", name="Skip", exact=True).click()
    page.get_by_role("button", name="Send a test mail").click()
    page.get_by_role("link", name="Skip", exact=True).click()
    page.get_by_role("heading", name="Provider key").wait_for()
    page.get_by_role("button", name="Finish").click()
    page.get_by_text("The installation is set up").wait_for()
    page.goto(link)
    page.get_by_role("heading", name="This set-up link is void").wait_for()


def sign_up(person: Window, email: str) -> None:
    page = person.go("/")
    page.get_by_role("link", name="Get an API key").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.get_by_role("link", name="Open the demo mailbox").click()
    page.get_by_role("row", name=re.compile(email)).get_by_role("link").first.click()
    page.locator("main a[href*='/account/confirm-email/']").first.click()
    page.get_by_role("button", name="Confirm").click()
    if "/account/login" in page.url:
        log_in(person, email)


def log_in(person: Window, email: str) -> None:
    page = person.page
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def make_key(person: Window) -> str:
    page = person.go("/keys")
    page.get_by_role("link", name="Make a key").click()
    page.get_by_label("Name").fill("First key")
    page.get_by_role("button", name="Make the key").click()
    secret = page.locator("#secret").inner_text()
    assert secret in page.locator("#made-code-python").text_content()
    page.get_by_role("link", name="I have saved it").click()
    assert secret not in page.content()
    return secret


def buy(person: Window, amount: str) -> None:
    page = person.go("/credits")
    page.get_by_text(amount, exact=True).click()
    page.get_by_role("button", name="Go to payment").click()
    page.get_by_label("Card number").fill(GOOD)
    page.get_by_role("button", name=re.compile("Pay")).first.click()
    page.get_by_role("heading", name=f"{amount}.00 was added").wait_for(timeout=SHOWS_MS)


def test_from_the_set_up_link_to_the_chart_and_the_balance_changed_by_exactly_the_cost(browser, person, stack):
    link = printed_link(stack)
    with window(browser, stack.url) as operator:
        operator.expected.append("status of 410")
        set_up(operator, link)
    sign_up(person, "first@example.com")
    assert "Acme AI" in person.page.locator(".xr-brand").first.inner_text()
    page = person.go("/overview")
    assert "$1.00" in page.locator("main").inner_text()  # the demo's gift for a confirmed address
    secret = make_key(person)
    buy(person, "$20")
    before = balance(person)
    assert before == 21

    page = person.go("/usage")
    client = openai.OpenAI(base_url=f"{stack.url}/openai/v1", api_key=secret, max_retries=0)
    answer = client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "Say hello"}])
    cost = Decimal(str(answer.usage.cost))
    assert cost > 0
    page.get_by_role("cell", name="openai/gpt-5").first.wait_for(timeout=SHOWS_MS)
    assert before - balance(person) == cost

    row = person.go("/keys").get_by_role("row", name=re.compile("First key"))
    assert Decimal(row.locator("td[title]").get_attribute("title").removeprefix("$")) == cost
    row.get_by_label("Actions for First key").click()
    row.get_by_role("button", name="Revoke").click()
    page.locator("dialog#revoke").get_by_role("button", name="Revoke").click()
    page.get_by_text("is revoked").wait_for()
    refused(client)


def refused(client: openai.OpenAI) -> None:
    """Within five seconds of its revocation the key is refused."""
    until, code = time.monotonic() + 5, ""
    while not code and time.monotonic() < until:
        try:
            client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "again"}])
            time.sleep(0.2)
        except openai.AuthenticationError as error:
            code = error.code
    assert code == "key_revoked"


def test_the_page_of_a_new_key_is_not_left_by_accident(person, stack):
    sign_up(person, "second@example.com")
    page = person.go("/keys/new")
    page.get_by_label("Name").fill("Guarded")
    page.get_by_role("button", name="Make the key").click()
    asked: list[str] = []

    def stay(dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_role("link", name="Usage").first.click()
    page.locator("#secret").wait_for()
    assert asked == ["beforeunload"]
    page.get_by_role("link", name="I have saved it").click()
    page.wait_for_url("**/keys")
    assert asked == ["beforeunload"]


def test_copying_works_without_the_clipboard_api(browser, stack):
    with window(browser, stack.url) as person:
        person.context.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined});")
        page = person.go("/")
        page.evaluate("document.addEventListener('copy', () => { window.copied = String(document.getSelection()); })")
        page.get_by_role("button", name="Copy").first.click()
        page.get_by_text("Copied").wait_for()


def test_the_theme_follows_the_system_and_the_choice_is_kept(browser, stack):
    with window(browser, stack.url, color_scheme="dark") as person:
        page = person.go("/")
        assert page.get_attribute("html", "data-bs-theme") == "dark"
        page.locator("[data-theme-toggle]").last.click()
        assert page.get_attribute("html", "data-bs-theme") == "light"
        person.go("/models")
        assert page.get_attribute("html", "data-bs-theme") == "light"
