"""Every page there is, and who looks at it: for the pictures, and for what must hold on each of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """A page as `who` sees it: nobody (logged out), owner, broke (no credit) or operator. `status` is expected.

    `{payment}`, `{event}`, `{audit}`, `{month}` and `{generation}` in a path are what the owner's payment (paying.py)
    and call (calling.py) left.
    """

    name: str
    path: str
    who: str = "owner"
    status: int = 200


PAGES = (
    Shown("landing", "/", "nobody"),
    Shown("models-public", "/models", "nobody"),
    Shown("sign-up", "/account/signup/", "nobody"),
    Shown("log-in", "/account/login/", "nobody"),
    Shown("password-reset", "/account/password/reset/", "nobody"),
    Shown("mailbox", "/mailbox", "nobody"),
    Shown("not-found", "/nothing-here", "nobody", 404),
    Shown("overview", "/overview"),
    Shown("overview-empty", "/overview", "broke"),
    Shown("keys", "/keys"),
    Shown("keys-empty", "/keys", "broke"),
    Shown("key-new", "/keys/new"),
    Shown("credits", "/credits"),
    Shown("credits-empty", "/credits", "broke"),
    Shown("billing-details", "/credits/details"),
    Shown("payment", "/credits/payments/{payment}"),
    Shown("receipts", "/credits/receipts"),
    Shown("receipts-empty", "/credits/receipts", "broke"),
    Shown("statements", "/credits/statements"),
    Shown("statement", "/credits/statements/{month}"),
    Shown("statement-empty", "/credits/statements/{month}", "broke"),
    Shown("auto-top-up", "/credits/auto"),
    Shown("auto-top-up-empty", "/credits/auto", "broke"),
    Shown("usage", "/usage?range=30d"),
    Shown("usage-empty", "/usage", "broke"),
    Shown("generation", "/usage/generations/{generation}"),
    Shown("models", "/models"),
    Shown("model", "/models/openai/gpt-5"),
    Shown("account", "/account/"),
    Shown("password-change", "/account/password/change/"),
    Shown("two-factor", "/account/2fa/"),
    Shown("sessions", "/account/sessions/"),
    Shown("operator-settings", "/operator/settings", "operator"),
    Shown("operator-mail", "/operator/mail", "operator"),
    Shown("operator-invitations", "/operator/invitations", "operator"),
    Shown("workspace-close", "/workspace/close"),
    Shown("closed-workspaces-empty", "/closed-workspaces"),
    Shown("operator-money", "/operator/money", "operator"),
    Shown("operator-money-house", "/operator/money/house?range=all", "operator"),
    Shown("operator-money-house-list", "/operator/money/house?range=7d&reason=gifts", "operator"),
    Shown("operator-money-house-none", "/operator/money/house?reason=write_offs", "operator"),
    Shown("operator-money-workspaces", "/operator/money/workspaces", "operator"),
    Shown("operator-money-workspace", "/operator/money/workspaces/1", "operator"),
    Shown("operator-money-adjustments", "/operator/money/adjustments", "operator"),
    Shown("operator-money-events", "/operator/money/events", "operator"),
    Shown("operator-money-event", "/operator/money/events/{event}", "operator"),
    Shown("operator-money-audit", "/operator/money/audits/{audit}", "operator"),
    Shown("operator-money-codes", "/operator/money/codes", "operator"),
    Shown("operator-payments", "/operator/money/payments", "operator"),
    Shown("operator-payment", "/operator/money/payments/{payment}", "operator"),
    Shown("operator-stripe", "/operator/money/stripe", "operator"),
    Shown("forbidden", "/operator/settings", "owner", 403),
)
