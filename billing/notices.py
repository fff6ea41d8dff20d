"""Mails about a workspace's money, to those who may do something about it. Written in the caller's transaction."""

from django.db.models import Q

from accounts.installation import site
from accounts.mail.compose import mail_write
from accounts.models import Membership, Role, User
from billing.models import Payment


def managers_addresses(*, workspace_id: int) -> list[str]:
    """The addresses of a workspace's owners and admins, the longest there first."""
    rows = Membership.objects.filter(
        workspace_id=workspace_id, role__in=(Role.OWNER, Role.ADMIN), user__is_active=True
    ).order_by("id")
    return list(rows.values_list("user__email", flat=True))


def payer_addresses(*, workspace_id: int, user: User | None) -> list[str]:
    """Whoever paid, as long as they are in the workspace; else its owners and admins."""
    if user is not None and user.is_active and Membership.objects.filter(workspace_id=workspace_id, user=user).exists():
        return [user.email]
    return managers_addresses(workspace_id=workspace_id)


def operators_addresses() -> list[str]:
    """The addresses of those who run the installation."""
    return list(User.objects.filter(is_active=True, is_staff=True).values_list("email", flat=True))


def payment_watchers(*, payment: Payment) -> list[tuple[str, str, bool]]:
    """Owners of a payment's workspace and operators: (address, their page of it, whether an operator), each once."""
    owners = Q(membership__workspace=payment.workspace_id, membership__role=Role.OWNER)
    people = User.objects.filter(owners | Q(is_staff=True), is_active=True).distinct()
    pages = {True: f"/operator/money/payments/{payment.pk}", False: f"/credits/payments/{payment.pk}"}
    return [(user.email, link(pages[user.is_operator]), user.is_operator) for user in people]


def mails_write(*, to: list[str], subject: str, body: str) -> int:
    """The same mail to each; how many."""
    for address in to:
        mail_write(to=address, subject=subject, body=body)
    return len(to)


def link(path: str) -> str:
    """The whole address of a page here."""
    return site().public_url + path
