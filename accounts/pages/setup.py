"""/setup: from the one-time link to an installation that is named, reachable and connected, step by step."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_POST

from accounts.access import PageRequest, operator_page
from accounts.forms_operator import InstallationForm, OperatorForm
from accounts.installation import site
from accounts.pages.operator_settings import test_mail_send
from accounts.services_operator import (
    AddressTaken,
    SetupRefused,
    installation_save,
    setup_claim,
    setup_finish,
    setup_token_valid,
)

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass(frozen=True, slots=True)
class Step:
    """One question of the set-up."""

    slug: str
    title: str
    lead: str = ""
    fields: tuple[str, ...] = ()


ACCOUNT = Step("", "Your account")
STEPS = (
    Step("name", "Name", "What people see at the top of every page.", ("site_name",)),
    Step("address", "Public address", "Where people and programs reach this installation.", ("public_url",)),
    Step("signup", "Sign-up", "Who may make an account here.", ("signup", "signup_domains")),
    Step("mail", "Mail", "Who the installation's mails come from.", ("from_email",)),
    Step("provider", "Provider key", "The first account that calls are sent on with."),
)


def progress(slug: str) -> dict[str, object]:
    """What the frame of a step shows: all steps, the current one's number, the next one's address."""
    number = next(i for i, step in enumerate(STEPS) if step.slug == slug)
    return {
        "steps": (ACCOUNT, *STEPS),
        "number": number + 2,
        "step": STEPS[number],
        "next_url": f"/setup/{STEPS[number + 1].slug}" if number + 1 < len(STEPS) else "",
    }


def setup(request: HttpRequest) -> HttpResponse:
    """The account of the first operator, for whoever has the link. The token leaves no trace in any Referer."""
    token = request.POST.get("token", "") or request.GET.get("token", "")
    form = OperatorForm(request.POST if request.method == "POST" else None)
    if not setup_token_valid(token=token[:200]):
        return _private(render(request, "accounts/setup/void.html", status=410))
    if request.method == "POST" and form.is_valid():
        try:
            user = setup_claim(token=token[:200], **form.cleaned_data)
        except SetupRefused:
            return _private(render(request, "accounts/setup/void.html", status=410))
        except AddressTaken as error:
            form.add_error("email", str(error))
        else:
            login(request, user, backend=BACKEND)
            return _private(redirect(f"/setup/{STEPS[0].slug}"))
    values = {"form": form, "token": token, "steps": (ACCOUNT, *STEPS), "number": 1, "step": ACCOUNT}
    return _private(render(request, "accounts/setup/account.html", values, status=422 if form.is_bound else 200))


@operator_page
def setup_step(request: PageRequest, slug: str) -> HttpResponse:
    """One question; saved, or skipped by going on. All of them stand again under Operator → Settings."""
    values = progress(slug)
    fields = next(step for step in STEPS if step.slug == slug).fields
    form = InstallationForm(request.POST if request.method == "POST" else None, site=site(), only=fields)
    if request.method == "POST" and form.is_valid():
        installation_save(values=form.values_out)
        if request.POST.get("action") == "test":
            test_mail_send(request)
            return redirect(request.path)
        return redirect(str(values["next_url"]))
    return render(request, "accounts/setup/step.html", values | {"form": form}, status=422 if form.is_bound else 200)


@operator_page
@require_POST
def setup_done(request: PageRequest) -> HttpResponse:
    """The end of the set-up."""
    setup_finish()
    messages.success(request, "The installation is set up. Everything can be changed under Operator → Settings.")
    return redirect("/overview")


def _private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "strict-origin"  # not no-referrer: a form would then come with Origin: null
    add_never_cache_headers(response)
    return response
