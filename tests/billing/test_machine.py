"""Promises 2 to 5 over whole lives of credit: the real books against a model of them, compared after every step."""

import os

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.billing.books import djangos_own
from tests.billing.machine.faults import planted
from tests.billing.machine.money_rules import MoneyRules
from tests.billing.machine.worker_rules import WorkerRules
from tests.servers import superuser_url

# CI has time for these; to look further: XROUTE_MACHINE_EXAMPLES=2000. A failure is made small, which takes minutes.
EXAMPLES, STEPS = int(os.environ.get("XROUTE_MACHINE_EXAMPLES", "45")), 40
SETTINGS = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
)


class Machine(MoneyRules, WorkerRules):
    """All rules there are."""


@pytest.fixture
def machine(own_books, django_db_blocker):
    """The machine over books that nobody else uses."""
    with (
        psycopg.connect(own_books.url, autocommit=True) as application,
        psycopg.connect(superuser_url(own_books.name), autocommit=True) as superuser,
        django_db_blocker.unblock(),
        djangos_own(own_books),
    ):
        yield type("Machine", (Machine,), {"books": own_books, "application": application, "superuser": superuser})


def test_the_books_are_what_the_model_says_after_every_step(machine):
    run_state_machine_as_test(machine, settings=SETTINGS)
    assert machine.books.audit() == []


@pytest.mark.parametrize(
    "fault", ["a worker that is ended twice", "an operation that runs twice", "a reservation without its guard"]
)
def test_the_machine_finds_planted_faults(machine, fault):
    """These are what CI has time for; faults.py has more to plant."""
    quick = settings(SETTINGS, derandomize=True, database=None, phases=[Phase.generate], max_examples=100)
    with planted(machine.superuser, fault), pytest.raises((AssertionError, psycopg.Error, ExceptionGroup)):
        run_state_machine_as_test(machine, settings=quick)
