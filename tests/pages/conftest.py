"""Signed-in browsers of the fixed cast, in process; each shows the workspace its person is named for."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.access import SESSION_KEY
from accounts.installation import site_forget
from accounts.models import User
from tests.cast import Person


@pytest.fixture
def signed_in(db) -> Callable[[Person], Client]:
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
def logged_out(db) -> Client:
    site_forget()
    return Client()
