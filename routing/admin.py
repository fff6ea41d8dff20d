"""The catalogue in the operator's admin. Prices are only added; a provider's key goes in and never comes out."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import RegexValidator
from django.db import models
from django.http import HttpRequest

from accounts.admin_site import Kept, ModelAdmin
from routing.models import Endpoint, EndpointPrice, Model, Provider, ProviderCredential
from routing.services import credential_add


@admin.register(Provider)
class ProviderAdmin(Kept):
    list_display = ("name", "slug", "base_url", "enabled")
    list_filter = ("enabled",)
    ordering = ("name",)


@admin.register(Model)
class ModelAdminOfCatalogue(Kept):
    list_display = ("slug", "name", "context_length", "max_output_tokens", "released_at")
    search_fields = ("slug", "name")
    ordering = ("slug",)


@admin.register(Endpoint)
class EndpointAdmin(Kept):
    list_display = ("id", "model", "provider", "upstream_id", "enabled")
    list_select_related = ("model", "provider")
    list_filter = ("provider", "enabled")
    search_fields = ("model__slug", "upstream_id")
    raw_id_fields = ("model",)
    ordering = ("model__slug", "id")


@admin.register(EndpointPrice)
class EndpointPriceAdmin(Kept):
    """The newest is in force; what was charged stays explained by the older ones."""

    list_display = ("endpoint", "valid_from", "input", "output", "source")
    list_select_related = ("endpoint",)
    search_fields = ("endpoint__model__slug",)
    raw_id_fields = ("endpoint",)
    ordering = ("-valid_from", "-id")

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002
        return False


class CredentialForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when it runs
    """A new credential: the key is sealed by the service that stores it."""

    secret = forms.CharField(
        label="Key",
        min_length=8,
        max_length=1000,
        validators=[RegexValidator(r"^[\x21-\x7e]+\Z", "A key has no spaces and only plain characters.")],
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = ProviderCredential
        fields = ("provider", "name")


@admin.register(ProviderCredential)
class ProviderCredentialAdmin(ModelAdmin):
    """Deleted and switched off here; changed only by adding another."""

    list_display = ("provider", "name", "ending", "enabled", "created_at")
    list_select_related = ("provider",)
    readonly_fields = ("ending", "created_at")

    @admin.display(description="key")
    def ending(self, row: ProviderCredential) -> str:
        return f"…{row.last_four}"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return (
            ("provider", "name", "secret") if obj is None else ("provider", "name", "ending", "enabled", "created_at")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return () if obj is None else ("provider", "ending", "created_at")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs |= {"form": CredentialForm, "fields": ("provider", "name")}
        return super().get_form(request, obj, change=change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002
        if change:
            ProviderCredential.objects.filter(pk=obj.pk).update(name=obj.name, enabled=obj.enabled)
            return
        made = credential_add(provider=obj.provider, name=obj.name, secret=form.cleaned_data["secret"])
        obj.pk, obj.last_four, obj.secret = made.pk, made.last_four, made.secret
