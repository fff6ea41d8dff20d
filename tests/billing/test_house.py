"""What the house bore and earned: every transfer of its own accounts has one reason, and the parts are the whole."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings as examples, strategies as st

from accounts.models import User, Workspace
from billing.adjustments import adjustment_make
from billing.house import RANGES, House, house_read, house_span
from billing.house_list import house_page
from billing.house_reasons import CALLS, MOVES, REASONS, USAGE, Part, reason_named
from billing.ledger import credit_reverse, credit_take, house_move
from billing.models import CreditAccount, Dispute, Payment, PaymentStatus, Refund, StripeBalanceTransaction, Transfer
from billing.models.ledger import House as Account, TransferKind as Kind
from billing.parts import Parts
from billing.promotions import code_redeem, promotion_code_make
from billing.reversals import parts_give, parts_take
from billing.services import signup_credit_give
from tests.billing.usage import book, generation
from tests.cast import USD
from xroute.lib.ids import new_id

pytestmark = pytest.mark.django_db
CENT = USD // 100
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
OURS = (Account.REVENUE, Account.PROMOTIONS, Account.WRITE_OFFS, Account.PROCESSING_FEES)
OURS += (Account.DISPUTES, Account.REFUNDS)
THEIRS = (Account.BANK, Account.STRIPE_CLEARING, Account.TAX_PAYABLE)
# Sums of accounts as nobody but a test asks for them: all there is, transfer by transfer.
NET = """
SELECT coalesce(sum(CASE WHEN t.credit_account_id = a.id THEN t.amount ELSE -t.amount END), 0)::bigint
  FROM billing_transfer t JOIN billing_creditaccount a ON a.id IN (t.credit_account_id, t.debit_account_id)
 WHERE t.created_at >= %s AND t.created_at < %s AND {}"""


def net(which: str, values: list, since=FIRST, until=LAST) -> int:
    with connection.cursor() as cursor:
        cursor.execute(NET.format(which), [since, until, *values])
        return cursor.fetchone()[0]


def parts(since=FIRST, until=LAST) -> dict[str, tuple[int, int]]:
    """Reason → (count, amount as shown), of what was written by the test: in its own transaction nothing else is."""
    found = house_read(since=since, until=until)
    rows = [row for table in (found.borne, found.earned, found.between) for row in table.rows]
    return {row.reason.id: (row.count, row.nanousd) for row in rows}


def grown(before: dict, after: dict) -> dict[str, tuple[int, int]]:
    """What came to each reason."""
    more = {
        name: (count - before.get(name, (0, 0))[0], amount - before.get(name, (0, 0))[1])
        for name, (count, amount) in (before | after).items()
    }
    return {name: found for name, found in more.items() if found != (0, 0)}


def whole() -> House:
    return house_read(since=FIRST, until=LAST)


def paid_payment(owner, *, credit=1000, fee=50, tax=190) -> Payment:
    total = credit + fee + tax
    return Payment.objects.create(
        workspace_id=owner.workspace_id, created_by_id=owner.user_id, status=PaymentStatus.PAID,
        amount_cents=credit,
        amount_nanousd=credit * CENT, credited_nanousd=credit * CENT, fee_cents=fee, tax_cents=tax, total_cents=total,
        payment_intent_id=f"pi_{uuid4().hex}", idempotency_key=str(uuid4()), paid_at=timezone.now(),
    )  # fmt: skip


def fee_line(amount: int, *, type: str = "charge", source: str = "ch_1", payment: Payment | None = None) -> str:
    """A line of Stripe's balance with a fee of so many cents, booked."""
    row = StripeBalanceTransaction.objects.create(
        id=f"txn_{uuid4().hex}", type=type, source=source, currency="usd", amount_cents=0, fee_cents=amount,
        net_cents=-amount, status="booked", payment=payment, created_at=timezone.now(),
    )  # fmt: skip
    ends = (Account.PROCESSING_FEES, Account.STRIPE_CLEARING)
    move(*(ends if amount > 0 else ends[::-1]), abs(amount) * CENT, Kind.STRIPE_FEE, f"txn:{row.pk}:fee", source)
    return row.pk


def move(source, target, amount, kind, key=None, reference="") -> None:
    assert house_move(
        source=source, target=target, amount_nanousd=amount, kind=kind, idempotency_key=key or str(uuid4()),
        reference=reference,
    )  # fmt: skip


