"""Django's admin, for operators: under our name, behind our own log-in with its second factor and its throttling."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.installation import site
from accounts.validators import visible

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class OperatorSite(admin.AdminSite):
    """No workspace role opens it, and it has no log-in form of its own."""

    site_url = "/overview"
    index_title = "Tables"

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_operator", False))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        name = site().site_name
        return super().each_context(request) | {"site_header": name, "site_title": name}

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002
        """To our log-in page; whoever is logged in already is no operator."""
        if request.user.is_authenticated:
            raise PermissionDenied("Only an operator of this installation may open this.")
        where = request.GET.get("next") or reverse("admin:index")
        return redirect(f"{reverse('account_login')}?{urlencode({'next': where})}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:  # noqa: ARG002
        return redirect("account_logout", preserve_request=request.method == "POST")

    def password_change(
        self,
        request: HttpRequest,  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        return redirect("account_change_password")


class Kept(ModelAdmin):
    """Rows that are never deleted here: others refer to them."""

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002
        return False


class Changed(Kept):
    """Rows that are made elsewhere and may be changed here."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A name is checked here as it is on its own page."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "name":
            field.validators = [*field.validators, visible]
        return field


class ReadOnly(Changed):
    """Rows that are only looked at."""

    show_full_result_count = False
    list_per_page = 50

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002
        return False
