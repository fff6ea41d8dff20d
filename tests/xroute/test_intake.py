"""The browser plane takes bodies up to its limit, whether their length is announced or not."""

from collections.abc import AsyncIterator

import pytest

LIMIT = 2 * 2**20


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 65536


@pytest.mark.parametrize("path", ["/account/login/", "/stripe/webhook", "/nothing-here"])
async def test_a_longer_body_is_refused_before_django_stores_it(client, path):
    for body in (b"x" * (LIMIT + 1), pieces(80)):
        answer = await client.post(path, content=body, headers={"Content-Type": "application/octet-stream"})
        assert answer.status_code == 413
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await client.get("/models")).status_code == 200


async def test_a_body_within_it_reaches_the_page(client):
    answer = await client.post("/stripe/webhook", content=b"x" * 1000)
    assert answer.status_code == 400
    answer = await client.post("/account/login/", data={"login": "x" * 1000})
    assert answer.status_code == 403  # no CSRF token
