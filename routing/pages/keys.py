"""Keys: the list with what each has spent, making one, and its whole life after that.

A secret is shown in the answer to the request that made it, and nowhere else: not in the session, not in a cache.
"""

from datetime import timedelta

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import services
from accounts.access import MANAGERS, PageRequest, workspace_page
from accounts.installation import site
from accounts.models import ApiKey
from accounts.selectors import keys_visible
from billing.forms import GRACES, KeyForm, NewKeyForm, key_initial
from billing.glance import spend_by_key
from routing.models import Model
from routing.pages.listing import rows
from routing.pages.snippets import example, snippets

KEYS_MAX = 500
MADE_ALREADY = (
    "“{key.name}” ({key.label}) was made when you sent the form the first time, and no second key was made. Its secret "
    "was shown then and cannot be shown again: if you have not saved it, choose Rotate in its row for a new one."
)


@workspace_page
def key_list(request: PageRequest) -> HttpResponse:
    """Every key the viewer may see, with what it has spent."""
    spend = spend_by_key(request.workspace)
    keys = [(key, spend.get(key.pk)) for key in keys_visible(request.membership)[:KEYS_MAX]]
    return render(request, "routing/keys.html", {"keys": keys, "now": timezone.now()})


@workspace_page
@never_cache
def key_new(request: PageRequest) -> HttpResponse:
    """Make a key; the answer to the form is the one page that shows it, and the same form sent again is told so."""
    form = NewKeyForm(request.POST or None, manager=request.membership.role in MANAGERS)
    if request.method == "POST" and form.is_valid() and models_resolved(form):
        try:
            made = services.api_key_create(workspace=request.workspace, created_by=request.user, **form.values())
        except services.KeyMadeAlready as error:
            messages.warning(request, MADE_ALREADY.format(key=error.key))
            return redirect("key_list")
        return _shown_once(request, made)
    return render(request, "routing/key_form.html", {"form": form}, status=200 if request.method == "GET" else 422)


@workspace_page
def key_edit(request: PageRequest, key_id: int) -> HttpResponse:
    """Another name, other limits or another end."""
    key = _key(request, key_id)
    form = KeyForm(request.POST or None, initial=key_initial(key))
    if request.method == "POST" and form.is_valid() and models_resolved(form):
        services.api_key_change(key=key, **form.values())
        messages.success(request, f"“{form.cleaned_data['name']}” was changed. It is in force within 5 seconds.")
        return redirect("key_list")
    values = {"form": form, "key": key}
    return render(request, "routing/key_form.html", values, status=200 if request.method == "GET" else 422)


@workspace_page
@require_POST
@never_cache
def key_rotate(request: PageRequest, key_id: int) -> HttpResponse:
    """A new secret for the same key; the old one works on for the grace chosen."""
    key = _key(request, key_id)
    grace_s = GRACES.get(request.POST.get("grace", ""), 0)
    until = timezone.now() + timedelta(seconds=grace_s) if grace_s else None
    return _shown_once(request, services.api_key_rotate(key=key, grace_until=until), grace_until=until)


@workspace_page
@require_POST
def key_disable(request: PageRequest, key_id: int) -> HttpResponse:
    """Stop the key, or (with enable=1) let it go on."""
    key, disabled = _key(request, key_id), request.POST.get("enable") != "1"
    services.api_key_disable(key=key, disabled=disabled)
    messages.success(request, f"“{key.name}” is {'disabled' if disabled else 'enabled'}, everywhere within 5 seconds.")
    return redirect("key_list")


@workspace_page
@require_POST
def key_revoke(request: PageRequest, key_id: int) -> HttpResponse:
    """Stop the key for good."""
    key = _key(request, key_id)
    services.api_key_revoke(key=key)
    messages.success(request, f"“{key.name}” is revoked. It stops everywhere within 5 seconds.")
    return redirect("key_list")


def models_resolved(form: KeyForm) -> bool:
    """Whether all models that the form allows are known; then they are slugs, whatever aliases were typed."""
    names: list[str] = form.cleaned_data["allowed_models"]
    found: dict[str, str] = {}
    for slug, aliases in Model.objects.filter(Q(slug__in=names) | Q(aliases__overlap=names)).values_list(
        "slug", "aliases"
    ):
        found |= dict.fromkeys([*aliases, slug], slug)
    if unknown := [name for name in names if name not in found]:
        form.add_error("allowed_models", f"There is no model {unknown[0][:100]!r} here. The Models page lists all.")
        return False
    form.cleaned_data["allowed_models"] = list(dict.fromkeys(found[name] for name in names))
    return True


def _key(request: PageRequest, key_id: int) -> ApiKey:
    """A living key that the viewer may change; else 404."""
    return get_object_or_404(keys_visible(request.membership), pk=key_id, revoked_at__isnull=True)


def _shown_once(request: PageRequest, made: services.NewKey, **more: object) -> HttpResponse:
    model = example([row.slug for row in rows()])
    code = snippets(public_url=site().public_url, model=model, key=made.secret)
    values = {"key": made.key, "secret": made.secret, "snippets": code, "hide_banner": True, **more}
    return render(request, "routing/key_made.html", values)
