"""Names hold what people can see; what nobody sees is named by its code."""

import unicodedata

import pytest
from hypothesis import given, strategies as st

from xroute.lib.names import unseen_in


@pytest.mark.parametrize(
    "name",
    ["Website", "Anna's laptop", "Büro Zürich", "שלום", "مرحبا", "می\u200cخواهم", "👩\u200d💻 laptop", "東京"],  # noqa: RUF001
)
def test_names_of_all_scripts_are_names(name):
    assert unseen_in(name) == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gpj.\u202eexe", "mark of direction (U+202E, right-to-left override)"),
        ("\u2066x\u2069", "U+2066, left-to-right isolate"),
        ("a\u200fb", "U+200F"),
        ("a\nb", "control character or line break (U+000A)"),
        ("a\x1b[31mb", "U+001B"),
        ("a\u2028b", "U+2028"),
        ("a\x85b", "U+0085"),
    ],
)
def test_what_nobody_sees_is_named(name, says):
    assert says in unseen_in(name)


@given(st.text())
def test_a_name_that_passes_is_one_line_in_one_piece(name):
    if not unseen_in(name):
        assert len(name.splitlines()) <= 1
        assert not any(unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI") for c in name)
