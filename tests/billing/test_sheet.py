"""No character of a name vanishes from a paper: it is printed, or a mark stands for it and a line says so."""

import io
from datetime import UTC, datetime
from pathlib import Path

import fpdf
import pypdf
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from billing.papers.sheet import MARK, NOT_PRINTED, Sheet

NAME = "東京 Żółw ไทย 🎉"


def printed(name: str = NAME, **blocks) -> str:
    sheet = Sheet(title="t", foot="f", made_at=datetime(2026, 1, 1, tzinfo=UTC))
    sheet.heading(name)
    sheet.words(name)
    sheet.columns([("Buyer", [name])])
    sheet.rows(("What", "USD"), [(name, "1.00")], (0.7, 0.3))
    pages = pypdf.PdfReader(io.BytesIO(sheet.made())).pages
    return " ".join(page.extract_text() for page in pages)


@pytest.fixture
def font(tmp_path) -> Path:
    """A font that has two characters, each as a box."""
    pen = TTGlyphPen(None)
    for number, point in enumerate([(0, 0), (0, 700), (600, 700), (600, 0)]):
        (pen.lineTo if number else pen.moveTo)(point)
    pen.closePath()
    box, path = pen.glyph(), tmp_path / "two.ttf"
    names = [".notdef", "east", "capital"]
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder(names)
    made.setupCharacterMap({ord("東"): "east", ord("京"): "capital"})
    made.setupGlyf(dict.fromkeys(names, box))
    made.setupHorizontalMetrics(dict.fromkeys(names, (700, 0)))
    made.setupHorizontalHeader(ascent=800, descent=-200)
    made.setupNameTable({"familyName": "Two", "styleName": "Regular"})
    made.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    made.setupPost()
    made.save(path)
    return path


def test_what_no_font_has_is_marked_and_the_paper_says_so():
    text = printed()
    assert f"{MARK}{MARK} Żółw {MARK}{MARK}{MARK} {MARK}" in text
    assert " ".join(text.split()).endswith(f"{NOT_PRINTED} f 1 / 1")


def test_a_joiner_or_a_variant_selector_is_no_missing_character():
    assert MARK not in printed("a\u200db\ufe0fc")
    assert printed("\u0e35").count(MARK) == 4 + 1  # a vowel above is one


def test_what_can_be_printed_says_nothing_of_it():
    assert MARK not in printed("Żółw Ελλάδα Москва 100 €")


def test_the_operators_font_prints_what_ours_lacks(settings, font):
    settings.XROUTE_PDF_FONT = str(font)
    text = printed("東京")
    assert text.count("東京") == 4
    assert MARK not in text
    assert f"東京 Żółw {MARK}" in printed()


def test_every_way_of_printing_goes_through_the_same_door():
    """Should a newer fpdf2 print by another way, this is where it is seen."""
    assert fpdf.FPDF.normalize_text is not Sheet.normalize_text
    assert printed("京").count(MARK) == 4 + 1
