"""The body of POST /chat/completions, checked where routing or billing relies on it."""

from collections.abc import Mapping
from typing import Any

import orjson

from routing.parse.needs import needs
from routing.parse.preferences import SUFFIXES, preferences
from routing.parse.refused import refuse_connection_keys
from routing.parse.sizes import DEFAULT_BOUNDS, Bounds, prompt_size
from routing.types import ChatRequest
from xroute.lib.errors import ApiError, invalid

MODEL_LENGTH_MAX = 200
MESSAGES_MAX, FALLBACKS_MAX = 10_000, 10
CHOICES_MAX = 128
TOKENS_MAX = 2**31 - 1
ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function"))

# orjson writes at most 254 levels; a body of so few brackets cannot be deeper.
_BRACKETS_SURELY_SHALLOW = 200


def chat_request(raw: bytes, bounds: Bounds = DEFAULT_BOUNDS) -> ChatRequest:
    """The request in `raw`. Raises ApiError 400 naming what is wrong and what to do instead."""
    body = _json_object(raw)
    refuse_connection_keys(body)
    model, suffix = _named(body.get("model"), "model")
    _check_messages(body)
    stream = _flag(body, "stream")
    limit_field, max_tokens = _limit(body)
    size = prompt_size(body, bounds)
    return ChatRequest(
        body=body,
        model=model,
        stream=stream,
        include_usage=_include_usage(body),
        max_tokens=max_tokens,
        limit_field=limit_field,
        n=_integer(body, "n", CHOICES_MAX) or 1,
        images=size.images,
        prompt_tokens_max=size.tokens_max,
        prompt_tokens_expected=size.tokens_expected,
        needs=needs(body, size.modalities),
        preferences=preferences(body, suffix=suffix),
        fallbacks=_fallbacks(body, model),
    )


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
        if raw.count(b"[") + raw.count(b"{") > _BRACKETS_SURELY_SHALLOW:
            orjson.dumps([[[[body]]]])
    except orjson.JSONDecodeError as error:
        if "limit" in str(error):
            raise _too_deep() from None
        raise invalid(
            f"The body is not valid JSON: {str(error)[:200]}. Send UTF-8 JSON with Content-Type: application/json."
        ) from None
    except TypeError:
        raise _too_deep() from None
    if not isinstance(body, dict):
        raise invalid('The body must be a JSON object such as {"model": …, "messages": […]}.')
    return body


def _too_deep() -> ApiError:
    return invalid("The body is nested too deeply; at most 250 levels can be sent.")


def _named(model: Any, param: str) -> tuple[str, str]:
    """A model's name, and its suffix where that is one of ours."""
    if not isinstance(model, str) or not model.strip():
        raise invalid(
            f"Name a model: `{param}` must be a non-empty string; GET /openai/v1/models lists them.",
            param=param,
            code="missing_required_parameter" if model is None else None,
        )
    if len(model) > MODEL_LENGTH_MAX:
        raise invalid(f"`{param}` must have at most {MODEL_LENGTH_MAX} characters.", param=param)
    name, _, suffix = model.strip().rpartition(":")
    if suffix not in SUFFIXES:
        return model.strip(), ""
    if not name:
        raise invalid(f"Name a model before the suffix `:{suffix}`.", param=param)
    return name, suffix


def _fallbacks(body: dict[str, Any], model: str) -> tuple[str, ...]:
    """The names of `models` after the one that is asked for first; without suffixes, as one strategy holds for all."""
    given = body.get("models")
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > FALLBACKS_MAX:
        raise invalid(f"`models` must be a list of at most {FALLBACKS_MAX} models' names.", param="models")
    names = [_named(name, f"models[{place}]")[0] for place, name in enumerate(given)]
    return tuple(name for name in dict.fromkeys(names) if name != model)


def _check_messages(body: dict[str, Any]) -> None:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid(
            "`messages` must be a non-empty list of objects with a `role` and `content`.",
            param="messages",
            code="missing_required_parameter" if messages is None else None,
        )
    if len(messages) > MESSAGES_MAX:
        raise invalid(f"`messages` has {len(messages)} entries; at most {MESSAGES_MAX} can be sent.", param="messages")
    for position, message in enumerate(messages):
        role = message.get("role") if type(message) is dict else None
        if type(role) is not str or role not in ROLES:
            raise _bad_role(message, position)
        content = message.get("content")
        if type(content) is not str:
            _check_content(message, content, position)


def _bad_role(message: Any, position: int) -> ApiError:
    where = f"messages[{position}]"
    if not isinstance(message, dict):
        return invalid(f"`{where}` must be an object with a `role` and `content`.", param=where)
    return invalid(f"`{where}.role` must be one of: {', '.join(sorted(ROLES))}.", param=f"{where}.role")


def _check_content(message: dict[str, Any], content: Any, position: int) -> None:
    where = f"messages[{position}].content"
    if content is None:
        if message["role"] == "assistant":  # with tool calls, a refusal or audio in place of text
            return
        raise invalid(f"`{where}` is missing; give a string or a list of parts.", param=where)
    if not isinstance(content, list):
        raise invalid(f"`{where}` must be a string or a list of parts.", param=where)
    for index, part in enumerate(content):
        if not isinstance(part, (dict, str)):
            raise invalid(f"`{where}[{index}]` must be an object with a `type`.", param=f"{where}[{index}]")


def _limit(body: dict[str, Any]) -> tuple[str, int | None]:
    """The name and value of the caller's own limit; max_tokens is the name where none is given."""
    old = _integer(body, "max_tokens", TOKENS_MAX)
    new = _integer(body, "max_completion_tokens", TOKENS_MAX)
    if old is not None and new is not None and old != new:
        raise invalid(
            "`max_tokens` and `max_completion_tokens` differ; give only `max_completion_tokens`.",
            param="max_tokens",
        )
    return ("max_tokens", old) if new is None else ("max_completion_tokens", new)


def _integer(body: Mapping[str, Any], name: str, high: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= high:
        raise invalid(f"`{name}` must be a whole number from 1 to {high}.", param=name)
    return value


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(f"`{name}` must be true or false.", param=name)
    return bool(value)


def _include_usage(body: Mapping[str, Any]) -> bool:
    """Whether a stream's caller asked for the usage chunk, in OpenAI's words or OpenRouter's."""
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise invalid('`stream_options` must be an object such as {"include_usage": true}.', param="stream_options")
    usage = body.get("usage")
    return bool(options and options.get("include_usage") is True) or (
        isinstance(usage, dict) and usage.get("include") is True
    )
