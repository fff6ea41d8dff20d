"""Ready commands that carry this installation's address: the first call in curl, Python and JavaScript. Pure.

A key stands in them as it is where it was just made (it is shown this once); else as an environment variable in
double quotes, so that the shell replaces it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

PLACEHOLDER = "xr-v1-…"
PREFERRED = ("openai/gpt-5", "mistralai/mistral-small-3.1", "sandbox/echo")
CURL = """export XROUTE_API_KEY="{key}"
curl "{url}/openai/v1/chat/completions" \\
  --header "Authorization: Bearer $XROUTE_API_KEY" \\
  --header "Content-Type: application/json" \\
  --data '{{
    "model": "{model}",
    "messages": [{{"role": "user", "content": "Say hello"}}]
  }}'"""
PYTHON = """# pip install openai
from openai import OpenAI

client = OpenAI(base_url="{url}/openai/v1", api_key="{key}")
answer = client.chat.completions.create(
    model="{model}",
    messages=[{{"role": "user", "content": "Say hello"}}],
)
print(answer.choices[0].message.content)"""
JAVASCRIPT = """// npm install openai
import OpenAI from "openai";

const client = new OpenAI({{ baseURL: "{url}/openai/v1", apiKey: "{key}" }});
const answer = await client.chat.completions.create({{
  model: "{model}",
  messages: [{{ role: "user", content: "Say hello" }}],
}});
console.log(answer.choices[0].message.content);"""


@dataclass(frozen=True, slots=True)
class Snippet:
    """One language's first call."""

    id: str
    name: str
    code: str


def example(slugs: Sequence[str]) -> str:
    """The model that a first call names: a well-known one where it can be called."""
    known = [slug for slug in PREFERRED if slug in slugs]
    return (known or [*slugs, PREFERRED[0]])[0]


def snippets(*, public_url: str, model: str, key: str = PLACEHOLDER) -> list[Snippet]:
    """The first call to `model` at `public_url`."""
    return [
        Snippet(name.lower(), name, code.format(url=public_url, model=model, key=key))
        for name, code in (("curl", CURL), ("Python", PYTHON), ("JavaScript", JAVASCRIPT))
    ]
