from hypothesis import given, strategies as st

from routing.estimate import Expected, completion_tokens


def test_output_is_counted_in_fours_rounded_up():
    assert [completion_tokens(size) for size in (-1, 0, 1, 4, 5, 8, 9)] == [0, 0, 1, 1, 2, 2, 3]


def test_an_unknown_key_gets_the_default_within_the_limit():
    assert Expected().tokens("key", "a/b", 4096) == 1024
    assert Expected().tokens("key", "a/b", 100) == 100
    assert Expected().tokens("key", "a/b", 0) == 1


def test_few_samples_do_not_make_it_smaller():
    expected = Expected()
    for _ in range(7):
        expected.note("key", "a/b", 10)
    assert expected.tokens("key", "a/b", 4096) == 1024
    expected.note("key", "a/b", 10)
    assert expected.tokens("key", "a/b", 4096) == 12


def test_the_95th_percentile_and_a_fifth_more():
    expected = Expected()
    for size in range(1, 65):
        expected.note("key", "a/b", size * 10)
    assert expected.tokens("key", "a/b", 4096) == 732  # 61st of 64: 610 x 1.2
    assert expected.tokens("key", "a/b", 500) == 500


def test_only_the_last_64_count():
    expected = Expected()
    for size in [9000] * 64 + [10] * 64:
        expected.note("key", "a/b", size)
    assert expected.tokens("key", "a/b", 4096) == 12


def test_keys_and_models_are_apart_and_bounded():
    expected = Expected(entries_max=2)
    for _ in range(8):
        expected.note("old", "a/b", 10)
        expected.note("kept", "a/b", 20)
    assert expected.tokens("kept", "c/d", 4096) == 1024
    assert expected.tokens("kept", "a/b", 4096) == 24
    expected.note("new", "a/b", 30)
    assert expected.tokens("old", "a/b", 4096) == 1024
    assert expected.tokens("kept", "a/b", 4096) == 24


@given(st.lists(st.integers(-5, 2**31), max_size=100), st.integers(1, 10**6))
def test_always_within_bounds(sizes, most):
    expected = Expected()
    for size in sizes:
        expected.note(1, "a/b", size)
    assert 1 <= expected.tokens(1, "a/b", most) <= most
