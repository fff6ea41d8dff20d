"""The pages of accounts."""

from django.urls import URLPattern, URLResolver, include, path

from accounts.pages.site_css import site_css
from accounts.pages.workspace import workspace_missing, workspace_switch

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", include("allauth.urls")),
    path("site.css", site_css, name="site_css"),
    path("workspace/switch", workspace_switch, name="workspace_switch"),
    path("workspace/none", workspace_missing, name="workspace_missing"),
]
