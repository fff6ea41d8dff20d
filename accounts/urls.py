"""The pages of accounts."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from accounts.pages.account import account
from accounts.pages.entrance import allauth_patterns
from accounts.pages.invitations import invitation_end, invitations
from accounts.pages.invite import invite
from accounts.pages.logo import logo
from accounts.pages.mail import mail_again, mail_list
from accounts.pages.mailbox import mailbox, mailbox_mail
from accounts.pages.operator_settings import operator_logo_delete, operator_settings, operator_test_mail
from accounts.pages.setup import STEPS, setup, setup_done, setup_step
from accounts.pages.site_css import site_css
from accounts.pages.workspace import workspace_missing, workspace_switch

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", account, name="account"),
    path("account/", include(allauth_patterns())),
    path("invite/<str:token>", invite, name="invite"),
    path("mailbox", mailbox, name="mailbox"),
    path("mailbox/<int:mail_id>", mailbox_mail, name="mailbox_mail"),
    path("operator", RedirectView.as_view(pattern_name="operator_settings")),
    path("operator/", RedirectView.as_view(pattern_name="operator_settings")),
    path("operator/mail", mail_list, name="mail_list"),
    path("operator/mail/<int:mail_id>/again", mail_again, name="mail_again"),
    path("operator/invitations", invitations, name="invitations"),
    path("operator/invitations/<int:invitation_id>/end", invitation_end, name="invitation_end"),
    path("site.css", site_css, name="site_css"),
    path("workspace/switch", workspace_switch, name="workspace_switch"),
    path("workspace/none", workspace_missing, name="workspace_missing"),
    path("site/logo", logo, name="site_logo"),
    path("setup", setup, name="setup"),
    path("setup/done", setup_done, name="setup_done"),
    *(
        path(f"setup/{step.slug}", setup_step, {"slug": step.slug}, f"setup_{step.slug}")
        for step in STEPS
        if step.fields
    ),
    path("operator/settings", operator_settings, name="operator_settings"),
    path("operator/settings/logo/delete", operator_logo_delete, name="operator_logo_delete"),
    path("operator/settings/test-mail", operator_test_mail, name="operator_test_mail"),
]
