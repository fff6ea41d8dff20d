"""A call with a fallback in it, for the page of one generation."""

import httpx

from tests.stack import Stack

BODY = {"model": "sandbox/failover", "messages": [{"role": "user", "content": "[[tokens=80]] hello"}]}


def called(stack: Stack, email: str) -> dict[str, str]:
    """Make it with a new key of this person's. What fills `{generation}` in a path."""
    made = stack.manage("create_key", email)
    assert made.returncode == 0, made.stderr
    asked = BODY | {"provider": {"sort": "price", "ignore": ["sandbox-c"]}}
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    url = f"{stack.url}/openai/v1/chat/completions"
    answer = httpx.post(url, json=asked, headers=headers, trust_env=False, timeout=30)
    assert answer.status_code == 200, answer.text
    return {"generation": answer.json()["id"]}
