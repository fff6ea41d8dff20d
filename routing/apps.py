"""WHERE IT GOES: the catalogue, the choice of an endpoint and the call."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"
