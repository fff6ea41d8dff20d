"""What OpenAI would refuse: credentials, bodies that are no JSON, missing and wrong parameters. Pure."""

from dataclasses import dataclass
from typing import Any

import orjson

from xroute.embedded.provider import shapes
from xroute.embedded.provider.faults import Fault, UnknownFault, fault_of, short_name

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
#         name, least, most
NUMBERS = (("temperature", 0, 2), ("top_p", 0, 1), ("presence_penalty", -2, 2), ("frequency_penalty", -2, 2))
INTEGERS = (("n", 1, 128), ("max_tokens", 1, 2**31), ("max_completion_tokens", 1, 2**31), ("seed", -(2**63), 2**63))
OTHERS = (("stream", bool), ("stream_options", dict), ("tools", list), ("response_format", dict))
FORMATS = ("text", "json_object", "json_schema")


@dataclass(slots=True)
class Refused(Exception):
    """A status and the body that goes with it."""

    status: int
    body: bytes


def _bad(message: str, param: str | None, code: str | None = None) -> Refused:
    return Refused(400, shapes.error(message, param=param, code=code))


def authorize(header: bytes) -> None:
    """Any Bearer value but "bad-credential" will do. Raises Refused."""
    scheme, _, value = header.partition(b" ")
    if scheme.lower() != b"bearer" or not value:
        raise Refused(401, shapes.error("You didn't provide an API key (sandbox)."))
    if value.strip() == b"bad-credential":
        raise Refused(401, shapes.status_error(401))


def validate(raw: bytes) -> tuple[dict[str, Any], Fault]:
    """A body that the rest may trust, and the fault that its model asks for. Raises Refused."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise _bad("We could not parse the JSON body of your request.", None) from None
    if not isinstance(body, dict):
        raise _bad("The body of your request must be a JSON object.", None)
    for name, kind in (("model", str), ("messages", list)):
        if not body.get(name):
            raise _bad(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
        if not isinstance(body[name], kind):
            raise _bad(f"Invalid type for '{name}'.", name, "invalid_type")
    _parameters(body)
    for position, message in enumerate(body["messages"]):
        _message(message, f"messages[{position}]")
    return body, _fault(body["model"])


def _fault(model: str) -> Fault:
    try:
        if not short_name(model).startswith("no-such"):
            return fault_of(model)
    except UnknownFault:
        pass
    message = f"The model `{model}` does not exist or you do not have access to it."
    raise Refused(404, shapes.error(message, param="model", code="model_not_found"))


def _parameters(body: dict[str, Any]) -> None:
    for names, kinds in ((NUMBERS, (int, float)), (INTEGERS, (int,))):
        for name, least, most in names:
            value = body.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise _bad(f"Invalid type for '{name}'.", name, "invalid_type")
            if not least <= value <= most:
                raise _bad(f"Invalid '{name}': must be from {least} to {most}.", name, "invalid_value")
    for name, kind in OTHERS:
        if body.get(name) is not None and not isinstance(body[name], kind):
            raise _bad(f"Invalid type for '{name}'.", name, "invalid_type")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise _bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    _tools(body)
    _format(body.get("response_format"))


def _tools(body: dict[str, Any]) -> None:
    tools, choice = body.get("tools"), body.get("tool_choice")
    if tools is None:
        if choice not in (None, "none"):
            raise _bad("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
        return
    if not tools:
        raise _bad("Invalid 'tools': empty array.", "tools", "empty_array")
    for position, tool in enumerate(tools):
        if not isinstance(tool, dict) or "type" not in tool:
            raise _bad(f"Missing required parameter: 'tools[{position}].type'.", f"tools[{position}].type")
        if tool["type"] == "function" and not _named(tool.get("function")):
            where = f"tools[{position}].function.name"
            raise _bad(f"Missing required parameter: '{where}'.", where, "missing_required_parameter")


def _named(function: Any) -> bool:
    return isinstance(function, dict) and isinstance(function.get("name"), str) and bool(function["name"])


def _format(wanted: dict[str, Any] | None) -> None:
    if wanted is None:
        return
    if wanted.get("type") not in FORMATS:
        raise _bad("Invalid value for 'response_format.type'.", "response_format.type", "invalid_value")
    if wanted["type"] == "json_schema" and not _named(wanted.get("json_schema")):
        where = "response_format.json_schema"
        raise _bad(f"Missing required parameter: '{where}'.", where, "missing_required_parameter")


def _message(message: Any, where: str) -> None:
    if not isinstance(message, dict):
        raise _bad(f"Invalid type for '{where}': expected an object.", where, "invalid_type")
    if message.get("role") not in ROLES:
        raise _bad(f"Invalid value for '{where}.role'.", f"{where}.role", "invalid_value")
    content = message.get("content")
    if content is None and message["role"] != "assistant":
        raise _bad(f"Missing '{where}.content'.", f"{where}.content", "missing_required_parameter")
    if isinstance(content, list):
        for position, part in enumerate(content):
            _part(part, f"{where}.content[{position}]")
    elif content is not None and not isinstance(content, str):
        raise _bad(f"Invalid type for '{where}.content'.", f"{where}.content", "invalid_type")


def _part(part: Any, where: str) -> None:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise _bad(f"Missing required parameter: '{where}.type'.", f"{where}.type", "missing_required_parameter")
    if part["type"] == "text" and not isinstance(part.get("text"), str):
        raise _bad(f"Missing required parameter: '{where}.text'.", f"{where}.text", "missing_required_parameter")