def test_each_gift_and_each_change_by_hand_has_its_reason(owner, settings):
    settings.SIGNUP_CREDIT_NANOUSD = 7
    user, workspace = User.objects.get(pk=owner.user_id), Workspace.objects.get(pk=owner.workspace_id)
    before = parts()
    assert signup_credit_give(user)
    made = promotion_code_make(amount_nanousd=11, created_by=user)
    code_redeem(workspace=workspace, user=user, code=made.code)
    for kind, amount in (("grant", 13), ("correction", 17), ("correction", -19)):
        adjustment_make(
            id=new_id(), workspace=workspace, kind=kind, amount_nanousd=amount, reason="test", created_by=user
        )
    account = owner.account_id
    key = uuid4().hex
    credit_take(account_id=account, target=Account.PROMOTIONS, amount_nanousd=3, kind=Kind.EXPIRY, idempotency_key=key)
    for kind, amount in ((Kind.EXPIRY, 5), (Kind.FORFEIT, 2)):
        key = uuid4().hex
        credit_take(account_id=account, target=Account.REVENUE, amount_nanousd=amount, kind=kind, idempotency_key=key)
    key = uuid4().hex
    credit_reverse(
        account_id=account, target=Account.DISPUTES, amount_nanousd=200 * USD, kind=Kind.DISPUTE, idempotency_key=key
    )
    adjustment_make(
        id=new_id(), workspace=workspace, kind="write_off", amount_nanousd=23, reason="test", created_by=user
    )
    assert grown(before, parts()) == {
        "signup": (1, 7), "codes": (1, 11), "grants": (1, 13), "corrections_up": (1, 17), "corrections_down": (1, 19),
        "expired_gifts": (1, 3), "expired_credit": (1, 5), "forfeits": (1, 2), "disputes": (1, 200 * USD),
        "write_offs": (1, 23),
    }  # fmt: skip


def test_what_stripe_keeps_is_told_apart_by_what_it_was_for(owner):
    before = parts()
    kept, refunded, disputed = (paid_payment(owner) for _ in range(3))
    Refund.objects.create(payment=refunded, origin="operator", status="succeeded", amount_cents=1, credit_nanousd=CENT)
    Refund.objects.create(payment=kept, origin="operator", status="failed", amount_cents=1, credit_nanousd=CENT)
    fee_line(31, payment=kept)
    fee_line(37, payment=refunded)
    fee_line(1500, type="adjustment", source="du_1", payment=disputed)
    fee_line(-1500, type="adjustment", source="du_2", payment=disputed)
    fee_line(2, type="payout", source="po_1")
    move(Account.PROCESSING_FEES, Account.STRIPE_CLEARING, 90 * CENT, Kind.STRIPE_OTHER)
    move(Account.STRIPE_CLEARING, Account.PROCESSING_FEES, 20 * CENT, Kind.STRIPE_OTHER)
    assert grown(before, parts()) == {
        "charge_fees": (1, 31 * CENT), "refunded_fees": (1, 37 * CENT), "dispute_fees": (2, 0),
        "other_fees": (1, 2 * CENT), "stripe_other": (2, 70 * CENT),
    }  # fmt: skip


def test_a_refund_costs_the_fee_we_give_back_and_is_over_once_stripe_has_sent_it(owner):
    payment, before = paid_payment(owner), parts()
    move(Account.STRIPE_CLEARING, Account.REVENUE, 50 * CENT, Kind.TOP_UP_FEE, reference=f"payment:{payment.pk}")
    took = Parts(1000 * CENT, 50 * CENT, 190 * CENT)
    names = {"key": f"refund:{uuid4()}", "reference": f"refund:{uuid4()}", "kind": Kind.REFUND, "parts": took}
    parts_take(account_id=owner.account_id, target=Account.REFUNDS, **names)
    on_its_way = grown(before, parts())
    assert on_its_way == {"fees": (1, 50 * CENT), "fees_refunded": (1, 50 * CENT), "refunds": (3, 1240 * CENT)}
    move(Account.REFUNDS, Account.STRIPE_CLEARING, 1240 * CENT, Kind.REFUND, reference="re_1")
    assert grown(before, parts()) == on_its_way | {"refunds": (4, 0)}
    parts_give(account_id=owner.account_id, source=Account.REFUNDS, suffix=":back", **names)
    assert grown(before, parts())["fees_refunded"] == (2, 0)


@pytest.mark.parametrize(("status", "reason"), [("lost", "disputes_lost"), ("won", "disputes")])
def test_a_lost_dispute_costs_what_stripe_took_beyond_what_came_back(owner, status, reason):
    payment, before, name = paid_payment(owner), parts(), f"du_{uuid4().hex}"
    Dispute.objects.create(id=name, payment=payment, status=status, amount_cents=1240)
    took = Parts(900 * CENT, 50 * CENT, 190 * CENT)
    parts_take(
        account_id=owner.account_id, target=Account.DISPUTES, parts=took, kind=Kind.DISPUTE, key=f"dispute:{name}:1",
        reference=f"dispute:{name}",
    )  # fmt: skip
    move(Account.DISPUTES, Account.STRIPE_CLEARING, 1240 * CENT, Kind.DISPUTE, reference=name)
    rest = 100 * CENT if reason == "disputes_lost" else -100 * CENT
    assert grown(before, parts()) == {"fees_disputed": (1, 50 * CENT), reason: (4, rest)}


def test_calls_nobody_paid_for_stand_beside_the_books(owner):
    before, kept = parts(), whole()
    rows = [generation(owner, cost=0, house=41, reason="empty"), generation(owner, cost=5, house=3, reason="")]
    book([*rows, generation(owner, cost=0, reason="rate_limited")])
    assert grown(before, parts()) == {"call:empty": (1, 41), "call:": (1, 3), USAGE: (1, 5)}
    found = whole()
    assert (found.unpaid - kept.unpaid, found.booked - kept.booked, found.change - kept.change) == (44, 0, 5)
    book([generation(owner, cost=6)], roll=True)
    assert grown(before, parts())[USAGE] == (2, 11)


