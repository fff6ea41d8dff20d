"""The roof: settings, URLs, the two planes and the installation's own commands."""

from django.apps import AppConfig


class XrouteConfig(AppConfig):
    name = "xroute"
