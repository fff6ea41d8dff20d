"""An A4 page in our fonts. The same content makes the same bytes: nothing of the moment or the machine goes in.

Ours have Latin, Greek, Cyrillic and some more. What they lack comes from XROUTE_PDF_FONT; what that lacks too is
printed as a mark, and the last line of the paper says so: no character of a name vanishes.
"""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.conf import settings
from fpdf import FPDF
from fpdf.enums import XPos, YPos

FONTS = Path(__file__).parent / "fonts"
MARGIN_MM, LINE_MM, SIZE_PT, SMALL_PT = 20.0, 5.2, 9.5, 8.0
MARK = "\N{REPLACEMENT CHARACTER}"
NOT_PRINTED = f"{MARK} stands for a character that cannot be printed here. The page on the web has it."
INVISIBLE = ("Cc", "Cf")  # joiners and marks of direction: nothing is missing where they are left out
SELECTORS = range(0xFE00, 0xFE10)  # of a variant; invisible too
INK, DIM, RULE = (18, 24, 28), (85, 97, 107), (210, 215, 218)


class Sheet(FPDF):
    """`foot` stands under every page, beside its number."""

    def __init__(self, *, title: str, foot: str, made_at: datetime) -> None:
        super().__init__(format="A4")
        self.foot = foot
        self.add_font("DejaVu", "", FONTS / "DejaVuSans.ttf")
        self.add_font("DejaVu", "B", FONTS / "DejaVuSans-Bold.ttf")
        if settings.XROUTE_PDF_FONT:
            self.add_font("Fallback", "", settings.XROUTE_PDF_FONT)
            self.set_fallback_fonts(["Fallback"], exact_match=False)
        self._not_printed = False
        self.set_title(title)
        self.set_producer("XRoute")
        self.set_lang("en")
        self.set_creation_date(made_at)
        self.set_margins(MARGIN_MM, MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, margin=MARGIN_MM + 8)
        self.alias_nb_pages()
        self.add_page()

    def footer(self) -> None:
        self.set_y(-MARGIN_MM)
        self._ink(SMALL_PT, DIM)
        self.cell(self.epw * 0.8, LINE_MM, self.foot, new_x=XPos.RIGHT, new_y=YPos.TOP)
        self.cell(self.epw * 0.2, LINE_MM, f"{self.page_no()} / {{nb}}", align="R")

    def heading(self, text: str, size_pt: float = 18) -> None:
        """A line of its own in bold."""
        self._ink(size_pt, INK, bold=True)
        self.multi_cell(self.epw, size_pt * 0.48, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1.5)

    def words(self, text: str, *, dim: bool = False, width_mm: float = 0) -> None:
        """A paragraph."""
        self._ink(SMALL_PT if dim else SIZE_PT, DIM if dim else INK)
        self.multi_cell(width_mm or self.epw, LINE_MM, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def columns(self, blocks: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Blocks of lines side by side, each under its name."""
        top, width = self.get_y(), self.epw / len(blocks)
        lowest = top
        for number, (name, lines) in enumerate(blocks):
            self.set_xy(MARGIN_MM + number * width, top)
            self._ink(SMALL_PT, DIM)
            self.cell(width - 6, LINE_MM, name, new_x=XPos.LEFT, new_y=YPos.NEXT)
            self._ink(SIZE_PT, INK)
            for line in lines:
                self.multi_cell(width - 6, LINE_MM, line, align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)
            lowest = max(lowest, self.get_y())
        self.set_xy(MARGIN_MM, lowest)
        self.ln(6)

    def rows(self, heads: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float]) -> None:
        """A table: the first column to the left, all others to the right; its heads again on each page."""
        self._line(heads, widths, SMALL_PT, DIM)
        self._rule()
        for row in rows:
            if self.will_page_break(LINE_MM + 1.4):
                self.add_page()
                self._line(heads, widths, SMALL_PT, DIM)
                self._rule()
            self._line(row, widths, SIZE_PT, INK)

    def total(self, name: str, amount: str) -> None:
        """A last line in bold, under a rule."""
        self._rule()
        self._line((name, amount), (0.7, 0.3), SIZE_PT, INK, bold=True)
        self.ln(4)

    def normalize_text(self, text: str) -> str:
        """Every text comes through here before it is measured or printed."""
        return super().normalize_text("".join(map(self._printable, text)))

    def _printable(self, char: str) -> str:
        known = any(ord(char) in getattr(font, "cmap", ()) for font in self.fonts.values())
        if known or char in "\n\r\t":
            return char
        if unicodedata.category(char) in INVISIBLE or ord(char) in SELECTORS:
            return ""
        self._not_printed = True
        return MARK

    def made(self) -> bytes:
        """The file."""
        if self._not_printed:
            self.ln(4)
            self.words(NOT_PRINTED, dim=True)
        return bytes(self.output())

    def _line(
        self,
        cells: Sequence[str],
        widths: Sequence[float],
        size_pt: float,
        colour: tuple[int, int, int],
        *,
        bold: bool = False,
    ) -> None:
        self._ink(size_pt, colour, bold=bold)
        for number, (text, share) in enumerate(zip(cells, widths, strict=True)):
            width = self.epw * share
            self.cell(width, LINE_MM + 1.4, self._cut(text, width - 2), align="R" if number else "L")
        self.ln(LINE_MM + 1.4)

    def _cut(self, text: str, width_mm: float) -> str:
        """As much of a text as fits."""
        if self.get_string_width(text) <= width_mm:
            return text
        while text and self.get_string_width(text + "…") > width_mm:
            text = text[:-1]
        return text + "…"

    def _rule(self) -> None:
        self.set_draw_color(*RULE)
        self.line(self.l_margin, self.get_y(), self.l_margin + self.epw, self.get_y())

    def _ink(self, size_pt: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
        self.set_font("DejaVu", "B" if bold else "", size_pt)
        self.set_text_color(*colour)
