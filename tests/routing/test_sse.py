from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from routing import sse
from routing.errors import UpstreamError

STREAM = (
    '\ufeff: hi\r\n\r\ndata: {"a": "häß€😀"}\n\nevent: x\nid: 1\nretry: 5\ndata:one\r\ndata: two\rdata:  three\r\r'
    "data\n\ndata: \n\n\n\nunknown: y\ndata: last"
).encode()
EVENTS = ['{"a": "häß€😀"}'.encode(), b"one\ntwo\n three", b"last"]


def decoded(chunks: list[bytes], **options) -> list[bytes]:
    decoder = sse.Decoder(**options)
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.close()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def test_every_rule_of_the_format():
    assert decoded([STREAM]) == EVENTS


def test_byte_by_byte():
    assert decoded([bytes([byte]) for byte in STREAM]) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_cut_of_a_rich_stream(places):
    assert decoded(cut(STREAM, places)) == EVENTS


@given(
    st.lists(
        st.sampled_from(
            [b"data: ", b"data:", b"data", b":", b"x", b"\r", b"\n", b"\r\n", b"\n\n", b"\xef\xbb\xbf", "é".encode()]
        )
    ),
    st.lists(st.integers(0, 200), max_size=12),
)
def test_any_cut_of_anything(words, places):
    data = b"".join(words)
    assert decoded(cut(data, places)) == decoded([data])


@given(st.lists(st.binary(min_size=1).filter(lambda data: b"\r" not in data and b"\n" not in data)))
def test_what_is_encoded_is_decoded(events):
    assert decoded([b"".join(map(sse.event, events))]) == events


def test_an_event_is_there_as_soon_as_its_blank_line_is():
    decoder = sse.Decoder()
    assert decoder.feed(b"data: a\r\n") == []
    assert decoder.feed(b"\r") == [b"a"]
    assert decoder.feed(b"\ndata: b\r") == []
    assert decoder.feed(b"\r\ndata: c\n\n") == [b"b", b"c"]
    assert decoder.close() == []


def test_an_event_of_several_lines_is_sent_as_such():
    assert sse.event(b"a\r\nb\rc\nd") == b"data: a\ndata: b\ndata: c\ndata: d\n\n"
    assert decoded([sse.event(b"a\nb")]) == [b"a\nb"]


def test_a_comment_is_no_event():
    assert sse.comment("still\nhere") == b": still here\n\n"
    assert decoded([sse.comment("still here")]) == []


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_an_endless_line_is_refused_however_it_comes(size):
    line = b"data: " + b"x" * 2000
    with pytest.raises(UpstreamError) as caught:
        decoded([line[start : start + size] for start in range(0, len(line), size)], line_bytes_max=1000)
    assert (caught.value.kind, caught.value.may_be_billed) == ("too_large", True)
    with pytest.raises(UpstreamError):
        decoded([line + b"\n\n"], line_bytes_max=1000)


def test_a_line_of_the_limit_passes_however_it_comes():
    event = sse.event(b"x" * 994)
    for size in (1, 500, 1001, 2000):
        chunks = [event[start : start + size] for start in range(0, len(event), size)]
        assert decoded(chunks, line_bytes_max=1000) == [b"x" * 994]


def test_many_lines_that_never_end_an_event_are_refused():
    with pytest.raises(UpstreamError):
        decoded([b": x\n"] * 1000, line_bytes_max=1000)
