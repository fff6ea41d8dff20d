"""What operators do by hand: each with reason and author, once, and never more than there is."""

from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.utils import DatabaseError

from accounts.models import User, Workspace
from accounts.services import workspace_create
from billing.adjustments import AdjustmentRefused, adjustment_make, adjustment_preview
from billing.audit import CHECKS
from billing.models import Adjustment, CreditAccount, Transfer
from billing.workspaces import WorkspaceClosed
from tests.billing.test_ledger import account_row, add, at_once
from tests.cast import USD
from xroute.lib.ids import new_id

OURS = ("an adjustment is not in the ledger as it says", "a movement by hand belongs to no adjustment")


@pytest.fixture(autouse=True)
def committing(django_db_blocker):
    """Django's own connections, committing; proved afterwards."""
    with django_db_blocker.unblock():
        yield
        for check in OURS:
            with connection.cursor() as cursor:
                cursor.execute(CHECKS[check])
                assert cursor.fetchall() == []


@pytest.fixture
def operator(stranger) -> User:
    User.objects.filter(pk=stranger.user_id).update(is_staff=True)
    return User.objects.get(pk=stranger.user_id)


def adjust(person, kind, amount, author, *, id=None, reason="because"):
    workspace = Workspace.objects.get(pk=person.workspace_id)
    values = {"kind": kind, "amount_nanousd": amount, "reason": reason, "created_by": author}
    return adjustment_make(id=id or new_id(), workspace=workspace, **values)


def reserve(person, amount):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_creditaccount SET reserved = %s WHERE id = %s", [amount, person.account_id])


def owe(person, amount):
    add(person.account_id, 1, str(uuid4()))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key) "
            "SELECT %s, id, %s, 'usage', %s FROM billing_creditaccount WHERE house = 'revenue'",
            [person.account_id, amount + 1, str(uuid4())],
        )
        cursor.execute("UPDATE billing_creditaccount SET posted = -%s WHERE id = %s", [amount, person.account_id])


@pytest.mark.parametrize(
    ("kind", "amount", "house", "transfer"),
    [
        ("grant", 5, "promotions", "promotion"),
        ("correction", 5, "revenue", "correction"),
        ("correction", -5, "revenue", "correction"),
    ],
)
def test_a_change_moves_what_it_says(owner, operator, kind, amount, house, transfer):
    made = adjust(owner, kind, amount, operator)
    moved = Transfer.objects.get(idempotency_key=f"adjustment:{made.pk}")
    sides = (moved.debit_account.house, moved.credit_account.house)
    assert sides == ((None, house) if amount < 0 else (house, None))
    assert (moved.amount, moved.kind, moved.reference) == (5, transfer, moved.idempotency_key)
    assert account_row(owner.account_id) == (100 * USD + amount, 0, 100 * USD)
    assert (made.created_by, made.reason) == (operator, "because")


def test_a_form_sent_twenty_times_at_once_moves_once(owner, operator):
    number = new_id()
    answers = at_once(20, lambda _: adjust(owner, "grant", 7, operator, id=number).pk)
    assert set(answers) == {number}
    assert account_row(owner.account_id)[0] == 100 * USD + 7
    with pytest.raises(AdjustmentRefused, match="used already"):
        adjust(owner, "grant", 8, operator, id=number)


def refused(work):
    try:
        work()
    except AdjustmentRefused as error:
        return str(error)
    return ""


def test_corrections_at_once_take_what_is_available_and_no_more(broke, operator):
    add(broke.account_id, 10, str(uuid4()))
    said = at_once(20, lambda _: refused(lambda: adjust(broke, "correction", -1, operator)))
    assert sorted(said)[:10] == [""] * 10
    assert all("Only $0.00 is available" in text for text in sorted(said)[10:])
    assert account_row(broke.account_id)[0] == 0
    assert Adjustment.objects.filter(workspace_id=broke.workspace_id).count() == 10


def test_write_offs_at_once_forgive_what_is_owed_and_no_more(broke, operator):
    owe(broke, 5)
    said = at_once(12, lambda _: refused(lambda: adjust(broke, "write_off", 1, operator)))
    assert said.count("") == 5
    assert account_row(broke.account_id)[0] == 0


