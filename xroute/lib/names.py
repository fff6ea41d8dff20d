"""What a name may not hold: characters that nobody sees and that change how the text around them reads. Pure."""

import unicodedata

# Marks of direction, and separators of lines and paragraphs. Joiners stay: emoji and Persian need them.
DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BREAKS = frozenset("\u2028\u2029")


def unseen_in(text: str) -> str:
    """A sentence that names the first such character; empty where there is none."""
    for character in text:
        code = f"U+{ord(character):04X}"
        if character in DIRECTIONS:
            return (
                f"It holds an invisible mark of direction ({code}, {unicodedata.name(character).lower()}). Remove it."
            )
        if character in BREAKS or unicodedata.category(character) == "Cc":
            return f"It holds a control character or line break ({code}). Remove it."
    return ""
