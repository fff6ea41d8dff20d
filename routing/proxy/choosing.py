"""choose: from a parsed request to the endpoints to try, over all the models that it names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import zip_longest
from typing import Any

from accounts.callers import Caller
from routing import auto, ranking
from routing.catalogue import Snapshot
from routing.ranking.fitness import UNSPOKEN
from routing.ranking.order import BALANCED, Draw, random_draw, sticky_draw, strategy_of
from routing.runtime import Runtime
from routing.sandbox import FAULTS
from routing.types import ChatRequest, Endpoint
from xroute.lib.errors import ApiError

STICKY_TOKENS_MIN = 1024  # what providers cache begins at about this size
PREFIX_CHARACTERS, PREFIX_MESSAGES = 2_000, 2
SESSION_KEYS = ("session_id", "prompt_cache_key")
PER_MODEL_FIRST = 2


@dataclass(frozen=True, slots=True)
class Chosen:
    """`endpoints` to try in order, by each model's own choice; `why` is what `xroute/auto` went by."""

    endpoints: tuple[Endpoint, ...]
    choices: Sequence[ranking.Choice]
    why: str = ""


def choose(runtime: Runtime, caller: Caller, chat: ChatRequest) -> Chosen:
    """The endpoints to try, best first; raises ApiError 400, 403 or 404 where there is none."""
    snapshot = runtime.catalogue.snapshot
    slugs, why = _models(snapshot, caller, chat)
    choices = [_choice(runtime, caller, chat, slug) for slug in slugs]
    if not any(choice.endpoints for choice in choices):
        raise _no_endpoints(slugs[0], [why for choice in choices for why in choice.reasons])
    if len(choices) == 1:
        return Chosen(tuple(choices[0].endpoints), choices, why)
    return Chosen(tuple(_merged([choice.endpoints for choice in choices])), choices, why)


def _models(snapshot: Snapshot, caller: Caller, chat: ChatRequest) -> tuple[list[str], str]:
    if chat.model in auto.NAMES:
        listed = {slug: found for slug, found in snapshot.endpoints.items() if not slug.startswith(FAULTS)}
        picked = auto.pick(listed, chat, _allowed(snapshot, caller))
        if not picked.slugs:
            raise _no_endpoints(chat.model, [picked.why])
        return picked.slugs, picked.why
    return [_slug(snapshot, caller, name) for name in (chat.model, *chat.fallbacks)], ""


def _allowed(snapshot: Snapshot, caller: Caller) -> set[str]:
    """The slugs of the models that the key may use."""
    return {snapshot.names.get(name, name) for name in caller.allowed_models}


def _slug(snapshot: Snapshot, caller: Caller, name: str) -> str:
    slug = snapshot.names.get(name)
    if slug is None or not snapshot.endpoints_for(slug, caller.workspace_id):
        raise _unknown_model(name, snapshot.similar(name), known=slug is not None)
    if caller.allowed_models and slug not in _allowed(snapshot, caller):
        message = f"This API key may not use {slug}. Its owner allows: {', '.join(sorted(caller.allowed_models))}."
        raise ApiError(403, "permission_error", "model_not_allowed", message, param="model")
    return slug


def _choice(runtime: Runtime, caller: Caller, chat: ChatRequest, slug: str) -> ranking.Choice:
    endpoints = runtime.catalogue.snapshot.endpoints_for(slug, caller.workspace_id)
    return ranking.candidates(
        endpoints,
        chat,
        runtime.health,
        figures=runtime.catalogue.figures,
        draw=_draw(runtime, caller, chat, endpoints),
        default_sort=runtime.limits.default_sort,
    )


def _draw(runtime: Runtime, caller: Caller, chat: ChatRequest, endpoints: Sequence[Endpoint]) -> Draw:
    """A conversation stays where its prompt is cached: what it begins with decides, the same on every worker."""
    if len(endpoints) < 2 or strategy_of(chat.preferences, runtime.limits.default_sort) != BALANCED:
        return random_draw
    session = next((value for key in SESSION_KEYS if isinstance(value := chat.body.get(key), str) and value), "")
    if not session:
        cached = any(endpoint.prices.cached_input is not None for endpoint in endpoints)
        if not cached or chat.prompt_tokens_expected < STICKY_TOKENS_MIN:
            return random_draw
        session = "".join(_texts(chat.body["messages"][:PREFIX_MESSAGES]))
    seed = blake2b(f"{caller.workspace_id}:{session[: 2 * PREFIX_CHARACTERS]}".encode("utf-8", "replace"))
    return sticky_draw(seed.digest())


def _texts(messages: Iterable[Any]) -> Iterable[str]:
    """How a conversation begins: it stays the same from turn to turn."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            content = next((part.get("text") for part in content if isinstance(part, dict) and "text" in part), "")
        yield f"{message['role']}:{content[:PREFIX_CHARACTERS] if isinstance(content, str) else ''}"


def _merged(lists: Sequence[list[Endpoint]]) -> Iterable[Endpoint]:
    """The first two of each model in turn, then what is left: a fallback model must have its chance."""
    for found in lists:
        yield from found[:PER_MODEL_FIRST]
    for row in zip_longest(*(found[PER_MODEL_FIRST:] for found in lists)):
        yield from (endpoint for endpoint in row if endpoint is not None)


def _unknown_model(name: str, similar: list[str], *, known: bool) -> ApiError:
    if known:
        message = f"The model {name!r} is known, but no provider of it has a credential here. Ask the operator."
        return ApiError(404, "invalid_request_error", "no_endpoints", message, param="model")
    hint = f" Did you mean {', '.join(similar)}?" if similar else " GET /openai/v1/models lists all."
    message = f"The model {name[:200]!r} does not exist.{hint}"
    return ApiError(404, "invalid_request_error", "model_not_found", message, param="model")


def _no_endpoints(slug: str, reasons: Iterable[str]) -> ApiError:
    reasons = sorted(set(reasons))
    if any("context" in reason for reason in reasons):
        message = f"The prompt is too long for every endpoint of {slug}: {'; '.join(reasons)}. Shorten the messages."
        return ApiError(400, "invalid_request_error", "context_length_exceeded", message, param="messages")
    if spoken := next((why for why in reasons if UNSPOKEN in why), ""):
        field = spoken.rpartition(f"{UNSPOKEN} ")[2].partition(",")[0]
        message = f"No provider of {slug} here can honour `{field}` ({'; '.join(reasons)}). Leave it out."
        return ApiError(400, "invalid_request_error", "unsupported_parameter", message, param=field)
    message = f"No endpoint of {slug} fits this request: {'; '.join(reasons) or 'none is enabled'}."
    return ApiError(404, "invalid_request_error", "no_endpoints", message, param="model")
