"""The pages of routing."""

from django.urls import URLPattern, path

from routing.pages import keys
from routing.pages.landing import landing
from routing.pages.models import model_detail, model_list
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
    path("models", model_list, name="model_list"),
    path("models/<path:name>", model_detail, name="model_detail"),
]
