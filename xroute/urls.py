"""The browser plane. The API plane has a URLconf of its own: routing.api.urls (see xroute/asgi.py)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from billing.stripe.webhook import stripe_webhook

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("routing.pages.urls")),
    path("", include("billing.pages.urls")),
    path("", include("accounts.urls")),
    path("stripe/webhook", stripe_webhook),
    path("admin/", admin.site.urls),
]
handler400 = "xroute.pages.bad_request"
handler403 = "xroute.pages.permission_denied"
handler404 = "xroute.pages.page_not_found"
handler429 = "xroute.pages.too_many_requests"
handler500 = "xroute.pages.server_error"
