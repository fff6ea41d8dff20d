"""manage.py list_endpoints [--json] [--model SLUG] [--provider SLUG] [--callable]."""

import json
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from routing.catalogue.report import endpoint_report

COLUMNS = ("MODEL", "PROVIDER", "FORMAT", "LIST USD/M", "SALE USD/M", "CONTEXT", "CAN", "STATE")


class Command(BaseCommand):
    help = "List endpoints: provider, model, wire format, prices, and whether a credential switches each on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one array of objects with stable keys")
        parser.add_argument("--model", metavar="SLUG", help="this model only, by author/slug or an alias")
        parser.add_argument("--provider", metavar="SLUG", help="this provider only")
        parser.add_argument("--callable", action="store_true", help="only what can be called now")

    def handle(self, *_args: Any, model: str | None, provider: str | None, **options: Any) -> None:
        found = [
            row
            for row in endpoint_report()
            if (model is None or model == row["model"] or model in row["aliases"])
            and (provider is None or provider == row["provider"])
            and (row["callable"] or not options["callable"])
        ]
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=1))
        else:
            self._table([COLUMNS, *map(_cells, found)])
            usable = sum(row["callable"] for row in found)
            self.stdout.write(f"{len(found)} endpoints, {usable} can be called.")

    def _table(self, rows: Sequence[Sequence[str]]) -> None:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write(line.rstrip())


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    state = "callable" if row["callable"] else row["reason"]
    if row["deprecates_at"]:
        state += f"; {'withdrawn' if row['past_date'] else 'ends'} {row['deprecates_at']}"
    prices = (f"{found['input']}/{found['output']}" if found else "-" for found in (row["list_prices"], row["prices"]))
    context, can = str(row["context_length"]), ",".join(row["capabilities"]) or "-"
    return row["model"], row["provider"], row["wire_format"], *prices, context, can, state
