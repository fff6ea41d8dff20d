"""Promotion codes: made by the operator, redeemed once by each workspace.

The guard is one UPDATE: whoever counts a use up has it, and nobody beyond `uses_max` can. All times are the database's.
"""

import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db import IntegrityError, connection, transaction

from accounts.models import User, Workspace
from billing import ledger
from billing.expiry import expiry_set
from billing.models import PromotionCode, PromotionUse, TransferKind
from billing.models.ledger import House
from billing.workspaces import WorkspaceClosed, workspace_open_ensure

SHAPE = re.compile(r"[A-Z0-9][A-Z0-9-]{2,39}")
LETTERS = "".join(sorted(set(string.ascii_uppercase + string.digits) - set("01IOL")))
MADE_LENGTH = 12
TRIES_MAX, TRIES_PERIOD_S = 10, 3600
# Guessing must not tell a code that never was from one that is over.
NOT_VALID = "This code is not valid (any more). Check how it is spelled, or ask whoever gave it to you."
HAD = "This workspace has already had the credit of this code. A code counts once for each workspace."
TOO_MANY = "Too many codes were tried here. Wait an hour, then try again."
CLAIM = """
UPDATE billing_promotioncode SET uses = uses + 1
 WHERE code = %s AND enabled AND (expires_at IS NULL OR expires_at > clock_timestamp())
   AND (uses_max IS NULL OR uses < uses_max)
RETURNING id, amount_nanousd, credit_days"""


class CodeRefused(Exception):
    """Its text is for the person who asked."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """`expires_at`: when what is unspent of it is taken back; None: never."""

    amount_nanousd: int
    expires_at: datetime | None


class _Had(Exception):
    """The workspace has used the code; what was counted up is rolled back."""


def promotion_code_make(
    *,
    amount_nanousd: int,
    created_by: User,
    code: str = "",
    expires_at: datetime | None = None,
    uses_max: int | None = None,
    credit_days: int | None = None,
    note: str = "",
) -> PromotionCode:
    """A new code worth `amount_nanousd`; without `code` an unguessable one is made. Raises CodeRefused."""
    wanted = code_normal(code) or "".join(secrets.choice(LETTERS) for _ in range(MADE_LENGTH))
    if not SHAPE.fullmatch(wanted):
        raise CodeRefused("A code has 3 to 40 letters, digits and hyphens, and begins with a letter or digit.")
    if (
        amount_nanousd <= 0
        or (uses_max is not None and uses_max <= 0)
        or (credit_days is not None and credit_days <= 0)
    ):
        raise CodeRefused("Amount, uses and days must be above zero. Leave uses or days empty for no limit.")
    try:
        with transaction.atomic():
            return PromotionCode.objects.create(
                code=wanted,
                amount_nanousd=amount_nanousd,
                expires_at=expires_at,
                uses_max=uses_max,
                credit_days=credit_days,
                note=note,
                created_by=created_by,
            )
    except IntegrityError as error:
        raise CodeRefused(f"There is a code {wanted} already. Choose another one.") from error


def code_normal(text: str) -> str:
    """A code as it is stored, from what someone typed."""
    return "".join(text.split()).upper()


def code_redeem(*, workspace: Workspace, user: User, code: str) -> Redeemed:
    """Give the workspace the code's credit, once in its life. Raises CodeRefused.

    Every try counts against the person and the workspace, so that codes cannot be guessed.
    """
    if _tried(f"user:{user.pk}") > TRIES_MAX or _tried(f"workspace:{workspace.pk}") > TRIES_MAX:
        raise CodeRefused(TOO_MANY)
    wanted = code_normal(code)
    try:
        with transaction.atomic():
            workspace_open_ensure(workspace_id=workspace.pk)
            found = _claim(wanted, workspace, user)
    except WorkspaceClosed as error:
        raise CodeRefused(str(error)) from error
    except _Had:
        raise CodeRefused(HAD) from None
    if found is None:
        used = PromotionUse.objects.filter(promotion__code=wanted, workspace=workspace).exists()
        raise CodeRefused(HAD if used else NOT_VALID)
    return found


def _claim(code: str, workspace: Workspace, user: User) -> Redeemed | None:
    """The code's row is locked until the end, so that uses, use and credit are one."""
    if not SHAPE.fullmatch(code):
        return None
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [code])
        row = cursor.fetchone()
        if row is None:
            return None
        promotion_id, amount_nanousd, credit_days = row
        cursor.execute(
            "INSERT INTO billing_promotionuse (promotion_id, workspace_id, user_id) VALUES (%s, %s, %s) "
            "ON CONFLICT (promotion_id, workspace_id) DO NOTHING",
            [promotion_id, workspace.pk, user.pk],
        )
        if cursor.rowcount != 1:
            raise _Had
    key = f"promotion:{promotion_id}:{workspace.pk}"
    given = ledger.credit_add(
        account_id=ledger.account_ensure(workspace_id=workspace.pk),
        source=House.PROMOTIONS,
        amount_nanousd=amount_nanousd,
        kind=TransferKind.PROMOTION,
        idempotency_key=key,
        reference=f"promotion:{promotion_id}",
    )
    if not given:
        raise _Had
    return Redeemed(amount_nanousd, expiry_set(idempotency_key=key, days=credit_days or 0))


def _tried(whose: str) -> int:
    """How many tries within the period, this one included."""
    key = f"code-tries:{whose}"
    cache.add(key, 0, TRIES_PERIOD_S)
    try:
        return int(cache.incr(key))
    except ValueError:  # the period has just ended
        return 1
