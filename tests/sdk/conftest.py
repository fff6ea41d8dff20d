"""OpenAI's own SDK against a worker, as people use it."""

from collections.abc import Callable, Iterator

import openai
import pytest

from accounts.models import ApiKey
from tests.cast import USD, Person, person


@pytest.fixture
def sdk(web) -> Iterator[Callable[..., openai.OpenAI]]:
    """An SDK client for a key; it repeats nothing unless it is told to."""
    made: list[openai.OpenAI] = []

    def make(key: str | Person, url: str = web.url, **options) -> openai.OpenAI:
        secret = key.secret if isinstance(key, Person) else key
        defaults = {"max_retries": 0, "timeout": 30}
        made.append(openai.OpenAI(api_key=secret, base_url=f"{url}/openai/v1", **(defaults | options)))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def make_limited(django_db_blocker) -> Callable[..., Person]:
    """A person whose key has these values; `credit` in nano-USD."""

    def make(credit: int = 100 * USD, **values) -> Person:
        with django_db_blocker.unblock():
            found = person(credit_nanousd=credit)
            ApiKey.objects.filter(pk=found.key_id).update(**values)
        return found

    return make
