"""The pages of routing."""

from django.urls import URLPattern, path

from routing.pages.landing import landing
from routing.pages.models import model_detail, model_list
from routing.pages.overview import overview

urlpatterns: list[URLPattern] = [
    path("", landing, name="landing"),
    path("overview", overview, name="overview"),
    path("models", model_list, name="model_list"),
    path("models/<path:name>", model_detail, name="model_detail"),
]
