"""Promises 2 to 5 over whole lives of credit: the real books against a model of them, compared after every step."""

import os

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from billing import reversals
from billing.stripe import refunds
from tests.billing.books import djangos_own
from tests.billing.machine.faults import planted
from tests.billing.machine.money_rules import MoneyRules
from tests.billing.machine.reversal_rules import ReversalRules
from tests.billing.machine.worker_rules import WorkerRules
from tests.servers import superuser_url

# CI has time for these; to look further: MACHINE_EXAMPLES=2000. A failure is made small, which takes minutes.
EXAMPLES, STEPS = int(os.environ.get("MACHINE_EXAMPLES", "30")), 40
SETTINGS = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
)


PAYMENT_FAULTS = {
    "a refund that succeeds after it failed": (refunds, "ORDER", ["asked", "pending", "failed", "succeeded"]),
    "a lost dispute that gives back": (reversals, "TAKING", frozenset({"needs_response", "under_review"})),
}


class Machine(ReversalRules, MoneyRules, WorkerRules):
    """All rules there are."""


class Payments(ReversalRules, MoneyRules):
    """Payments alone, so that more happens to each."""


@pytest.fixture
def own(own_books, django_db_blocker):
    """What a machine works on: books that nobody else uses."""
    with (
        psycopg.connect(own_books.url, autocommit=True) as application,
        psycopg.connect(superuser_url(own_books.name), autocommit=True) as superuser,
        django_db_blocker.unblock(),
        djangos_own(own_books),
    ):
        yield {"books": own_books, "application": application, "superuser": superuser}


@pytest.mark.parametrize("kind", [Machine, Payments])
def test_the_books_are_what_the_model_says_after_every_step(own, kind):
    run_state_machine_as_test(type(kind.__name__, (kind,), own), settings=SETTINGS)
    assert own["books"].audit() == []


@pytest.mark.parametrize(
    "fault", ["a worker that is ended twice", "an operation that runs twice", "a reservation without its guard"]
)
def test_the_machine_finds_planted_faults(own, fault):
    """These are what CI has time for; faults.py has more to plant."""
    with planted(own["superuser"], fault):
        found(type("Machine", (Machine,), own))


@pytest.mark.parametrize("fault", PAYMENT_FAULTS)
def test_the_machine_finds_faults_of_payments(own, monkeypatch, fault):
    monkeypatch.setattr(*PAYMENT_FAULTS[fault])
    found(type("Payments", (Payments,), own))


def found(machine: type) -> None:
    quick = settings(SETTINGS, derandomize=True, database=None, phases=[Phase.generate], max_examples=100)
    with pytest.raises((AssertionError, psycopg.Error, ValueError, ExceptionGroup)):
        run_state_machine_as_test(machine, settings=quick)
