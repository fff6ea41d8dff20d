"""Promises 2 and 3 where different writes meet: debits, reservations and gifts at once, on real connections."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection
from psycopg.types.json import Jsonb

from accounts.models import User
from billing import ledger
from billing.models import Transfer, TransferKind
from billing.models.ledger import House
from billing.services import signup_credit_give
from tests.billing.books import djangos_own


@pytest.fixture(autouse=True)
def committing(django_db_blocker):
    with django_db_blocker.unblock():
        yield


def at_once(works: list) -> list:
    barrier = threading.Barrier(len(works))

    def run(work):
        try:
            connection.ensure_connection()
            barrier.wait(30)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_debits_and_reservations_at_once_take_no_more_than_there_is(books):
    account = books.account(10)
    item = {"i": 0, "account": account, "full": 1, "floor": 1, "spare": 0, "have": 0}

    def reserve(worker) -> bool:
        with psycopg.connect(books.url, autocommit=True) as conn:
            ((answer,),) = conn.execute("SELECT xr_hold(%s, 1, 0, %s)", (worker, Jsonb([item])))
        return "take" in answer["results"][0]

    def take(number: int) -> bool:
        values = {"amount_nanousd": 1, "kind": TransferKind.CORRECTION, "idempotency_key": f"race:{account}:{number}"}
        try:
            return ledger.credit_take(account_id=account, target=House.REVENUE, **values)
        except ledger.InsufficientCredits:
            return False

    workers = [books.worker() for _ in range(12)]
    works = [work for n, w in enumerate(workers) for work in (lambda w=w: reserve(w), lambda n=n: take(n))]
    with djangos_own(books):
        answers = at_once(works)
    posted, reserved, _ = books.balance(account)
    assert sum(answers) == 10
    assert posted == reserved == sum(answers[::2])


def test_a_sign_up_is_given_credit_once_however_often_it_is_confirmed_at_once(broke, settings):
    settings.SIGNUP_CREDIT_NANOUSD = 5
    user = User.objects.get(pk=broke.user_id)
    assert sorted(at_once([lambda: signup_credit_give(user)] * 10)) == [False] * 9 + [True]
    assert Transfer.objects.filter(credit_account_id=broke.account_id).count() == 1
