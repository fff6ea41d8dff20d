"""A month's movements as CSV: exact amounts as text, in USD with nine decimals; times in UTC."""

import csv
import io
from collections.abc import Iterator

from django.utils import timezone

from accounts.models import Workspace
from billing.history import movement_words
from billing.papers.statements import Statement, movements
from xroute.lib.money import usd_from_nanousd

HEADS = ("time", "id", "kind", "what", "reference", "amount_usd", "balance_usd")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
LINES_A_CHUNK = 500


def statement_csv(*, workspace: Workspace, found: Statement) -> Iterator[str]:
    """The file in chunks: heads, opening balance, each movement with the balance it left, closing balance.

    Of a month that goes on, the last line is the balance so far, dated when the file was made.
    """
    kept = io.StringIO()
    writer = csv.writer(kept)
    writer.writerow(HEADS)
    writer.writerow(
        [found.month.since.isoformat(), "", "opening_balance", "Opening balance", "", "", _usd(found.opening)]
    )
    balance, given = found.opening, {row.reference: row.what for row in found.moved if row.reference}
    for number, line in enumerate(movements(workspace=workspace, month=found.month), start=1):
        balance += line.amount
        what = movement_words(line.kind, line.amount, given.get(line.reference, ""))
        cells = [line.created_at.isoformat(), str(line.id), line.kind, what, line.reference]
        writer.writerow([*map(_safe, cells), _usd(line.amount), _usd(balance)])
        if number % LINES_A_CHUNK == 0:
            yield _taken(kept)
    # Of the movements that were written, also while the month goes on.
    kind, what, at = "closing_balance", "Closing balance", found.month.until
    if found.under_way:
        kind, what, at = "balance_so_far", "Balance so far", min(at, timezone.now())
    writer.writerow([at.isoformat(), "", kind, what, "", "", _usd(balance)])
    yield _taken(kept)


def _taken(kept: io.StringIO) -> str:
    text = kept.getvalue()
    kept.seek(0)
    kept.truncate()
    return text


def _safe(cell: str) -> str:
    """A spreadsheet must not take words for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _usd(nanousd: int) -> str:
    return f"{usd_from_nanousd(nanousd):.9f}"
