"""A month's statement as PDF."""

from collections.abc import Sequence
from datetime import UTC

from accounts.models import Workspace
from billing.papers.parties import block, buyer, seller
from billing.papers.sheet import Sheet
from billing.papers.statements import Statement, Used
from xroute.lib.money import usd_text

USED = (0.46, 0.14, 0.18, 0.22)


def statement_pdf(*, workspace: Workspace, found: Statement) -> bytes:
    """The file."""
    name = found.words
    sheet = Sheet(title=f"Statement {name}", foot=f"{seller()['name']} · Statement {name}", made_at=found.as_of)
    sheet.heading(f"Statement {name}")
    so_far = f" The month is under way: this is as of {found.as_of.astimezone(UTC):%-d %B %Y, %H:%M} UTC."
    sheet.words("Calendar month in UTC. All amounts in USD." + (so_far if found.under_way else ""))
    sheet.ln(6)
    sheet.columns([("From", block(seller())), ("For", block(buyer(workspace)))])
    rows = [("Opening balance", "", _usd(found.opening))]
    rows += [(row.what, f"{row.count:,}", _usd(row.amount)) for row in found.moved]
    sheet.rows(("Movements", "Number", "Amount"), rows, (0.5, 0.2, 0.3))
    sheet.total("Closing balance" if not found.under_way else "Balance so far", _usd(found.closing))
    if found.used != found.booked:
        sheet.words(difference(found), dim=True)
    for title, used in (("Usage by model", found.models), ("Usage by key", found.keys), ("Usage by day", found.days)):
        _used(sheet, title, used)
    return sheet.made()


def difference(found: Statement) -> str:
    """Why usage below is not the movement above."""
    return (
        f"Usage below is dated by when a call began and comes to {_usd(found.used)}; the movement by when it was "
        "booked, a moment later. At the turn of a month they differ."
    )


def _used(sheet: Sheet, title: str, used: Sequence[Used]) -> None:
    if used:
        sheet.ln(5)
        sheet.heading(title, 11)
        cells = [(one.name, f"{one.requests:,}", f"{one.tokens:,}", _usd(one.cost)) for one in used]
        sheet.rows(("", "Requests", "Tokens", "Amount"), cells, USED)


def _usd(nanousd: int) -> str:
    return f"{'−' if nanousd < 0 else ''}{usd_text(abs(nanousd))}"
