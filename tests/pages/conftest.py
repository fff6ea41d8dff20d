"""Signed-in browsers of the fixed cast, in process; each shows the workspace its person is named for."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connections
from django.test import Client

from accounts.access import SESSION_KEY
from accounts.installation import site_forget
from accounts.models import User
from tests.cast import Person


@pytest.fixture
def database(request) -> Iterator[None]:
    """Rolled back after the test; with the mark `commits`, committed as in life (Stripe is never called inside a
    transaction)."""
    if request.node.get_closest_marker("commits") is None:
        request.getfixturevalue("db")
        yield
        return
    with request.getfixturevalue("django_db_blocker").unblock():
        yield
        connections.close_all()


@pytest.fixture
def signed_in(database) -> Callable[[Person], Client]:
    """A browser in which this person is logged in."""

    def make(person: Person) -> Client:
        site_forget()
        browser = Client()
        browser.force_login(User.objects.get(pk=person.user_id))
        session = browser.session
        session[SESSION_KEY] = person.workspace_id
        session.save()
        return browser

    return make


@pytest.fixture
def logged_out(database) -> Client:
    site_forget()
    return Client()