ACCOUNTS = [*OURS, *THEIRS, "one", "two"]
moved = st.tuples(
    st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS), st.integers(1, 10**12),
    st.sampled_from([kind for kind in Kind if kind != Kind.USAGE]),
    st.sampled_from(["signup:", "promotion:", "adjustment:", "txn:", "stripe:", ""]),
    st.sampled_from(["", "payment:x", "refund:x", "dispute:du_1", "du_1", "re_1"]),
    st.timedeltas(timedelta(days=-40), timedelta(days=1)),
).filter(lambda one: one[0] != one[1])  # fmt: skip


@given(many=st.lists(moved, max_size=20))
@examples(max_examples=40)
def test_the_parts_are_the_whole_and_every_row_is_in_the_list_of_its_reason(owner, stranger, many):
    """Whatever is moved between any accounts, as anything: the sum of the parts is what the accounts changed by, and
    what all others did not; each list adds up to its part."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    named = {"one": owner.account_id, "two": stranger.account_id}
    named |= {house: CreditAccount.objects.get(house=house).pk for house in (*OURS, *THEIRS)}
    before = {name: house_read(since=since, until=until) for name, since, until in spans(now)}
    planted = [
        Transfer.objects.create(
            debit_account_id=named[source], credit_account_id=named[target], amount=amount, kind=kind,
            idempotency_key=f"{prefix}{uuid4()}{':fee' if prefix == 'txn:' else ''}", reference=reference,
            created_at=now + when,
        )
        for source, target, amount, kind, prefix, reference, when in many
    ]  # fmt: skip
    for name, since, until in spans(now):
        mine = [one for one in planted if since <= one.created_at < until]
        own = {named[house] for house in OURS}
        expected = sum(one.amount * ((one.credit_account_id in own) - (one.debit_account_id in own)) for one in mine)
        found = house_read(since=since, until=until)
        assert found.change - before[name].change == expected
        rows = [row for table in (found.borne, found.earned, found.between) for row in table.rows if row.listed]
        for row in rows:
            page, entries = "", []
            while True:
                got = house_page(reason=row.reason, since=since, until=until, before=page)
                entries += got.entries
                if not (page := got.before):
                    break
            assert (len(entries), sum(one.nanousd for one in entries)) == (row.count, row.nanousd), row.reason
    ours = net("a.house = ANY(%s)", [[house.value for house in OURS]])
    theirs = net("(a.house IS NULL OR a.house = ANY(%s))", [[house.value for house in THEIRS]])
    usage = net("t.kind = 'usage' AND a.house = 'revenue'", [])
    calls = dict(parts()).get(USAGE, (0, 0))[1]
    assert ours == -theirs == whole().change - calls + usage


def spans(now: datetime) -> list[tuple[str, datetime, datetime]]:
    return [(name, *house_span(name, zone=ZoneInfo("Asia/Kolkata"), now=now)) for name in RANGES]


def test_a_page_of_calls_goes_on_where_the_last_ended(owner):
    at = timezone.now() - timedelta(minutes=5)
    reason = f"r{uuid4().hex[:10]}"
    book([generation(owner, at, house=number, reason=reason) for number in range(1, 61)])
    wanted = reason_named(CALLS + reason)
    first = house_page(reason=wanted, since=FIRST, until=LAST)
    second = house_page(reason=wanted, since=FIRST, until=LAST, before=first.before)
    assert (len(first.entries), len(second.entries), second.before) == (50, 10, "")
    assert sorted(row.nanousd for row in (*first.entries, *second.entries)) == list(range(1, 61))
    odd = house_page(reason=wanted, since=FIRST, until=LAST, before="not an id")
    assert odd.entries == first.entries


def test_every_reason_of_the_statement_is_known_and_every_known_one_is_in_it():
    said = set(re.findall(r"'([a-z_]+)'\s*(?:WHEN|ELSE|END|$)", MOVES)) | set(re.findall(r"THEN '([a-z_]+)'", MOVES))
    assert said >= set(REASONS) - {USAGE}
    assert {reason.part for reason in REASONS.values()} == set(Part)
    assert reason_named(USAGE) is None is reason_named("nothing")


def test_the_margin_is_what_was_paid_less_the_providers_own_prices(owner):
    """Rolled up or not; a workspace's own account there is not the house's bill."""
    before = house_read(since=FIRST, until=LAST)
    book([generation(owner, None, 1200, list_cost=1000, margin_bp=2000)], roll=True)
    book([generation(owner, None, 50, list_cost=1000, byok=True)], roll=True)
    book([generation(owner, None, 600, list_cost=500)])
    after = house_read(since=FIRST, until=LAST)
    assert (after.listed - before.listed, after.margin - before.margin) == (1500, 350)
