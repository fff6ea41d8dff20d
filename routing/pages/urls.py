"""The pages of routing."""

from django.urls import URLPattern, path

from routing.pages import keys
from routing.pages.demo_data import demo_data
from routing.pages.generation import generation
from routing.pages.landing import landing
from routing.pages.models import model_detail, model_list
from routing.pages.operator_providers import (
    operator_key_change,
    operator_key_check,
    operator_providers,
    setup_provider,
)
from routing.pages.overview import overview

urlpatterns: list[URLPattern] = [
    path("", landing, name="landing"),
    path("overview", overview, name="overview"),
    path("keys", keys.key_list, name="key_list"),
    path("keys/new", keys.key_new, name="key_new"),
    path("keys/<int:key_id>", keys.key_edit, name="key_edit"),
    path("keys/<int:key_id>/rotate", keys.key_rotate, name="key_rotate"),
    path("keys/<int:key_id>/disable", keys.key_disable, name="key_disable"),
    path("keys/<int:key_id>/revoke", keys.key_revoke, name="key_revoke"),
    path("usage/generations/<str:name>", generation, name="generation"),
    path("usage/demo-data", demo_data, name="demo_data"),
    path("models", model_list, name="model_list"),
    path("models/<path:name>", model_detail, name="model_detail"),
    path("setup/provider", setup_provider, name="setup_provider"),
    path("operator/settings/providers", operator_providers, name="operator_providers"),
    path("operator/settings/providers/test", operator_key_check, name="operator_key_check"),
    *(
        path(
            f"operator/settings/providers/<int:pk>/{action}",
            operator_key_change,
            {"action": action},
            f"operator_key_{action}",
        )
        for action in ("enable", "disable", "delete")
    ),
]
