"""Reads of accounts for pages."""

from django.db.models import QuerySet

from accounts.models import ApiKey, Membership, Role


def keys_visible(membership: Membership) -> "QuerySet[ApiKey]":
    """The keys a member may see and change: an owner or admin all of the workspace, a member their own."""
    keys = ApiKey.objects.filter(workspace_id=membership.workspace_id).select_related("created_by")
    if membership.role == Role.MEMBER:
        keys = keys.filter(created_by_id=membership.user_id)
    return keys.order_by("revoked_at", "-created_at", "-id")
