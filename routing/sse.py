"""Server-sent events, both ways. Pure: bytes in, bytes out, right for any chunking.

Read as WHATWG HTML 9.2 "Server-sent events" says, with three differences that an API relay wants: only `data`
matters (comments, `event:`, `id:`, `retry:` are dropped), an event without data is nothing, and an event that is
cut off by the end of the stream still counts, because some upstreams leave out the last blank line.
"""

from routing.errors import UpstreamError

LINE_BYTES_MAX = 1_000_000
_BOM = b"\xef\xbb\xbf"


class Decoder:
    """Incremental: `feed` gives the data of each event that is complete, `close` what the end leaves over.

    Raises UpstreamError("too_large") for an event (its lines together) of more than `line_bytes_max` bytes.
    """

    __slots__ = ("_after_cr", "_at_start", "_bytes_max", "_pending")

    def __init__(self, line_bytes_max: int = LINE_BYTES_MAX) -> None:
        self._bytes_max = line_bytes_max
        self._pending = bytearray()
        self._at_start = True
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of each event that `chunk` completes; lines of one event are joined with a line feed."""
        if self._after_cr or b"\r" in chunk:
            chunk = self._line_feeds_only(chunk)
        if self._at_start and (self._pending or chunk[:1] == b"\xef"):
            chunk = self._without_bom(chunk)
        if not chunk:
            return []
        self._at_start = False
        if not self._pending and chunk.endswith(b"\n\n"):
            return self._events(chunk)
        return self._append(chunk)

    def close(self) -> list[bytes]:
        """The data of an event that the stream ended without completing, if there is one."""
        rest = bytes(self._pending)
        self._pending.clear()
        return self._events(rest)

    def _append(self, chunk: bytes) -> list[bytes]:
        pending = self._pending
        seen = len(pending)
        pending += chunk
        end = pending.rfind(b"\n\n", max(0, seen - 1))
        if end >= 0:
            complete = bytes(pending[:end])
            del pending[: end + 2]
        if len(pending) > self._bytes_max + 1:  # one line feed may belong to the blank line that is to come
            raise _too_large(self._bytes_max)
        return self._events(complete) if end >= 0 else []

    def _events(self, text: bytes) -> list[bytes]:
        events = []
        for block in text.split(b"\n\n"):
            if len(block) > self._bytes_max + 1:
                raise _too_large(self._bytes_max)
            data = block[6:] if block[:6] == b"data: " and b"\n" not in block else _data(block)
            if data:
                events.append(data)
        return events

    def _line_feeds_only(self, chunk: bytes) -> bytes:
        """CRLF and lone CR become LF; a CR at the end counts at once, and swallows an LF that follows."""
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _without_bom(self, chunk: bytes) -> bytes:
        head = bytes(self._pending) + chunk
        self._pending.clear()
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._pending += head
            return b""
        return head.removeprefix(_BOM)


def _too_large(bytes_max: int) -> UpstreamError:
    return UpstreamError(
        "too_large", f"The provider sent a stream event of more than {bytes_max} bytes.", may_be_billed=True
    )


def _data(block: bytes) -> bytes:
    values = []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            values.append(value[1:] if value[:1] == b" " else value)
    return b"\n".join(values)


def event(data: bytes) -> bytes:
    """One event; `data` of several lines is sent as several, as a reader joins them again."""
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")
    return b"data: " + data + b"\n\n"


def comment(text: str) -> bytes:
    """A line that readers ignore: keeps a connection alive."""
    return b": " + text.replace("\r", " ").replace("\n", " ").encode() + b"\n\n"
