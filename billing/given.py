"""What credit that was given or taken by hand is called: by its code's name, or in the operator's own words."""

from collections.abc import Iterable
from uuid import UUID

from billing.models import Adjustment, AdjustmentKind, PromotionCode

SIGN_UP, DEMO = "sign-up credit", "demo data"
SAYS = {SIGN_UP: "Sign-up credit", DEMO: "Demo credit"}
BY_HAND: dict[str, str] = {
    AdjustmentKind.GRANT: "Granted by the operator",
    AdjustmentKind.CORRECTION: "Corrected by the operator",
    AdjustmentKind.WRITE_OFF: "Written off by the operator",
}


def given_words(references: Iterable[str]) -> dict[str, str]:
    """Reference of a transfer → what it is called; others are left out. At most two statements, however many."""
    asked = set(references)
    codes = {int(one) for one in _after(asked, "promotion:") if one.isdecimal()}
    hands = {UUID(one) for one in _after(asked, "adjustment:")}
    found = {one: SAYS[one] for one in asked & SAYS.keys()}
    if codes:
        for id, code in PromotionCode.objects.filter(pk__in=codes).values_list("pk", "code"):
            found[f"promotion:{id}"] = f"Code {code}"
    if hands:
        for row in Adjustment.objects.filter(pk__in=hands):
            found[f"adjustment:{row.pk}"] = f"{BY_HAND[row.kind]}: {row.reason}"
    return found


def _after(references: set[str], prefix: str) -> set[str]:
    return {one.removeprefix(prefix) for one in references if one.startswith(prefix)}
