"""A call that has been made and billed, for pages to show."""

from datetime import datetime

from billing.pricing import Usage
from tests.billing.usage import book, generation
from tests.cast import Person


def called(
    person: Person,
    *,
    model: str,
    cost: int,
    provider: str = "sandbox",
    prompt: int = 10,
    completion: int = 5,
    at: datetime | None = None,
) -> None:
    """Book one generation of `person`, `cost` in nano-USD."""
    usage = Usage(prompt=prompt, completion=completion)
    made = generation(person, at, cost, model=model, provider=provider, usage=usage, basis="reported")
    made.finish_reason = "stop"
    book([made])
