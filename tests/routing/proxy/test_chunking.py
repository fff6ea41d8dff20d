"""However the network splits the upstream's bytes, the client gets the same events."""

import asyncio
import json
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from routing.errors import UpstreamError
from routing.providers.openai import answer, reader
from routing.proxy.chunks import Source
from tests.routing.calls import record, stream
from tests.routing.facts import chat
from tests.routing.proxy.scripted import DONE, chunk, scripted, usage

TEXTS = ["Größe ", "世界 ", "👩‍👩‍👧‍👦 ", 'a "quoted"\\ line\nand\r\nmore\u2028', "", "data: [DONE]", "\x00"]
PLAIN = b"".join([*map(chunk, TEXTS), chunk(finish="stop"), usage(11, 22), DONE])
VARIANTS = {
    "LF": PLAIN,
    "CRLF": PLAIN.replace(b"\n", b"\r\n"),
    "CR": PLAIN.replace(b"\n", b"\r"),
    "no space after data:": PLAIN.replace(b"data: {", b"data:{"),
    "comments, ids and names": b": hi\n\nretry: 5\n"
    + PLAIN.replace(b"data: {", b": x\nevent: message\nid: 1\ndata: {"),
    "BOM": b"\xef\xbb\xbf" + PLAIN,
    "no blank line at the end": PLAIN.rstrip(b"\n"),
}
SPLITS = st.lists(st.integers(0, len(PLAIN) + 100), max_size=40)


def split(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place for place in places if 0 < place < len(data)}), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


class Wire:
    """An upstream stream that gives these parts, one for each read."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = [part for part in parts if part]

    async def read(self, _timeout_s: float) -> bytes:
        return self.parts.pop(0) if self.parts else b""


async def relayed(parts: list[bytes]) -> list:
    source = Source(Wire(parts), reader(chat()), chunk_s=5, until=1e12)
    found = []
    while (one := await source.next()) is not None:
        found.append(one)
    return found


@pytest.mark.parametrize("name", VARIANTS)
@given(places=SPLITS)
@settings(max_examples=60)
def test_any_splitting_gives_the_same_chunks(name, places):
    expected = asyncio.run(relayed([PLAIN]))
    assert "".join(c.body["choices"][0]["delta"].get("content", "") for c in expected if c.body) == "".join(TEXTS)
    assert asyncio.run(relayed(split(VARIANTS[name], places))) == expected


@pytest.mark.parametrize("name", VARIANTS)
def test_byte_by_byte_too(name):
    data = VARIANTS[name]
    assert asyncio.run(relayed(split(data, list(range(len(data)))))) == asyncio.run(relayed([PLAIN]))


@pytest.mark.parametrize("name", VARIANTS)
async def test_over_real_http(client, owner, make_model, name):
    """Each part is a write of its own, with a pause now and then so that it travels alone."""
    data = VARIANTS[name]
    parts = [part for piece in split(data, list(range(7, len(data), 61))) for part in (piece, 0.005)]
    async with scripted(parts) as url:
        model = await make_model((url, "m"))
        seen = await stream(client, owner, "hi", model, stream_options={"include_usage": True})
    assert (seen.text, seen.done, seen.usage["completion_tokens"]) == ("".join(TEXTS), True, 22)
    assert (await record(seen.request_id))["upstream_id"] == "up-1"


@pytest.mark.parametrize("model", ["sandbox/echo", "sandbox/three"])
async def test_the_sandboxes_ragged_stream(client, owner, model):
    """Split inside characters, between CR and LF, `data:` without the space, the last line without its end."""
    seen = await stream(client, owner, f"[[echo]] [[ragged]]{'Größe 世界 👩‍👧 ' * 10}", model)
    assert (seen.text, seen.done) == (("Größe 世界 👩‍👧 " * 10).strip(), True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
SAID = st.dictionaries(
    st.sampled_from(("content", "refusal", "reasoning", "reasoning_content", "tool_calls", "function_call", "audio")),
    JSON,
)
CHOICE = st.fixed_dictionaries({"delta": SAID, "message": SAID}, optional={"finish_reason": JSON, "usage": JSON})


@given(choice=CHOICE, more=st.dictionaries(st.sampled_from(("id", "created", "usage", "x_groq", "error")), JSON))
@settings(max_examples=300)
def test_whatever_an_upstream_says_is_read_or_is_its_error(choice, more):
    """Nothing but UpstreamError: any other exception would be a fault of ours."""
    data = json.dumps({"choices": [choice], **more}).encode()
    for read in (answer.event_in, answer.response_in):
        try:
            read(data)
        except UpstreamError:
            pass
