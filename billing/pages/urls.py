"""The pages of billing."""

from django.urls import URLPattern, path

from billing.pages import credits, usage

urlpatterns: list[URLPattern] = [
    path("usage", usage.usage, name="usage"),
    path("usage/data", usage.usage_renewed, name="usage_data"),
    path("credits", credits.credits, name="credits"),
    path("credits/buy", credits.credits_buy, name="credits_buy"),
    path("credits/payments/<uuid:payment_id>", credits.payment, name="payment"),
    path("credits/payments/<uuid:payment_id>/go-on", credits.payment_go_on, name="payment_go_on"),
]
