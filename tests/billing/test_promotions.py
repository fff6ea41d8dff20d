"""Codes: never more uses than there are, never twice for a workspace, nothing for who guesses."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import ExpiringCredit, PromotionCode, PromotionUse, Transfer
from billing.promotions import HAD, NOT_VALID, TOO_MANY, CodeRefused, code_redeem, promotion_code_make
from tests.billing.committing import account_of, someone
from tests.cast import USD


@pytest.fixture(autouse=True)
def committing(django_db_blocker):
    with django_db_blocker.unblock():
        yield
        cache.clear()


def make(**values) -> PromotionCode:
    return promotion_code_make(**{"amount_nanousd": 5 * USD, "created_by": someone()[0]} | values)


def refusal(user, workspace, code: str) -> str:
    with pytest.raises(CodeRefused) as caught:
        code_redeem(workspace=workspace, user=user, code=code)
    return str(caught.value)


def at_once(works) -> list:
    """What each answered, or the refusal; all from one barrier, each on a connection of its own."""
    barrier = threading.Barrier(len(works))

    def run(work):
        try:
            connection.ensure_connection()
            barrier.wait(120)
            return work()
        except CodeRefused as refused:
            return str(refused)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_a_code_gives_its_credit_once_and_says_so():
    code, (user, workspace) = make(), someone()
    assert code_redeem(workspace=workspace, user=user, code=f" {code.code.lower()} ").amount_nanousd == 5 * USD
    assert refusal(user, workspace, code.code) == HAD
    assert account_of(workspace).posted == 5 * USD
    assert PromotionCode.objects.get(pk=code.pk).uses == 1
    found = Transfer.objects.get(credit_account=account_of(workspace))
    assert (found.kind, found.idempotency_key) == ("promotion", f"promotion:{code.pk}:{workspace.pk}")
    assert not ExpiringCredit.objects.filter(account=account_of(workspace)).exists()


def test_credit_with_days_ends():
    code, (user, workspace) = make(credit_days=30), someone()
    given = code_redeem(workspace=workspace, user=user, code=code.code)
    row = ExpiringCredit.objects.get(account=account_of(workspace))
    assert (row.amount_nanousd, row.expires_at) == (5 * USD, given.expires_at)
    assert (row.expires_at - row.transfer.created_at).days == 30


def test_what_is_over_and_what_never_was_sound_the_same():
    over = [
        make(expires_at="2020-01-01T00:00Z").code,
        make(uses_max=1).code,
        make().code,
        "NEVER-WAS",
        "x'; DROP TABLE",
        "",
        "Ж" * 500,
    ]
    first, home = someone()
    code_redeem(workspace=home, user=first, code=over[1])
    PromotionCode.objects.filter(code=over[2]).update(enabled=False)
    for code in over:
        user, workspace = someone()
        assert refusal(user, workspace, code) == NOT_VALID
        assert account_of(workspace).posted == 0
    assert refusal(first, home, over[1]) == HAD


def test_fifty_workspaces_at_once_never_use_it_more_often_than_it_may_be():
    code, people = make(uses_max=10), [someone() for _ in range(50)]
    answers = at_once([lambda u=u, w=w: code_redeem(workspace=w, user=u, code=code.code) for u, w in people])
    assert sorted(str(answer) for answer in answers).count(NOT_VALID) == 40
    assert PromotionCode.objects.get(pk=code.pk).uses == PromotionUse.objects.filter(promotion=code).count() == 10
    assert sum(account_of(workspace).posted for _, workspace in people) == 50 * USD


def test_one_workspace_twenty_times_at_once_has_it_once():
    code, (_, workspace) = make(uses_max=1000), someone()
    cache.set(f"code-tries:workspace:{workspace.pk}", -100, 3600)  # what is tested is the database's guard
    people = [someone(workspace, "admin")[0] for _ in range(20)]
    answers = at_once([lambda u=u: code_redeem(workspace=workspace, user=u, code=code.code) for u in people])
    assert answers.count(HAD) == 19
    assert PromotionCode.objects.get(pk=code.pk).uses == 1
    assert account_of(workspace).posted == 5 * USD


@pytest.mark.parametrize("shared", ["person", "workspace"])
def test_whoever_guesses_is_stopped_before_the_eleventh(shared):
    code, (user, workspace) = make(), someone()
    for _ in range(10):
        other, elsewhere = someone()
        who = (user, elsewhere) if shared == "person" else (other, workspace)
        assert refusal(*who, "GUESSED") == NOT_VALID
    assert refusal(user, workspace, code.code) == TOO_MANY
    assert account_of(workspace).posted == 0


def test_the_guard_stands_in_the_statement_that_is_sent():
    code, (user, workspace) = make(), someone()
    with CaptureQueriesContext(
        connection,
    ) as sent:
        code_redeem(workspace=workspace, user=user, code=code.code)
    (claim,) = [query["sql"] for query in sent if query["sql"].lstrip().startswith("UPDATE billing_promotioncode")]
    for guard in ("uses < uses_max", "enabled", "expires_at > clock_timestamp()"):
        assert guard in claim


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"code": "AB"}, "3 to 40"),
        ({"code": "-ABC"}, "3 to 40"),
        ({"amount_nanousd": 0}, "above zero"),
        ({"uses_max": 0}, "above zero"),
        ({"credit_days": -1}, "above zero"),
    ],
)
def test_a_code_that_makes_no_sense_is_not_made(values, says):
    with pytest.raises(CodeRefused, match=says):
        make(**values)


def test_a_code_is_made_once_and_one_that_nobody_chose_cannot_be_guessed():
    made = make()
    assert len(made.code) == 12
    with pytest.raises(CodeRefused, match="already"):
        make(code=made.code.lower())
