"""Promise 27: a key's checksum refuses every slip of a finger; only a digest is derived from it."""

import pytest
from hypothesis import given, strategies as st

from accounts import keys

CHARACTERS = st.characters(codec="utf-8")


def test_what_is_minted_is_well_formed_and_new():
    minted = [keys.mint() for _ in range(500)]
    assert len(set(minted)) == 500
    for key in minted:
        assert keys.well_formed(key)
        assert len(key) == keys.LENGTH == 44
        assert key.startswith("xr-v1-")


@given(st.integers(0, keys.LENGTH - 1), CHARACTERS)
def test_any_changed_character_is_refused(position, character):
    key = keys.mint()
    changed = key[:position] + character + key[position + 1 :]
    assert keys.well_formed(changed) == (changed == key)


@given(st.integers(0, keys.LENGTH - 1), CHARACTERS)
def test_a_missing_or_additional_character_is_refused(position, character):
    key = keys.mint()
    assert not keys.well_formed(key[:position] + key[position + 1 :])
    assert not keys.well_formed(key[:position] + character + key[position:])


@given(st.integers(len(keys.PREFIX), keys.LENGTH - 2))
def test_two_swapped_neighbours_are_refused(position):
    key = keys.mint()
    swapped = key[:position] + key[position + 1] + key[position] + key[position + 2 :]
    assert keys.well_formed(swapped) == (swapped == key)


@given(st.text(max_size=60))
def test_junk_is_refused(text):
    assert not keys.well_formed(text)


def test_digits_of_other_scripts_are_refused():
    key = keys.mint()
    assert not keys.well_formed(key[:-1] + "\u0661")


@pytest.mark.parametrize("text", ["", "xr-v1-", "sk-" + "a" * 41])
def test_other_forms_are_refused(text):
    assert not keys.well_formed(text)


def test_the_digest_is_of_the_whole_key():
    key = keys.mint()
    assert len(keys.digest(key)) == 32
    assert keys.digest(key) != keys.digest(key[:-1])


def test_the_label_shows_no_more_than_eight_random_characters():
    key = keys.mint()
    shown = keys.label(key).replace("…", "")
    assert shown == key[:10] + key[-4:]
