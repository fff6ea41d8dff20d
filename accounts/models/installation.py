"""What the operator has chosen in the browser, and who may come in by a link."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models.people import Role, User, Workspace


class Installation(models.Model):
    """One row. An empty value means the default; a setting in the environment wins (accounts/installation.py)."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    site_name = models.CharField(max_length=60, blank=True, default="")
    public_url = models.URLField(max_length=200, blank=True, default="")
    signup = models.CharField(max_length=120, blank=True, default="")
    from_email = models.CharField(max_length=300, blank=True, default="")
    support_email = models.EmailField(max_length=254, blank=True, default="")
    logo_url = models.CharField(max_length=300, blank=True, default="")
    accent = models.CharField(max_length=7, blank=True, default="")
    terms_url = models.URLField(max_length=300, blank=True, default="")
    privacy_url = models.URLField(max_length=300, blank=True, default="")
    set_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_one_row")]

    def __str__(self) -> str:
        return self.site_name or "XRoute"


class SiteLogo(models.Model):
    """The uploaded logo: one row, apart from the settings, which are read far more often."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    content = models.BinaryField(max_length=100 * 1024)
    content_type = models.CharField(max_length=30)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="site_logo_one_row")]

    def __str__(self) -> str:
        return self.content_type


class SetupToken(models.Model):
    """The one-time link that makes the first operator. Only its digest is stored."""

    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"set-up link until {self.expires_at}"


class Invitation(models.Model):
    """A link that lets one person sign up; with a workspace it also makes them its member. Only a digest is stored."""

    digest = models.BinaryField(max_length=32, unique=True)
    email = models.EmailField(max_length=254, blank=True, default="")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, null=True, blank=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="invitations_made")
    accepted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="invitations_accepted")
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known")]

    def __str__(self) -> str:
        return f"invitation of {self.email or 'anyone'}"
