"""What a request relies on, as capability names that endpoints carry too.

tools, vision, audio, file, video, json_schema, json_mode, logprobs, reasoning, prediction, audio_output, web_search.
"""

from collections.abc import Mapping
from typing import Any

_OF_FORMAT = {"json_schema": "json_schema", "json_object": "json_mode"}
_OF_KEY = {
    "tools": "tools",
    "functions": "tools",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "reasoning": "reasoning",
    "reasoning_effort": "reasoning",
    "prediction": "prediction",
    "web_search_options": "web_search",
}


def needs(body: Mapping[str, Any], modalities: frozenset[str]) -> frozenset[str]:
    """Capabilities by the parameters given (null, false and empty ones do not count) and the parts of messages."""
    found = {need for key, need in _OF_KEY.items() if _given(body.get(key))}
    shape = body.get("response_format")
    if isinstance(shape, dict) and isinstance(kind := shape.get("type"), str) and kind in _OF_FORMAT:
        found.add(_OF_FORMAT[kind])
    wanted = body.get("modalities")
    if isinstance(wanted, list) and "audio" in wanted:
        found.add("audio_output")
    return modalities.union(found)


def _given(value: Any) -> bool:
    return value is not None and value is not False and value != [] and value != ""
