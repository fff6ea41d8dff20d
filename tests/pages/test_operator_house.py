"""/operator/money/house: every reason with its exact sum, the list behind each, and no more queries than before."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User, Workspace
from billing.adjustments import adjustment_make
from billing.ledger import house_move
from billing.models import TransferKind
from billing.models.ledger import House
from billing.promotions import promotion_code_make
from tests.billing.usage import book, generation
from tests.cast import USD
from xroute.lib.ids import new_id

PAGE = "/operator/money/house"


@pytest.fixture
def operator(make_person, signed_in):
    person = make_person()
    User.objects.filter(pk=person.user_id).update(is_staff=True)
    return signed_in(person)


@pytest.fixture
def moved(operator, owner) -> None:
    """A grant, calls that nobody paid for, a call that was paid for, and Stripe's fee."""
    user, workspace = User.objects.get(pk=owner.user_id), Workspace.objects.get(pk=owner.workspace_id)
    values = {"workspace": workspace, "reason": "test", "created_by": user}
    adjustment_make(id=new_id(), kind="grant", amount_nanousd=3 * USD, **values)
    book([generation(owner, cost=USD // 8), generation(owner, house=7 * USD, reason="odd_end")])
    house_move(
        source=House.PROCESSING_FEES, target=House.STRIPE_CLEARING, amount_nanousd=USD, kind=TransferKind.STRIPE_OTHER,
        idempotency_key=str(uuid4()),
    )  # fmt: skip


def rows(answer) -> dict[str, int]:
    house = answer.context["house"]
    return {row.reason.id: row.nanousd for table in (house.borne, house.earned, house.between) for row in table.rows}


@pytest.mark.parametrize("span", ["24h", "7d", "30d", "all", "odd"])
def test_every_reason_stands_there_with_its_sum_and_a_bar(operator, moved, span):
    answer = operator.get(PAGE, {"range": span})
    found, text = rows(answer), answer.content.decode()
    assert found["grants"] >= 3 * USD
    assert found["stripe_other"] >= USD
    assert found["usage"] >= USD // 8
    assert found["call:odd_end"] == 7 * USD
    assert "Calls: odd end" in text
    assert '<rect width="100" height="8"/>' in text
    house = answer.context["house"]
    assert house.change == house.earned.total - house.borne.total + house.unpaid + house.between.total
    assert "style=" not in text.partition("<main")[2]


def test_each_reason_leads_to_what_is_behind_it(operator, moved, owner):
    overview = operator.get("/operator/money", {"range": "24h"}).content.decode()
    for reason in ("grants", "call%3Aodd_end", "stripe_other"):
        link = f"{PAGE}?range=24h&amp;reason={reason}"
        assert link in overview
        listed = operator.get(link.replace("&amp;", "&")).content.decode()
        amount = {"grants": "$3.00", "stripe_other": "$1.00"}.get(reason, "$7.00")
        assert f">{amount}</td>" in listed
        whose = f'href="/operator/money/workspaces/{owner.workspace_id}"'
        assert (whose in listed) == (reason != "stripe_other")
    assert "reason=usage" not in operator.get(PAGE).content.decode()


def test_a_list_that_is_long_goes_on(operator, owner):
    """Of a range that holds only this: fifty and then the rest."""
    made = [generation(owner, house=number, reason="long_list") for number in range(1, 53)]
    book(made)
    first = operator.get(PAGE, {"reason": "call:long_list"})
    before = first.context["page"].before
    second = operator.get(PAGE, {"reason": "call:long_list", "before": before})
    assert [len(answer.context["page"].entries) for answer in (first, second)] == [50, 2]
    assert "Older" in first.content.decode()
    assert "Older" not in second.content.decode()


@pytest.mark.parametrize("before", ["", "0", "-1", "9" * 30, "\0", "ffffffff-ffff-ffff-ffff-ffffffffffff", "é"])
@pytest.mark.parametrize("reason", ["grants", "call:", "call:\0é", "refunds"])
def test_odd_places_and_reasons_are_answered(operator, before, reason):
    assert operator.get(PAGE, {"reason": reason, "before": before, "range": "all"}).status_code == 200


@pytest.mark.parametrize("query", ["", "?reason=codes", "?reason=call:empty"])
def test_queries_do_not_grow_with_what_was_moved(operator, owner, query):
    user, workspace = User.objects.get(pk=owner.user_id), Workspace.objects.get(pk=owner.workspace_id)
    operator.get(PAGE + query)
    with CaptureQueriesContext(connection) as before:
        operator.get(PAGE + query)
    for _ in range(20):
        adjustment_make(
            id=new_id(), workspace=workspace, kind="grant", amount_nanousd=1, reason="test", created_by=user
        )
        promotion_code_make(amount_nanousd=1, created_by=user)
    book([generation(owner, house=1, reason=f"r{number}") for number in range(20)])
    book([generation(owner, house=1, reason="empty") for _ in range(20)])
    with CaptureQueriesContext(connection) as after:
        operator.get(PAGE + query)
    assert len(after) == len(before) <= 10
