"""/usage/generations/gen-…: one generation of one's own workspace, with its route."""

import pytest

from billing.pricing import Usage
from routing.models import Endpoint
from tests.billing.usage import book, generation
from xroute.lib.ids import generation_name, new_id


def made(person, **values):
    """A booked generation; its page's path."""
    found = generation(person, None, 250_000, usage=Usage(prompt=1000, completion=40), **values)
    book([found])
    return f"/usage/generations/{generation_name(found.id)}"


@pytest.fixture
def path(owner, db):
    first, second = Endpoint.objects.filter(model__slug="sandbox/three").order_by("id")[:2]
    route = {
        "asked": "sandbox/three",
        "strategy": "balanced",
        "saved": 120_000,
        "seats": [
            [first.pk, 1, 210_000, 0, 0, ""],
            [second.pk, 2, 250_000, 1, 0, ""],
            [0, 0, 5, 0, 0, "it lacks tools"],
        ],
    }
    attempts = [
        {"endpoint": first.pk, "provider": "sandbox", "outcome": "rate_limited", "detail": "429", "ms": 31},
        {"endpoint": second.pk, "provider": "sandbox-b", "outcome": "answered", "detail": "", "ms": 420},
    ]
    return made(owner, model="sandbox/three", provider="sandbox-b", route=route, attempts=attempts)


def test_it_explains_the_route(signed_in, owner, path, django_assert_max_num_queries):
    browser = signed_in(owner)
    browser.get("/usage")
    with django_assert_max_num_queries(12):
        text = browser.get(path).content.decode()
    for words in ("balanced at random by 1/price²", "limited our rate", "status 429", "answered", "it lacks tools"):
        assert words in text
    assert "$0.00012" in text, "what the choice saved"
    assert text.index("limited our rate") < text.index(">answered<") < text.index("it lacks tools")


def test_the_list_leads_to_it(signed_in, owner, path):
    assert f'href="{path}"' in signed_in(owner).get("/usage").content.decode()


def test_one_without_a_route_says_so(signed_in, owner):
    assert "No route on record" in signed_in(owner).get(made(owner)).content.decode()


def test_members_see_it_and_nobody_else(logged_out, signed_in, member, stranger, path):
    assert signed_in(member).get(path).status_code == 200
    assert signed_in(stranger).get(path).status_code == 404
    assert logged_out.get(path).status_code == 302


@pytest.mark.parametrize("name", ["gen-1", "gen-" + "f" * 32, "x", "gen-" + "0" * 32])
def test_what_is_no_generation_is_not_there(signed_in, owner, name):
    assert signed_in(owner).get(f"/usage/generations/{name}").status_code == 404
    assert signed_in(owner).get(f"/usage/generations/{generation_name(new_id())}").status_code == 404
