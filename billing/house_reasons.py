"""Why money of the house's own moved: a reason for every transfer that touches one of its accounts.

The house's own accounts are those whose sum is what it has earned and borne: not what it owes (workspaces, tax), nor
what it has (bank, Stripe). A transfer between two of them counts at both, so that the parts stay the whole.
"""

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """What the house bore, what it earned, and what is on its way between a workspace and Stripe."""

    BORNE = "borne"
    EARNED = "earned"
    BETWEEN = "between"


@dataclass(frozen=True, slots=True)
class Reason:
    """`says` is what stands for it on the page; `hint` says what it counts where that is not plain."""

    id: str
    part: Part
    says: str
    hint: str = ""


CALLS, USAGE, OTHER = "call:", "usage", "other"
REASONS = {
    reason.id: reason
    for reason in (
        Reason("signup", Part.BORNE, "Sign-up credit", "given in this range, spent or not"),
        Reason("codes", Part.BORNE, "Promotion codes", "given in this range, spent or not"),
        Reason("grants", Part.BORNE, "Grants by operators", "given in this range, spent or not"),
        Reason("gifts", Part.BORNE, "Other gifts", "such as demo data; given in this range, spent or not"),
        Reason("corrections_up", Part.BORNE, "Corrections in favour of workspaces"),
        Reason("write_offs", Part.BORNE, "Written off", "what workspaces owed and will not pay"),
        Reason("charge_fees", Part.BORNE, "Stripe's fees on payments"),
        Reason("refunded_fees", Part.BORNE, "Stripe's fees on refunded payments", "in part or whole; not returned"),
        Reason("dispute_fees", Part.BORNE, "Stripe's fees on disputes"),
        Reason("other_fees", Part.BORNE, "Stripe's fees on refunds, payouts and others"),
        Reason("stripe_other", Part.BORNE, "Stripe's other charges"),
        Reason("disputes_lost", Part.BORNE, "Disputes lost", "what Stripe took beyond what was taken back"),
        Reason("fees_refunded", Part.BORNE, "Top-up fees given back by refunds"),
        Reason("fees_disputed", Part.BORNE, "Top-up fees given back by disputes"),
        Reason(USAGE, Part.EARNED, "Calls", "what workspaces paid for them; providers' bills are not in the books"),
        Reason("fees", Part.EARNED, "Top-up fees"),
        Reason("expired_gifts", Part.EARNED, "Gifts that ended unspent", "given earlier, and borne then"),
        Reason("expired_credit", Part.EARNED, "Bought credit that ended unspent"),
        Reason("forfeits", Part.EARNED, "Credit given up", "by whoever closed a workspace"),
        Reason("corrections_down", Part.EARNED, "Corrections at the cost of workspaces"),
        Reason("refunds", Part.BETWEEN, "Refunds on their way", "taken from workspaces, less what Stripe has sent"),
        Reason("disputes", Part.BETWEEN, "Disputes not lost", "taken from workspaces, less what Stripe holds"),
        Reason(OTHER, Part.BETWEEN, "Other", "what fits no reason above"),
    )
}
CALL_WORDS = {
    "": "earlier attempts of calls that were answered",
    "empty": "ended by the provider without output",
    "cut": "broken off by the provider",
    "timeout": "not answered in time",
    "server": "failed at the provider",
    "in_band": "an error instead of an answer",
    "too_large": "an answer too large to take",
    "overloaded": "the provider was overloaded",
    "server_stopping": "ended because this server stopped",
    "client_gone": "left by the client",
}


def reason_named(name: str) -> Reason | None:
    """A reason that has a list behind it; one of calls is `call:` and what their records say. None: there is none."""
    if name.startswith(CALLS):
        said = name.removeprefix(CALLS)
        return Reason(name, Part.BORNE, f"Calls: {CALL_WORDS.get(said) or said.replace('_', ' ')}")
    return None if name == USAGE else REASONS.get(name)


# One row for each of the house's own accounts that a transfer touches; `net` is positive where it gained, and `seat`
# tells the two ends of one transfer apart. Named values: since, until. Usage is not read here: it stands in the sums of
# calls, and in millions of transfers.
MOVES = """
moves AS (
  SELECT t.id, t.id * 2 + (t.credit_account_id = h.id)::int AS seat, t.created_at, t.reference,
         o.workspace_id, o.house AS other,
         CASE WHEN t.credit_account_id = h.id THEN t.amount ELSE -t.amount END AS net,
         CASE
           WHEN h.house = 'promotions' AND t.kind = 'expiry' THEN 'expired_gifts'
           WHEN h.house = 'promotions' AND t.kind = 'promotion' THEN CASE
             WHEN starts_with(t.idempotency_key, 'signup:') THEN 'signup'
             WHEN starts_with(t.idempotency_key, 'promotion:') THEN 'codes'
             WHEN starts_with(t.idempotency_key, 'adjustment:') THEN 'grants' ELSE 'gifts' END
           WHEN h.house = 'revenue' AND t.kind = 'top_up_fee' THEN CASE
             WHEN o.house = 'refunds' THEN 'fees_refunded' WHEN o.house = 'disputes' THEN 'fees_disputed'
             ELSE 'fees' END
           WHEN h.house = 'revenue' AND t.kind = 'correction' AND t.credit_account_id = h.id THEN 'corrections_down'
           WHEN h.house = 'revenue' AND t.kind = 'correction' THEN 'corrections_up'
           WHEN h.house = 'revenue' AND t.kind = 'expiry' THEN 'expired_credit'
           WHEN h.house = 'revenue' AND t.kind = 'forfeit' THEN 'forfeits'
           WHEN h.house = 'write_offs' AND t.kind = 'write_off' THEN 'write_offs'
           WHEN h.house = 'processing_fees' AND t.kind = 'stripe_other' THEN 'stripe_other'
           WHEN h.house = 'processing_fees' AND t.kind = 'stripe_fee' THEN CASE
             WHEN l.source ~ '^(du|dp)_' THEN 'dispute_fees'
             WHEN l.type NOT IN ('charge', 'payment') OR l.id IS NULL THEN 'other_fees'
             WHEN EXISTS (SELECT 1 FROM billing_refund r WHERE r.payment_id = l.payment_id AND r.status <> 'failed')
             THEN 'refunded_fees' ELSE 'charge_fees' END
           WHEN h.house = 'disputes' AND t.kind IN ('dispute', 'top_up_fee', 'tax')
           THEN CASE WHEN d.status = 'lost' THEN 'disputes_lost' ELSE 'disputes' END
           WHEN h.house = 'refunds' AND t.kind IN ('refund', 'top_up_fee', 'tax') THEN 'refunds'
           ELSE 'other' END AS reason
    FROM billing_transfer t
    JOIN billing_creditaccount h ON h.id IN (t.debit_account_id, t.credit_account_id) AND h.house IN
         ('revenue', 'promotions', 'write_offs', 'processing_fees', 'disputes', 'refunds')
    JOIN billing_creditaccount o ON o.id = t.debit_account_id + t.credit_account_id - h.id
    LEFT JOIN billing_stripebalancetransaction l
           ON t.kind = 'stripe_fee' AND l.id = substring(t.idempotency_key FROM '^txn:(.*):fee$')
    LEFT JOIN billing_dispute d ON h.house = 'disputes' AND d.id = regexp_replace(t.reference, '^dispute:', '')
   WHERE t.kind <> 'usage' AND t.created_at >= %(since)s AND t.created_at < %(until)s)"""