def test_what_is_set_aside_for_calls_is_not_taken_and_the_sentence_says_what_could_be(owner, operator):
    reserve(owner, 40 * USD)
    said = refused(lambda: adjust(owner, "correction", -61 * USD, operator))
    assert said == "Only $60.00 is available ($40.00 is set aside for calls). Take that much or less."
    adjust(owner, "correction", -60 * USD, operator)
    reserve(owner, 0)


@pytest.mark.parametrize(
    ("kind", "amount", "reason", "says"),
    [
        ("gift", 1, "x", "Choose a grant"),
        ("grant", 0, "x", "other than 0"),
        ("grant", 10**15 + 1, "x", "at most $1,000,000"),
        ("grant", -1, "x", "Only a correction"),
        ("write_off", 1, "x", "owes nothing"),
        ("grant", 1, "  ", "Say why"),
        ("grant", 1, "x" * 501, "Say why"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(owner, operator, kind, amount, reason, says):
    assert says in refused(lambda: adjust(owner, kind, amount, operator, reason=reason))
    workspace = Workspace.objects.get(pk=owner.workspace_id)
    values = {"kind": kind, "amount_nanousd": amount, "reason": reason}
    assert says in refused(lambda: adjustment_preview(workspace=workspace, **values))
    assert not Adjustment.objects.filter(workspace_id=owner.workspace_id).exists()


def test_the_preview_says_what_becomes_of_the_balance(owner):
    workspace = Workspace.objects.get(pk=owner.workspace_id)
    values = {"kind": "correction", "amount_nanousd": -USD, "reason": "x"}
    assert adjustment_preview(workspace=workspace, **values) == (100 * USD, 99 * USD)


def test_a_closed_workspace_is_not_credited_but_its_debt_is_written_off(broke, operator):
    owe(broke, 5)
    Workspace.objects.filter(pk=broke.workspace_id).update(closed_at="2026-01-01T00:00Z")
    for kind in ("grant", "correction"):
        with pytest.raises(WorkspaceClosed, match="closed"):
            adjust(broke, kind, 1, operator)
    adjust(broke, "write_off", 5, operator)
    assert account_row(broke.account_id)[0] == 0


def test_what_was_done_cannot_be_rewritten(owner, operator):
    made = adjust(owner, "grant", 1, operator)
    with pytest.raises(DatabaseError, match="permission denied"):
        Adjustment.objects.filter(pk=made.pk).update(reason="another")


def command(*arguments) -> str:
    out = StringIO()
    call_command("adjust_credit", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_command_adjusts_and_names_its_author(broke, operator):
    email = User.objects.get(pk=broke.user_id).email
    more = ("--reason", "found money", "--author", operator.email)
    assert command(email, "--grant", "2.50", *more) == "grant of $2.50. Balance: $2.50."
    assert command(str(broke.workspace_id), "--correct=-1", *more) == "correction of −$1.00. Balance: $1.50."
    made = Adjustment.objects.filter(workspace_id=broke.workspace_id)
    assert {(row.reason, row.created_by_id) for row in made} == {("found money", operator.pk)}
    assert CreditAccount.objects.get(pk=broke.account_id).posted == 15 * USD // 10


@pytest.mark.parametrize(
    ("who", "what", "author", "says"),
    [
        ("nobody@example.com", ["--grant", "1"], None, "No workspace"),
        ("99999999", ["--grant", "1"], None, "No workspace"),
        (None, ["--grant", "1"], "nobody@example.com", "no operator"),
        (None, ["--grant", "lots"], None, "not an amount"),
        (None, ["--correct=-1"], None, r"Only \$0\.00"),
        (None, ["--write-off", "1"], None, "owes nothing"),
        (None, [], None, "required"),
        (None, ["--grant", "1", "--write-off", "1"], None, "not allowed"),
    ],
)
def test_the_command_refuses_in_words(broke, operator, who, what, author, says):
    with pytest.raises(CommandError, match=says):
        command(who or str(broke.workspace_id), *what, "--reason", "x", "--author", author or operator.email)


def test_of_several_workspaces_the_command_asks_for_the_id(broke, operator):
    user = User.objects.get(pk=broke.user_id)
    other = workspace_create(owner=user, name="Second")
    with pytest.raises(CommandError, match=rf"{other.pk} \(Second\)"):
        command(user.email, "--grant", "1", "--reason", "x", "--author", operator.email)
