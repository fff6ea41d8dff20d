"""Which models a short list shows first, and what a row says of them."""

from dataclasses import replace
from datetime import date

from routing.pages.listing import _row, varied
from tests.routing.facts import endpoint

PAST, FUTURE = date(2026, 1, 31), date(2126, 1, 31)


def row(slug: str, *hosts: str, ends: date | None = None):
    found = [endpoint(number, host, deprecates_at=ends) for number, host in enumerate(hosts)]
    return _row([with_slug(item, slug) for item in found])


def with_slug(item, slug: str):
    return replace(item, model=replace(item.model, slug=slug))


def test_among_equally_new_models_the_most_served_come_first_and_what_was_withdrawn_last():
    rows = [
        row("a/old", "one", "two", "three", ends=PAST),
        row("a/rare", "one"),
        row("b/common", "one", "two", "three"),
        row("b/second", "one", "two"),
        row("c/ending", "one", "two", ends=FUTURE),
    ]
    assert [found.slug for found in varied(rows)] == ["b/common", "c/ending", "a/rare", "b/second", "a/old"]
    assert [found.ended for found in rows] == [True, False, False, False, False]


def test_a_row_names_three_providers_and_counts_the_rest():
    assert row("a/b", "one", "two", "three").providers_more == 0
    assert row("a/b", "one", "two", "three", "four", "five").providers_more == 2
