"""How large a prompt may be, from byte lengths alone: no tokenizer runs.

A tokenizer gives at most one token for each UTF-8 byte of text, so bytes are an upper bound and a quarter of them a
fair guess. Images, audio and files are bounded per item; the base64 of a data URL is never text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from xroute.lib.errors import invalid


@dataclass(frozen=True, slots=True)
class Bounds:
    """Tokens. `*_max` go into the upper bound, `*_expected` into the guess."""

    request_max: int = 64
    message_max: int = 16
    tools_max: int = 512  # providers put a preamble before tools
    image_max: int = 3000
    image_expected: int = 765
    image_low_expected: int = 85
    remote_max: int = 100_000  # a file, a video or a recording behind an address: its length is not known
    remote_expected: int = 2000
    audio_bytes_per_token_min: int = 16
    audio_bytes_per_token_expected: int = 400
    file_bytes_per_token_expected: int = 40


DEFAULT_BOUNDS = Bounds()


@dataclass(slots=True)
class PromptSize:
    """A sum in the making. `text_bytes` count fully in the bound and a quarter in the guess."""

    bounds: Bounds
    text_bytes: int = 0
    items_max: int = 0
    items_expected: int = 0
    images: int = 0
    modalities: frozenset[str] = frozenset()

    @property
    def tokens_max(self) -> int:
        return self.text_bytes + self.items_max

    @property
    def tokens_expected(self) -> int:
        return -(-self.text_bytes // 4) + self.items_expected

    def item(self, modality: str, *, tokens_max: int, tokens_expected: int) -> None:
        """Add a part that is no text."""
        self.items_max += tokens_max
        self.items_expected += tokens_expected
        self.modalities |= {modality}


def prompt_size(body: Mapping[str, Any], bounds: Bounds) -> PromptSize:
    """The size of a checked body's prompt: messages, tools, response format and predicted output."""
    messages = body["messages"]
    size = PromptSize(bounds)
    size.items_max = bounds.request_max + bounds.message_max * len(messages)
    size.items_expected = 3 + 4 * len(messages)
    for message in messages:
        for key, value in message.items():
            if type(value) is str:
                size.text_bytes += len(value) if value.isascii() else len(value.encode())
            elif key == "content" and type(value) is list:
                _add_parts(size, value)
            elif value is not None:
                size.text_bytes += len(orjson.dumps(value))
    for key in ("tools", "functions", "response_format"):
        if value := body.get(key):
            size.text_bytes += len(orjson.dumps(value))
            size.items_max += bounds.tools_max
    return size


def _add_parts(size: PromptSize, parts: list[Any]) -> None:
    for part in parts:
        kind = part.get("type") if type(part) is dict else None
        if kind == "text" and type(text := part.get("text")) is str:
            size.text_bytes += len(text) if text.isascii() else len(text.encode())
        elif isinstance(kind, str) and kind in _ADD:
            _ADD[kind](size, part)
        else:
            size.text_bytes += len(orjson.dumps(part))


def _add_image(size: PromptSize, part: dict[str, Any]) -> None:
    image = part.get("image_url")
    low = isinstance(image, dict) and image.get("detail") == "low"
    bounds = size.bounds
    size.images += 1
    expected = bounds.image_low_expected if low else bounds.image_expected
    size.item("vision", tokens_max=bounds.image_max, tokens_expected=expected)


def _add_audio(size: PromptSize, part: dict[str, Any]) -> None:
    audio, bounds = part.get("input_audio"), size.bounds
    data = audio.get("data") if isinstance(audio, dict) else None
    if not isinstance(data, str) or data.startswith(("http://", "https://")):
        size.item("audio", tokens_max=bounds.remote_max, tokens_expected=bounds.remote_expected)
        return
    length = len(data) * 3 // 4
    size.item(
        "audio",
        tokens_max=1 + length // bounds.audio_bytes_per_token_min,
        tokens_expected=1 + length // bounds.audio_bytes_per_token_expected,
    )


def _add_file(size: PromptSize, part: dict[str, Any]) -> None:
    file, bounds = part.get("file"), size.bounds
    if isinstance(file, dict) and file.get("file_id"):
        raise invalid(
            "`file_id` is not supported: files kept at a provider belong to the gateway's account. Send `file_data`.",
            param="messages.content.file.file_id",
            code="unsupported_parameter",
        )
    data = file.get("file_data") if isinstance(file, dict) else None
    if not isinstance(data, str) or data.startswith(("http://", "https://")):
        size.item("file", tokens_max=bounds.remote_max, tokens_expected=bounds.remote_expected)
        return
    length = len(data) * 3 // 4
    size.item("file", tokens_max=1 + length, tokens_expected=1 + length // bounds.file_bytes_per_token_expected)


def _add_video(size: PromptSize, part: dict[str, Any]) -> None:  # noqa: ARG001  # the four share one shape
    bounds = size.bounds
    size.item("video", tokens_max=bounds.remote_max, tokens_expected=bounds.remote_expected)


_ADD = {
    "image_url": _add_image,
    "input_image": _add_image,
    "input_audio": _add_audio,
    "audio_url": _add_audio,
    "file": _add_file,
    "input_file": _add_file,
    "video_url": _add_video,
    "input_video": _add_video,
}
