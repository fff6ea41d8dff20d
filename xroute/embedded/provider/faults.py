"""Faults on demand, by the model's name (after an optional author/): fault-500, fault-cut-3 and so on. Pure.

With a number: html-502, error-midstream-N, cut-N, eof-N, silence-N, slow-MS, flaky-P, late-usage-MS, usage-absurd-K,
limited-S (429 with that Retry-After). silence and usage-absurd also without, cut-head, eof-head and silence-head after
the head and before anything else. Without: the names of PLAIN, and any HTTP status from 400 to 599.
"""

import re
from dataclasses import dataclass
from typing import Any

PLAIN = (
    *("error-200", "nodone", "silence", "usage-missing", "usage-absurd", "usage-on-finish", "empty", "garbage"),
    *("longline", "endless", "gzip", "redirect", "toggle", "cut-head", "eof-head", "silence-head"),
    *("usage-zero", "usage-twice", "bytewise"),
)
NUMBERED = re.compile(r"(html|error-midstream|cut|eof|silence|slow|flaky|late-usage|usage-absurd|limited)-(\d{1,6})")
STATUS = re.compile(r"[45]\d\d")
LONG_LINE_BYTES = 5 * 2**20
ABSURD: tuple[dict[str, Any], ...] = (
    {"prompt_tokens": 10**15, "completion_tokens": 10**15, "total_tokens": 2 * 10**15},
    {"prompt_tokens": -5, "completion_tokens": -7, "total_tokens": -12},
    {"prompt_tokens": "many", "completion_tokens": "12", "total_tokens": None},
)
ZERO: dict[str, Any] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


@dataclass(frozen=True, slots=True)
class Fault:
    """`kind` is empty where nothing is to go wrong, `status` for plain HTTP errors; `number` -1 where none is named."""

    kind: str = ""
    number: int = -1


NONE = Fault()


class UnknownFault(Exception):
    """The name begins with fault- but means nothing: a typing error that must not pass for a success."""


def short_name(model: str) -> str:
    return model.rpartition("/")[2]


def fault_of(model: str) -> Fault:
    """Raises UnknownFault."""
    name = short_name(model)
    if not name.startswith("fault-"):
        return NONE
    name = name.removeprefix("fault-")
    if STATUS.fullmatch(name):
        return Fault("status", int(name))
    if name in PLAIN:
        return Fault(name)
    found = NUMBERED.fullmatch(name)
    if found is None:
        raise UnknownFault(name)
    return Fault(found[1], int(found[2]))


def flaky_now(count: int, per_cent: int) -> bool:
    """Whether the count-th request (from 1) fails, so that per_cent of every hundred do, evenly spread."""
    return count * per_cent // 100 != (count - 1) * per_cent // 100


def absurd(number: int, count: int) -> dict[str, Any]:
    """Huge, negative, or no numbers at all: the one that is named, else each in its turn."""
    return ABSURD[(number if number >= 0 else count) % len(ABSURD)]


def halved(usage: dict[str, Any]) -> dict[str, Any]:
    """As it stood in the middle of the answer."""
    completion = usage["completion_tokens"] // 2
    return usage | {"completion_tokens": completion, "total_tokens": usage["prompt_tokens"] + completion}
