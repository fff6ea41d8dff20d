"""Sizes of completions: of one that was cut short, and of one that has not begun. Pure, in-process."""

from collections import OrderedDict, deque
from collections.abc import Hashable
from math import ceil

BYTES_PER_TOKEN = 4
REMEMBERED = 64
ENTRIES_MAX = 10_000
TOKENS_DEFAULT = 1024
SAMPLES_MIN = 8
MARGIN = 1.2


def completion_tokens(output_bytes: int) -> int:
    """Tokens in so many bytes of relayed output, estimated; at least 1 where there are any."""
    return -(-output_bytes // BYTES_PER_TOKEN) if output_bytes > 0 else 0


class Expected:
    """What a key usually takes of a model: the 95th percentile of its last 64 completions and a fifth more.

    Trained by the caller, so no promise. At most `entries_max` pairs are kept, the least recently used go first.
    """

    def __init__(self, entries_max: int = ENTRIES_MAX, default: int = TOKENS_DEFAULT) -> None:
        self._entries_max = entries_max
        self._default = default
        self._sizes: OrderedDict[tuple[Hashable, str], deque[int]] = OrderedDict()

    def note(self, key_id: Hashable, slug: str, tokens: int) -> None:
        """Remember a completion of `tokens`."""
        sizes = self._sizes.get((key_id, slug))
        if sizes is None:
            sizes = self._sizes[(key_id, slug)] = deque(maxlen=REMEMBERED)
            if len(self._sizes) > self._entries_max:
                self._sizes.popitem(last=False)
        self._sizes.move_to_end((key_id, slug))
        sizes.append(max(0, tokens))

    def tokens(self, key_id: Hashable, slug: str, most: int) -> int:
        """The completion to expect, from 1 to `most`; few samples never make it smaller than the default."""
        sizes = self._sizes.get((key_id, slug))
        if not sizes:
            return max(1, min(self._default, most))
        self._sizes.move_to_end((key_id, slug))
        ordered = sorted(sizes)
        usual = ceil(ordered[ceil(len(ordered) * 0.95) - 1] * MARGIN)
        if len(ordered) < SAMPLES_MIN:
            usual = max(usual, self._default)
        return max(1, min(usual, most))
