"""/credits/auto: owners and admins choose, members look on, strangers see their own; a pause is told on every page."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from billing.models import AutoTopUp, Payment, StripeCustomer

ROUTES = ("/credits/auto/save", "/credits/auto/resume", "/credits/auto/card/remove")
GOOD = {"enabled": "on", "threshold": "10", "amount": "20", "cap": "100"}


@pytest.fixture
def admin(make_person, owner):
    return make_person(workspace_id=owner.workspace_id, role="admin")


@pytest.fixture
def operator(make_person):
    from accounts.models import User

    person = make_person()
    User.objects.filter(pk=person.user_id).update(is_staff=True)
    return person


def card_of(person) -> StripeCustomer:
    return StripeCustomer.objects.create(
        workspace_id=person.workspace_id,
        customer_id=f"cus_{uuid4().hex}",
        idempotency_key=uuid4(),
        payment_method_id="pm_x",
        card_brand="visa",
        card_last4="4242",
        card_expires="12/2034",
    )


def chosen(person) -> AutoTopUp | None:
    return AutoTopUp.objects.filter(workspace_id=person.workspace_id).first()


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_managers_choose(request, signed_in, owner, who):
    browser = signed_in(request.getfixturevalue(who))
    card_of(owner)
    assert browser.post("/credits/auto/save", GOOD).status_code == 302
    found = chosen(owner)
    assert (found.enabled, found.threshold_nanousd, found.amount_cents, found.monthly_cap_cents) == (
        True,
        10 * 10**9,
        2000,
        10_000,
    )
    text = browser.get("/credits/auto").content.decode()
    assert "Visa ending in 4242, valid until 12/2034" in text
    assert 'value="20.00"' in text


def test_members_look_on(signed_in, owner, member):
    signed_in(owner)
    card_of(owner)
    signed_in(owner).post("/credits/auto/save", GOOD)
    browser = signed_in(member)
    text = browser.get("/credits/auto").content.decode()
    assert "An owner or admin" in text
    assert "<form method" not in text.split('id="main"')[1]
    assert [browser.post(route, GOOD).status_code for route in ROUTES] == [403, 403, 403]
    assert chosen(owner).amount_cents == 2000


@pytest.mark.parametrize("who", ["stranger", "operator"])
def test_others_see_and_change_their_own_only(request, signed_in, owner, who):
    signed_in(owner)
    card_of(owner)
    signed_in(owner).post("/credits/auto/save", GOOD)
    browser = signed_in(request.getfixturevalue(who))
    assert "4242" not in browser.get("/credits/auto").content.decode()
    browser.post("/credits/auto/save", GOOD | {"enabled": "", "amount": "50", "workspace": owner.workspace_id})
    browser.post("/credits/auto/resume")
    assert (chosen(owner).enabled, chosen(owner).amount_cents) == (True, 2000)


def test_logged_out_one_is_asked_to_log_in(logged_out):
    for route in ("/credits/auto", *ROUTES):
        for answer in (logged_out.get(route), logged_out.post(route)):
            assert answer.status_code == 302
            assert answer["location"].startswith("/account/login/")


def test_nothing_is_changed_by_looking(signed_in, owner):
    assert [signed_in(owner).get(route).status_code for route in ROUTES] == [405, 405, 405]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount": "4.99"}, "from $5.00 to $10,000.00"),
        ({"amount": "10000.01", "cap": "20000"}, "from $5.00 to $10,000.00"),
        ({"threshold": "20.01"}, "no more than the amount"),
        ({"threshold": "0"}, "greater than or equal to 0.01"),
        ({"cap": "20.79"}, "at least $20.80"),
        ({"cap": ""}, "required"),
        ({"amount": "1.234"}, "2 decimal places"),
        ({"amount": "NaN"}, "is not an amount of USD"),
        ({"cap": "1e5"}, "is not an amount of USD"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(signed_in, owner, settings, change, says):
    settings.XROUTE_TOP_UP_FEE_MIN_CENTS = 80
    browser = signed_in(owner)
    card_of(owner)
    answer = browser.post("/credits/auto/save", GOOD | change)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert chosen(owner) is None


def test_without_a_card_it_cannot_be_on(signed_in, owner):
    answer = signed_in(owner).post("/credits/auto/save", GOOD)
    assert answer.status_code == 422
    assert "Save a card first" in answer.content.decode()
    assert signed_in(owner).post("/credits/auto/save", GOOD | {"enabled": ""}).status_code == 302


def test_a_pause_is_on_every_page_until_someone_resumes_it(signed_in, owner, member):
    says = "Auto top-up is paused"
    browser = signed_in(owner)
    card_of(owner)
    browser.post("/credits/auto/save", GOOD)
    assert says not in browser.get("/overview").content.decode()
    AutoTopUp.objects.filter(workspace_id=owner.workspace_id).update(paused_at=Now(), pause_reason="It has expired.")
    assert says in browser.get("/overview").content.decode()
    assert says not in signed_in(member).get("/overview").content.decode()
    text = browser.get("/credits/auto").content.decode()
    assert "It has expired." in text
    assert "Resume with this card" in text
    assert browser.post("/credits/auto/resume").status_code == 302
    assert (chosen(owner).paused_at, chosen(owner).pause_reason) == (None, "")
    assert says not in browser.get("/overview").content.decode()


def test_the_page_asks_little(signed_in, owner, django_assert_max_num_queries):
    browser = signed_in(owner)
    card_of(owner)
    for number in range(12):
        Payment.objects.create(
            workspace_id=owner.workspace_id,
            amount_cents=500,
            amount_nanousd=5 * 10**9,
            idempotency_key=uuid4(),
            origin="auto",
            status="failed",
            error=f"reason {number}",
        )
    browser.get("/credits/auto")
    with django_assert_max_num_queries(9):
        assert browser.get("/credits/auto").content.decode().count("reason ") == 8


@pytest.mark.commits
def test_a_fee_is_told_before_payment_and_the_tick_counts(signed_in, owner, emulator, settings):
    settings.XROUTE_TOP_UP_FEE_PERCENT, settings.XROUTE_TOP_UP_FEE_MIN_CENTS = Decimal("5.50"), 80
    settings.XROUTE_STRIPE_TAX = True
    browser = signed_in(owner)
    text = browser.get("/credits").content.decode()
    assert "A fee of 5.5 %, at least $0.80, is added, and tax where it applies" in text
    assert "$20: you pay $21.10" in text
    assert 'data-ppm="55000" data-min-cents="80" data-taxed="1"' in text
    browser.post("/credits/buy", {"amount": "20", "save_card": "on"})
    made = Payment.objects.filter(workspace_id=owner.workspace_id).latest("created_at")
    assert (made.fee_cents, made.save_card) == (110, True)
    page = browser.get(f"/credits/payments/{made.pk}", {"from": "cancel"}).content.decode()
    assert "To pay: $21.10 = $20.00 credit + $1.10 fee + tax where it applies" in page
    assert "Top-up fee" in emulator.page(made.url).text


@pytest.mark.commits
def test_a_card_is_removed_at_stripe_or_the_page_says_it_is_not(signed_in, owner, emulator, settings):
    browser = signed_in(owner)
    browser.post("/credits/buy", {"amount": "20", "save_card": "on"})
    made = Payment.objects.filter(workspace_id=owner.workspace_id).latest("created_at")
    emulator.pay(made.url)
    Payment.objects.filter(pk=made.pk).update(checked_at="2020-01-01T00:00Z")
    browser.get(f"/credits/payments/{made.pk}")
    assert "ending in 4242" in browser.get("/credits/auto").content.decode()
    where, settings.STRIPE_API_BASE, settings.STRIPE_RETRIES_MAX = settings.STRIPE_API_BASE, "http://127.0.0.1:9", 0
    text = browser.post("/credits/auto/card/remove", follow=True).content.decode()
    assert "not removed yet" in text
    assert "ending in 4242" in text
    settings.STRIPE_API_BASE = where
    text = browser.post("/credits/auto/card/remove", follow=True).content.decode()
    assert "The card is removed" in text
    assert "ending in 4242" not in text
