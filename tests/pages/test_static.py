"""What browsers load: compressed, hashed, cacheable for good, whole or in part, without a warning in the log."""

import re

import pytest


@pytest.fixture
async def stylesheet(client) -> str:
    return re.findall(r'href="(/static/css/xroute\.[0-9a-f]+\.css)"', (await client.get("/")).text)[0]


async def test_a_hashed_file_may_be_kept_for_good_and_comes_compressed(client, web, stylesheet):
    answer = await client.get(stylesheet, headers={"Accept-Encoding": "br"})
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "br"
    assert "default-src" in answer.headers["content-security-policy"]
    plain = await client.get(stylesheet, headers={"Accept-Encoding": "identity"})
    assert "--xr-accent" in plain.text
    assert "StreamingHttpResponse" not in web.log.read_text()


async def test_what_a_browser_has_is_not_sent_again_and_a_part_is_a_part(client, stylesheet):
    first = await client.get(stylesheet, headers={"Accept-Encoding": "identity"})
    same = await client.get(stylesheet, headers={"If-Modified-Since": first.headers["last-modified"]})
    assert (same.status_code, same.content) == (304, b"")
    part = await client.get(stylesheet, headers={"Range": "bytes=3-9", "Accept-Encoding": "identity"})
    assert (part.status_code, part.content) == (206, first.content[3:10])
    head = await client.head(stylesheet)
    assert (head.status_code, head.content) == (200, b"")


async def test_a_first_view_weighs_at_most_200_kb(client):
    for path in ("/", "/models", "/account/login/"):
        page = await client.get(path, headers={"Accept-Encoding": "gzip"})
        weight = len(page.content)
        for url in set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)) | {"/site.css"}:
            async with client.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
                weight += sum([len(part) async for part in answer.aiter_raw()])
        assert weight <= 200_000, f"{path} weighs {weight} bytes"


async def test_nothing_outside_the_folder_is_served(client):
    for path in ("/static/../manage.py", "/static/%2e%2e/manage.py", "/static/staticfiles.json/../../.env"):
        assert (await client.get(path)).status_code == 404
