"""People, workspaces, keys and mail in the operator's admin. No secret, and no link that opens an account, is shown."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.admin_site import Changed, ModelAdmin, ReadOnly
from accounts.models import ApiKey, Membership, OutgoingMail, User, Workspace

# Second factors and sessions open accounts; groups have no use here. Addresses are confirmed by their owners.
for model in (Authenticator, UserSession, Group, EmailAddress):
    admin.site.unregister(model)


@admin.register(User)
class UserAdmin(Changed):
    """Made by signing up, or by `manage.py create_operator`. Switched off rather than deleted."""

    list_display = ("email", "name", "is_active", "is_staff", "last_login", "created_at")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    fields = ("email", "name", "time_zone", "is_active", "is_staff", "is_superuser", "terms_accepted_at", "last_login")
    readonly_fields = ("email", "terms_accepted_at", "last_login")
    ordering = ("-id",)


@admin.register(EmailAddress)
class EmailAddressAdmin(ReadOnly):
    list_display = ("email", "user", "primary", "verified")
    list_select_related = ("user",)
    search_fields = ("email",)


@admin.register(Workspace)
class WorkspaceAdmin(Changed):
    list_display = ("name", "id", "suspended", "created_at")
    list_filter = ("suspended",)
    search_fields = ("name", "id")
    readonly_fields = ("created_at",)
    ordering = ("-id",)


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):
    list_display = ("user", "workspace", "role", "created_at")
    list_select_related = ("user", "workspace")
    list_filter = ("role",)
    search_fields = ("user__email", "workspace__name")
    raw_id_fields = ("user", "workspace")
    readonly_fields = ("created_at",)


@admin.register(ApiKey)
class ApiKeyAdmin(Changed):
    """A key may be renamed, limited and switched off. Its secrets are only known to whoever made it."""

    list_display = ("label", "name", "workspace", "disabled", "revoked_at", "created_at")
    list_select_related = ("workspace",)
    list_filter = ("disabled", "is_management")
    search_fields = ("label", "name", "workspace__name")
    readonly_fields = ("workspace", "created_by", "label", "is_management", "created_at")
    ordering = ("-id",)


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnly):
    """Without its text: that may hold a link that opens an account."""

    list_display = ("to_email", "subject", "created_at", "attempts", "sent_at", "given_up_at")
    fields = (
        "to_email",
        "from_email",
        "subject",
        "created_at",
        "next_try_at",
        "attempts",
        "sent_at",
        "given_up_at",
        "error",
    )
    search_fields = ("to_email", "subject")
    ordering = ("-id",)
