"""/operator/money: for operators alone; what is shown is what the books say."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import OutgoingMail, User
from billing import audit_runs, overview
from billing.audit import Fault
from billing.models import Adjustment, AuditRun, CreditAccount, PromotionCode, StripeEvent
from billing.pages import operator_money
from tests.cast import USD
from xroute.lib.ids import new_id

GETS = ["", "/audit", "/audits/{run}", "/workspaces", "/workspaces/{workspace}", "/adjustments", "/events"]
GETS += ["/events/{event}", "/codes", "/house", "/house?reason=grants", "/house?reason=call:empty&range=all"]
POSTS = ["/audit", "/workspaces/{workspace}", "/events/again", "/events/{event}/again", "/codes", "/codes/{code}/off"]


@pytest.fixture
def operator(make_person, signed_in):
    person = make_person()
    User.objects.filter(pk=person.user_id).update(is_staff=True)
    return signed_in(person)


@pytest.fixture
def names(owner, database) -> dict:
    event = StripeEvent.objects.create(
        id=f"evt_{uuid4().hex}", type="charge.odd", livemode=False, payload={"customer": "Ada's <b>secret</b>"},
        status="parked", error="nobody knows", attempts=3, processed_at=timezone.now(),
    )  # fmt: skip
    run = AuditRun.objects.create(count=1, faults=[{"check": "posted", "detail": "account 7"}], ended_at=timezone.now())
    code = PromotionCode.objects.create(code=f"C{uuid4().hex[:10].upper()}", amount_nanousd=USD)
    return {"event": event.pk, "run": run.pk, "code": code.pk, "workspace": owner.workspace_id}


@pytest.mark.parametrize("who", ["owner", "broke", "member", "stranger", "admin", "logged_out"])
def test_nobody_but_an_operator_comes_in(request, signed_in, make_person, owner, names, who):
    if who == "logged_out":
        browser = request.getfixturevalue("logged_out")
    elif who == "admin":
        browser = signed_in(make_person(workspace_id=owner.workspace_id, role="admin"))
    else:
        browser = signed_in(request.getfixturevalue(who))
    for send, paths in ((browser.get, GETS), (browser.post, POSTS)):
        for path in paths:
            answer = send("/operator/money" + path.format(**names))
            expected = 302 if who == "logged_out" else 403
            assert answer.status_code == expected, path
            assert b"secret" not in answer.content
    assert StripeEvent.objects.get(pk=names["event"]).status == "parked"
    assert PromotionCode.objects.get(pk=names["code"]).enabled


def test_an_operator_opens_every_page_and_what_is_unknown_is_404(operator, names):
    for path in GETS:
        assert operator.get("/operator/money" + path.format(**names)).status_code == 200, path
    for path in ("/audits/0", "/workspaces/0", "/events/evt_none", "/house?reason=usage", "/house?reason=none"):
        assert operator.get("/operator/money" + path).status_code == 404
    assert operator.post("/operator/money/events/evt_none/again").status_code == 404
    for path in ("/events/again", "/events/x/again", "/codes/1/off"):
        assert operator.get("/operator/money" + path).status_code == 405


def test_the_overview_counts_what_is_owed_either_way(operator, owner, names, django_assert_max_num_queries):
    before = overview.balances()
    CreditAccount.objects.filter(pk=owner.account_id).update(posted=-3 * USD)
    after = overview.balances()
    assert (after.owed, after.owing) == (before.owed - 100 * USD, before.owing + 3 * USD)
    with django_assert_max_num_queries(25):
        text = operator.get("/operator/money").content.decode()
    assert "Faults in the books, by the last audit: 1." in text
    assert "parked, and wait for you" in text
    assert operator.get("/operator/money", {"range": "odd"}).status_code == 200


def form(_nonce, **values):
    return {"nonce": _nonce, "kind": "grant", "amount": "2.5", "reason": "for a test"} | values


def test_a_change_is_shown_then_done_once_however_often_it_is_sent(operator, owner):
    page, nonce = f"/operator/money/workspaces/{owner.workspace_id}", new_id()
    shown = operator.post(page, form(nonce))
    assert shown.status_code == 200
    assert "$102.50" in shown.content.decode()
    assert not Adjustment.objects.filter(pk=nonce).exists()
    for _ in range(2):
        assert operator.post(page, form(nonce, confirm="yes")).status_code == 302
    assert CreditAccount.objects.get(pk=owner.account_id).posted == 102 * USD + USD // 2
    assert "for a test" in operator.get("/operator/money/adjustments").content.decode()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"kind": "correction", "amount": "-200"}, "Only $100.00 is available"),
        ({"kind": "write_off"}, "owes nothing"),
        ({"kind": "grant", "amount": "-1"}, "Only a correction"),
        ({"amount": "0"}, "other than 0"),
        ({"amount": "much"}, "is not an amount of USD"),
        ({"amount": "1e5"}, "is not an amount of USD"),
        ({"reason": ""}, "required"),
        ({"nonce": "x"}, "Change the credit"),
    ],
)
@pytest.mark.parametrize("confirm", ["", "yes"])
def test_what_cannot_be_is_said(operator, owner, values, says, confirm):
    answer = operator.post(
        f"/operator/money/workspaces/{owner.workspace_id}", form(new_id(), **values) | {"confirm": confirm}
    )
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert CreditAccount.objects.get(pk=owner.account_id).posted == 100 * USD


def test_a_workspace_is_found_by_id_name_and_owner(operator, owner):
    user = User.objects.get(pk=owner.user_id)
    for text in (str(owner.workspace_id), user.email, user.email.partition("@")[0][:20], "nobody-at-all"):
        found = operator.get("/operator/money/workspaces", {"q": text}).content.decode()
        assert (f"/operator/money/workspaces/{owner.workspace_id}" in found) == (text != "nobody-at-all")
    assert operator.get("/operator/money/workspaces", {"q": "a\0"}).status_code == 200


def test_an_event_of_no_possible_name_is_not_found(operator):
    assert operator.get("/operator/money/events/%00").status_code == 404
    assert operator.post("/operator/money/events/%00/again").status_code == 404


def test_a_parked_event_is_shown_first_and_tried_again(operator, names, monkeypatch):
    told = []
    monkeypatch.setattr("billing.stripe.retries.enqueue", told.append)
    rows = operator.get("/operator/money/events").context["rows"]
    assert rows[0].status == "parked"
    page = operator.get(f"/operator/money/events/{names['event']}").content.decode()
    assert "nobody knows" in page
    assert "Ada&#x27;s &lt;b&gt;secret" in page
    operator.post(f"/operator/money/events/{names['event']}/again")
    event = StripeEvent.objects.get(pk=names["event"])
    assert (event.status, event.attempts, event.processed_at, told) == ("waiting", 0, None, [names["event"]])
    StripeEvent.objects.filter(pk=names["event"]).update(status="done", processed_at=timezone.now())
    operator.post(f"/operator/money/events/{names['event']}/again")
    assert StripeEvent.objects.get(pk=names["event"]).status == "done"
    StripeEvent.objects.filter(pk=names["event"]).update(status="parked")
    operator.post("/operator/money/events/again")
    assert not StripeEvent.objects.filter(status="parked").exists()


def test_a_code_is_made_typed_or_generated_and_switched_off(operator):
    typed = f"t-{uuid4().hex[:8]}"
    assert operator.post("/operator/money/codes", {"code": typed, "amount": "5", "uses_max": "3"}).status_code == 302
    made = PromotionCode.objects.get(code=typed.upper())
    assert (made.amount_nanousd, made.uses_max, made.expires_at, made.credit_days) == (5 * USD, 3, None, None)
    again = operator.post("/operator/money/codes", {"code": typed, "amount": "5"})
    assert (again.status_code, "already" in again.content.decode()) == (422, True)
    assert operator.post("/operator/money/codes", {"code": "no_such", "amount": "5"}).status_code == 422
    operator.post("/operator/money/codes", {"amount": "1", "credit_days": "30", "expires_on": "2099-01-01"})
    generated = PromotionCode.objects.latest("id")
    assert (len(generated.code), generated.credit_days, generated.expires_at.year) == (19, 30, 2099)
    operator.post(f"/operator/money/codes/{made.pk}/off")
    assert not PromotionCode.objects.get(pk=made.pk).enabled


def test_an_audit_by_day_is_begun_once_and_its_state_renews(operator, monkeypatch):
    begun = []
    monkeypatch.setattr(operator_money.audit_books, "apply_async", lambda values, **_: begun.append(values))
    for _ in range(2):
        operator.post("/operator/money/audit")
    assert len(begun) == 1
    assert 'hx-trigger="every 2s"' in operator.get("/operator/money/audit").content.decode()
    monkeypatch.setattr(audit_runs, "audit", lambda **_: [])
    operator_money.audit_books(begun[0][0])
    text = operator.get("/operator/money/audit").content.decode()
    assert ("no fault" in text, "hx-trigger" in text) == (True, False)


@pytest.mark.parametrize("broken", [False, True])
def test_the_nightly_audit_mails_every_operator_once(operator, monkeypatch, broken):
    def found(**_):
        if broken:
            raise OSError("the disk is gone")
        return [Fault("posted balance is off", f"account {number}") for number in range(120)]

    monkeypatch.setattr(audit_runs, "audit", found)
    AuditRun.objects.all().delete()
    before = OutgoingMail.objects.count()
    for _ in range(3):
        audit_runs.audit_nightly()
    operators = User.objects.filter(is_staff=True, is_active=True).count()
    mails = OutgoingMail.objects.order_by("-id")[: OutgoingMail.objects.count() - before]
    assert len(mails) == operators > 0
    assert ("could not run" if broken else "account 4") in mails[0].text
    (run,) = AuditRun.objects.all()
    assert (run.count, len(run.faults)) == ((0, 0) if broken else (120, 100))
    assert run.mailed_at is not None


def test_a_missing_audit_is_a_warning_and_old_runs_go(operator, settings):
    AuditRun.objects.all().delete()
    old = AuditRun.objects.create(ended_at=timezone.now())
    AuditRun.objects.filter(pk=old.pk).update(started_at=timezone.now() - timedelta(hours=35))
    assert "for 36 hours" not in operator.get("/operator/money").content.decode()
    AuditRun.objects.filter(pk=old.pk).update(started_at=timezone.now() - timedelta(hours=37))
    assert "for 36 hours" in operator.get("/operator/money").content.decode()
    settings.XROUTE_AUDIT_RUN_DAYS = 2
    assert audit_runs.audit_runs_prune() == 0
    settings.XROUTE_AUDIT_RUN_DAYS = 1
    assert audit_runs.audit_runs_prune() == 1


@pytest.mark.parametrize(
    ("percent", "min_cents", "said"),
    [("0", 0, "none"), ("5.50", 80, "5.5 %, at least $0.80"), ("10", 0, "10 %"), ("0", 30, "0 %, at least $0.30")],
)
def test_the_fee_on_top_ups_is_shown(operator, settings, percent, min_cents, said):
    settings.XROUTE_TOP_UP_FEE_PERCENT, settings.XROUTE_TOP_UP_FEE_MIN_CENTS = Decimal(percent), min_cents
    shown = operator.get("/operator/money").content.decode()
    assert f"Fee on each top-up: {said} (<code>XROUTE_TOP_UP_FEE_PERCENT</code>" in shown
