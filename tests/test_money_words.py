"""Money is written one way for people: $60.00 on pages, in messages and in mails. The code stands at the head of papers
and in the names of CSV columns; what the API says to programs is its own matter.
"""

import ast
import re
from pathlib import Path

import pytest

from xroute.lib.money import cents_words, usd_words

ROOT = Path(__file__).resolve().parents[1]
SAID_TO_PROGRAMS = {"routing/auto.py", "routing/proxy/admission.py", "routing/services.py", "routing/loading/diff.py"}
OTHER_FORM = re.compile(r"[0-9}] ?(USD|US dollars?)\b")
SLOT = "{}"


def said(source: str) -> list[str]:
    """Every string of a program but its docstrings; what an f-string fills in is a slot."""
    tree, found = ast.parse(source), []
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(part.value if isinstance(part, ast.Constant) else SLOT for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (docs | parts):
            found.append(node.value)
    return found


@pytest.mark.parametrize("app", ["accounts", "billing", "routing", "xroute"])
def test_no_amount_in_a_program_has_its_code_behind_it(app):
    files = [path for path in (ROOT / app).rglob("*.py") if str(path.relative_to(ROOT)) not in SAID_TO_PROGRAMS]
    texts = [(path.relative_to(ROOT), text) for path in files for text in said(path.read_text())]
    assert len(texts) > 500
    assert [(str(path), text) for path, text in texts if OTHER_FORM.search(text)] == []


def test_no_amount_on_a_page_has_its_code_behind_it():
    pages = [path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt")]
    assert len(pages) > 50
    assert [str(path) for path in pages if OTHER_FORM.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("source", "texts"),
    [('x = f"{a} USD of b"', ["{} USD of b"]), ('"""5 USD"""\nx = "5 USD"', ["5 USD"]), ('x = f"a" "b"', ["ab"])],
)
def test_strings_are_found(source, texts):
    assert said(source) == texts


@pytest.mark.parametrize(
    ("cents", "words"), [(0, "$0.00"), (6000, "$60.00"), (-5, "−$0.05"), (123_456_789, "$1,234,567.89")]
)
def test_an_amount_in_words(cents, words):
    assert (cents_words(cents), usd_words(cents * 10_000_000)) == (words, words)


def test_parts_of_a_cent_are_kept():
    assert (usd_words(120), usd_words(1_500_000_001)) == ("$0.00000012", "$1.500000001")
