"""A stream that breaks off raises: one that just ends, the SDK would take for the whole answer."""

from collections.abc import Iterable

import openai
import pytest

from tests.cast import USD


def read(chunks: Iterable) -> tuple[str, openai.APIError]:
    """What was said until the error came."""
    text = ""
    try:
        for chunk in chunks:
            text += chunk.choices[0].delta.content or ""
    except openai.APIError as error:
        return text, error
    pytest.fail("it ended as if it were whole")


@pytest.mark.parametrize("fault", ["error-midstream-3", "cut-3", "eof-3"])
def test_broken_off_upstream(sdk, owner, fault):
    messages = [{"role": "user", "content": "[[tokens=20]]"}]
    text, error = read(
        sdk(owner).chat.completions.create(model=f"sandbox/fault-{fault}", messages=messages, stream=True)
    )
    assert text == "sea sun fog "
    assert (error.type, error.code) == ("api_error", "provider_error")


def test_out_of_credit(sdk, make_limited):
    messages = [{"role": "user", "content": "[[tokens=20000]]"}]
    client = sdk(make_limited(credit=USD // 200))
    text, error = read(client.chat.completions.create(model="sandbox/echo", messages=messages, stream=True))
    assert text
    assert (error.type, error.code) == ("insufficient_quota", "insufficient_credits")


def test_the_connection_to_us_is_cut(sdk, owner, web_factory):
    """A worker that dies: the SDK must not take what it got for the whole, either."""
    web = web_factory()
    messages = [{"role": "user", "content": "[[tokens=200]] [[delay_ms=20]]"}]
    chunks = iter(sdk(owner, web.url).chat.completions.create(model="sandbox/echo", messages=messages, stream=True))
    next(chunks)
    web.kill()
    with pytest.raises(Exception, match=r"(?i)peer closed|connection|incomplete|reset"):
        list(chunks)
