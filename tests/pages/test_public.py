"""The pages that need no log-in, over real HTTP, under the one policy."""

import re

import pytest


@pytest.mark.parametrize("path", ["/", "/models", "/models/openai/gpt-5", "/nothing-here", "/account/login/"])
async def test_every_page_has_the_one_policy_and_loads_only_from_here(client, path):
    answer = await client.get(path)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert " style=" not in answer.text
    assert "<script>" not in answer.text


async def test_the_landing_shows_models_with_prices_and_this_address(client):
    text = (await client.get("/")).text
    assert "per million tokens" in text
    assert "/openai/v1/chat/completions" in text
    assert "$" in text


async def test_models_are_found_by_words_and_htmx_gets_the_table_alone(client):
    whole = (await client.get("/models", params={"q": "sandbox flaky"})).text
    part = (await client.get("/models", params={"q": "sandbox flaky"}, headers={"HX-Request": "true"})).text
    assert "sandbox/flaky" in whole
    assert "sandbox/echo" not in whole
    assert "<html" in whole
    assert "<html" not in part
    assert "No model matches" in (await client.get("/models", params={"q": "zzz"})).text


async def test_an_unknown_model_or_page_is_a_404_page(client):
    for path in ("/models/nobody/nothing", "/nothing-here"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text
    fragment = await client.get("/nothing-here", headers={"HX-Request": "true"})
    assert "<html" not in fragment.text


@pytest.mark.parametrize("path", ["/overview"])
async def test_pages_of_a_workspace_ask_to_log_in(client, path):
    answer = await client.get(path)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/account/login/?next=")
