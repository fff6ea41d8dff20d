"""Stripe's book against ours: every difference is named, and none where there is none."""

import json

import pytest

from tests.chaos.till import CENT, Till, paid, read_objects, unlike, waiting

GOOD = Till({"cs_1": 2000}, {"cs_1": [2000 * CENT]})


def test_what_stripe_has_and_we_do_not_is_waited_for():
    assert waiting(Till({"cs_1": 2000, "cs_2": 5}, {"cs_1": [2000 * CENT]}, under_way=2)) == 3


def test_books_that_agree_have_no_fault():
    assert list(unlike(GOOD)) == []
    assert waiting(GOOD) == 0


@pytest.mark.parametrize(
    ("till", "sentence"),
    [
        (Till({"cs_1": 2000}, {}), "credited 0 times"),
        (Till({"cs_1": 2000}, {"cs_1": [2000 * CENT] * 2}), "credited 2 times"),
        (Till({"cs_1": 2000}, {"cs_1": [2000 * CENT - 1]}), "was paid 2000 cents, and credited"),
        (Till({}, {"cs_1": [2000 * CENT]}), "was not paid at Stripe"),
        (Till({}, {}, ["stripe:pi_1:again"]), "is of no payment"),
    ],
)
def test_a_difference_is_named(till, sentence):
    assert any(sentence in fault for fault in unlike(till)), list(unlike(till))


def test_the_last_line_of_an_object_counts(tmp_path):
    lines = [
        {"id": "cs_1", "object": "checkout.session", "payment_status": "unpaid", "amount_subtotal": 5},
        {"id": "cs_1", "object": "checkout.session", "payment_status": "paid", "amount_subtotal": 5},
        {"id": "cs_2", "object": "checkout.session", "payment_status": "unpaid", "amount_subtotal": 6},
        {"id": "pi_1", "object": "payment_intent"},
    ]
    store = tmp_path / "stripe.jsonl"
    store.write_text("\n".join(json.dumps(line) for line in lines) + '\n{"id": "cs_2", "obj')
    objects = read_objects(store)
    assert (len(objects), paid(objects)) == (3, {"cs_1": 5})
