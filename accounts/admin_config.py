"""What INSTALLED_APPS names instead of django.contrib.admin: the same, with our site. It must import no model."""

from django.contrib.admin.apps import AdminConfig


class OperatorAdminConfig(AdminConfig):
    default_site = "accounts.admin_site.OperatorSite"
