"""/operator/settings/providers: the installation's own keys at providers. Write-only: no page ever shows one."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.access import PageRequest, operator_page
from accounts.pages.setup import progress
from routing.models import ProviderCredential
from routing.pages.forms import ProviderKeyForm, StoredCheckForm
from routing.pages.providers import catalogue_providers, provider_check, provider_rows, secret_of
from routing.services import credential_add, credential_delete, credential_switch
from routing.upstream import KeyCheck


@operator_page
def operator_providers(request: PageRequest) -> HttpResponse:
    """The catalogue's providers and their keys; a POST adds one."""
    form = ProviderKeyForm(request.POST if request.method == "POST" else None)
    if _added(request, form):
        return redirect("operator_providers")
    values = {"form": form, "rows": provider_rows()}
    return render(request, "routing/operator_providers.html", values, status=422 if form.errors else 200)


@operator_page
def setup_provider(request: PageRequest) -> HttpResponse:
    """The last step of the set-up."""
    rows = provider_rows()
    first = next((row.provider.slug for row in rows if not row.connected and not row.missing), None)
    form = ProviderKeyForm(request.POST if request.method == "POST" else None, initial={"provider": first})
    if _added(request, form):
        return redirect("setup_provider")
    values = progress("provider") | {"form": form, "rows": rows}
    return render(request, "routing/setup_provider.html", values, status=422 if form.errors else 200)


@operator_page
@require_POST
def operator_key_check(request: PageRequest) -> HttpResponse:
    """Try a key: one just typed (for htmx: nothing is stored), a stored one, or the environment's."""
    if "secret" in request.POST:
        form = ProviderKeyForm(request.POST)
        if not form.is_valid():
            problem = " ".join(str(message) for errors in form.errors.values() for message in errors)
            return _result(request, "", KeyCheck(0, 0, problem=problem))
        provider = form.cleaned_data["provider"]
        return _result(request, provider.name, provider_check(provider, form.cleaned_data["secret"]))
    stored = StoredCheckForm(request.POST)
    if not stored.is_valid():
        raise Http404
    provider = get_object_or_404(catalogue_providers(), slug=stored.cleaned_data["provider"])
    secret = secret_of(provider, stored.cleaned_data["credential"])
    return _result(request, provider.name, provider_check(provider, secret))


@operator_page
@require_POST
def operator_key_change(request: PageRequest, pk: int, action: str) -> HttpResponse:
    """Switch a stored key off or on again, or delete it."""
    credential = get_object_or_404(
        ProviderCredential.objects.filter(workspace=None).select_related("provider").defer("secret"), pk=pk
    )
    if action == "delete":
        credential_delete(credential=credential)
        said = "deleted"
    else:
        credential_switch(credential=credential, enabled=action == "enable")
        said = "in use again" if action == "enable" else "switched off"
    messages.success(request, f"{credential.provider.name}: the key …{credential.last_four} is {said}.")
    return redirect("operator_providers")


def _added(request: HttpRequest, form: ProviderKeyForm) -> bool:
    if request.method != "POST" or not form.is_valid():
        return False
    values = form.cleaned_data
    row = credential_add(provider=values["provider"], name=values["name"] or "Key", secret=values["secret"])
    messages.success(
        request, f"{values['provider'].name}: the key …{row.last_four} is stored. Calls use it within five seconds."
    )
    return True


def _result(request: HttpRequest, name: str, check: KeyCheck) -> HttpResponse:
    """For htmx the sentence itself; else a message on the page."""
    if request.headers.get("HX-Request"):
        return render(request, "routing/key_check.html", {"name": name, "check": check, "text": sentence(check)})
    text = f"{name}: {sentence(check)}"
    (messages.success if check.works else messages.error)(request, text)
    return redirect("operator_providers")


def sentence(check: KeyCheck) -> str:
    """What a test of a key found, in words."""
    models = f" It lists {check.models} models." if check.models is not None else ""
    status = f" Status {check.status}, {check.latency_ms} ms." if check.status else ""
    return f"The key works.{models}{status}" if check.works else f"{check.problem}{status}"
