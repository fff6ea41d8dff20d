"""/operator/settings: what the installation is called, where it is reached, who may come in, who its mails are from."""

from smtplib import SMTPException

from django.contrib import messages
from django.core.mail import send_mail
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.access import PageRequest, operator_page
from accounts.forms_operator import InstallationForm, picture_type
from accounts.installation import site
from accounts.models import Installation
from accounts.services_operator import installation_save, logo_delete, logo_save


@operator_page
def operator_settings(request: PageRequest) -> HttpResponse:
    """All of the installation's own values. What the environment fixes is shown with the variable's name."""
    posted = request.method == "POST"
    form = InstallationForm(request.POST if posted else None, request.FILES if posted else None, site=site())
    if posted and form.is_valid():
        installation_save(values=form.values_out)
        if content := form.cleaned_data["logo"]:
            logo_save(content=content, content_type=picture_type(content))
        messages.success(request, "Saved. Every page shows it within five seconds.")
        return redirect("operator_settings")
    unfinished = not Installation.objects.filter(pk=1, set_up_at__isnull=False).exists()
    values = {"form": form, "unfinished": unfinished}
    return render(request, "accounts/operator_settings.html", values, status=422 if posted else 200)


@operator_page
@require_POST
def operator_logo_delete(request: PageRequest) -> HttpResponse:
    """Without a logo the project's own mark is shown."""
    logo_delete()
    messages.success(request, "The logo is removed.")
    return redirect("operator_settings")


@operator_page
@require_POST
def operator_test_mail(request: PageRequest) -> HttpResponse:
    """A mail to the operator who asks for it."""
    test_mail_send(request)
    return redirect("operator_settings")


def test_mail_send(request: PageRequest) -> None:
    """Send it, and say what came of it."""
    found = site()
    text = f"This is a test mail from {found.site_name} at {found.public_url}. Since you can read it, mail works."
    try:
        send_mail(f"Test mail from {found.site_name}", text, found.from_email, [request.user.email])
    except (OSError, SMTPException) as error:
        messages.error(request, f"The mail server did not take it: {error}. Check EMAIL_URL.")
    else:
        where = "Operator → Mail shows whether the mail server took it."
        messages.success(request, f"A test mail to {request.user.email} is on its way. {where}")
