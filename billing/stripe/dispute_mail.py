"""Mails about a dispute, to the workspace's owners and the operators: when it opens, and when it is decided.

Written in the transaction that changes the dispute's status, so each is sent once.
"""

from accounts.mail.compose import mail_write
from billing.models import Dispute, Payment
from billing.notices import payment_watchers
from billing.parts import NANOUSD_PER_CENT
from xroute.lib.money import usd_text

STAGES = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "needs_response": "opened",
    "under_review": "opened",
    "won": "won",
    "lost": "lost",
    "warning_closed": "ended",
    "prevented": "ended",
    "charge_refunded": "ended",
}
SUBJECTS = {
    "inquiry": "A bank asks about a payment",
    "opened": "A payment is disputed",
    "won": "A disputed payment was decided in our favour",
    "lost": "A disputed payment was lost",
    "ended": "A dispute has ended",
}
SAYS = {
    "inquiry": "The cardholder's bank asks about it. Nothing was taken. If nobody answers, it may become a dispute.",
    "opened": "The cardholder's bank has taken the money back while the dispute lasts.",
    "won": "The dispute was won. What was held for it is credit again.",
    "lost": "The dispute was lost. What was taken stays taken.",
    "ended": "The dispute has ended, and nothing is held for it.",
}


def dispute_tell(*, payment: Payment, dispute: Dispute, before: str) -> None:
    """Write the mails that the change from status `before` asks for."""
    stage = STAGES.get(dispute.status, "")
    if not stage or stage == STAGES.get(before, ""):
        return
    for address, link, operator in payment_watchers(payment=payment):
        body = _body(payment, dispute, stage, link=link, operator=operator)
        mail_write(to=address, subject=SUBJECTS[stage], body=body)


def _body(payment: Payment, dispute: Dispute, stage: str, *, link: str, operator: bool) -> str:
    paid = usd_text(dispute.amount_cents * NANOUSD_PER_CENT)
    said = [f"${paid} of a payment of {payment.workspace.name} is the subject: reason “{dispute.reason or 'unknown'}”."]
    said.append(SAYS[stage])
    if dispute.held_credit_nanousd:
        said.append(f"${usd_text(dispute.held_credit_nanousd)} of credit was taken from {payment.workspace.name}.")
    if operator and stage in ("inquiry", "opened") and dispute.evidence_due_at:
        said.append(f"Answer in Stripe's dashboard until {dispute.evidence_due_at:%d %B %Y, %H:%M} UTC.")
    return "\n\n".join([*said, link])
