"""Nobody learns from us who has an account, and nobody tries passwords at leisure."""

import re
from statistics import median
from time import perf_counter

from django.core.cache import cache

from tests.accounts.people import Browser, address, mails_to, newest_mail

MOVING = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"|[0-9a-f]{12}@example\.com')


def seen(page) -> tuple:
    """What an observer can compare of an answer: all but its random parts."""
    steps = [(answer.status_code, answer.headers.get("location")) for answer in [*page.history, page]]
    lines = [line for step in [*page.history, page] for line in step.headers.get_list("set-cookie")]
    cookies = sorted(line.partition("=")[0] for line in lines)
    return steps, cookies, MOVING.sub("", page.text)


async def known(browser: Browser) -> str:
    email = address()
    await browser.sign_up(email)
    await browser.confirm(email)
    return email


async def test_sign_up_looks_the_same_for_a_known_address_and_tells_its_owner(browsers, web):
    email = await known(browsers(web))
    before = len(await mails_to(email))
    new = await browsers(web).sign_up(address())
    old = await browsers(web).sign_up(email)
    assert "Look into your mailbox" in old.text
    assert seen(old) == seen(new)
    # The confirmation took this address's one mail a minute: the answer is the same, and the mail comes a minute later.
    assert len(await mails_to(email)) == before
    cache.clear()
    old = await browsers(web).sign_up(email)
    assert seen(old) == seen(new)
    assert (await newest_mail(email)).subject.startswith("You have an account already")


async def test_the_owner_of_an_unconfirmed_address_is_told_how_to_get_in(browsers, web, settings):
    email = address()
    await browsers(web).sign_up(email)
    cache.clear()  # a minute passes
    await browsers(web).sign_up(email, "somebody-elses-password-1")
    mail = await newest_mail(email)
    assert mail.subject.startswith("You have an account already")
    assert "not confirmed yet" in mail.text
    assert "/account/password/reset/" in mail.text


async def test_log_in_looks_the_same_for_an_unknown_address_and_a_wrong_password(browsers, web):
    email = await known(browsers(web))
    wrong = await browsers(web).log_in(email, "wrong-password-1")
    unknown = await browsers(web).log_in(address(), "wrong-password-1")
    assert "do not belong together" in wrong.text
    assert seen(wrong) == seen(unknown)


async def test_a_reset_looks_the_same_for_an_unknown_address(browsers, web):
    email = await known(browsers(web))
    right = await browsers(web).send("/account/password/reset/", email=email)
    unknown = await browsers(web).send("/account/password/reset/", email=address())
    assert seen(right) == seen(unknown)


async def test_a_known_address_takes_as_long_to_refuse_as_a_new_one_to_take(browsers, web):
    """Without the same work for both, the known address answers in a third of the time (argon2 is left out)."""
    email = await known(browsers(web))

    async def took_s(address_of) -> float:
        times = []
        for _ in range(5):
            browser = browsers(web)
            page = await browser.open("/account/signup/")
            before = perf_counter()
            await browser.submit(page, "/account/signup/", email=address_of(), password1="correct-horse-battery-9")
            times.append(perf_counter() - before)
        return median(times)

    new, old = await took_s(address), await took_s(lambda: email)
    assert old > new * 0.4, (old, new)


async def test_log_ins_are_slowed_down_by_address_of_the_caller(browsers, web):
    caller = browsers(web)
    page = await caller.open("/account/login/")
    for _ in range(31):
        sent = await caller.submit(page, "/account/login/", login=address(), password="wrong-password-1")
        if sent.status_code == 429:
            break
    assert sent.status_code == 429
    assert "Too many tries" in sent.text
    assert sent.headers["retry-after"] == "300"


async def test_sign_ups_and_resets_from_one_address_are_slowed_down(browsers, web):
    for path, form in (("/account/signup/", {"password1": "x"}), ("/account/password/reset/", {})):
        caller = browsers(web)
        page = await caller.open(path)
        answers = [await caller.submit(page, path, email=f"{path[-4:-1]}", **form) for _ in range(22)]
        if path == "/account/signup/":
            assert answers[-1].status_code == 429
            assert "Too many tries" in answers[-1].text
            assert answers[0].status_code == 422
            continue
        email = address()
        sent = [await caller.submit(page, path, email=email) for _ in range(6)]
        assert [answer.status_code for answer in sent][-1] == 429
