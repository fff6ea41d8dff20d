"""/operator/money: how the whole installation's money stands, what waits for a person, what the audits found."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from accounts.access import PageRequest, operator_page
from accounts.middleware import viewer_zone
from billing.audit_runs import RUNNING_MAX, audit_begin
from billing.fees import top_up_fee
from billing.house import RANGES, house_read, house_span
from billing.models import AuditRun
from billing.overview import attention, balances, closed_with_balance, revenue
from billing.ranges import range_named
from billing.tasks import audit_books

RUNS_SHOWN = 7


def range_chosen(request: PageRequest) -> str:
    """A name of billing.house's RANGES."""
    chosen = request.GET.get("range", "")
    return chosen if chosen in RANGES else "30d"


@operator_page
@never_cache
def money(request: PageRequest) -> HttpResponse:
    """Balances, revenue, what the house bore, and what needs a look."""
    name, now, zone = range_chosen(request), timezone.now(), viewer_zone()
    month = range_named("30d", zone=zone, now=now)
    since, until = house_span(name, zone=zone, now=now)
    values = {
        "balances": balances(),
        "today": revenue(since=month.edges[-2], until=month.until),
        "month": revenue(since=month.since, until=month.until),
        "range": name,
        "ranges": RANGES.items(),
        "house": house_read(since=since, until=until),
        "closed": closed_with_balance(),
        "attention": attention(),
        "fee": top_up_fee(),
    }
    return render(request, "billing/operator/money.html", values | _runs())


@operator_page
@never_cache
def audit_now(request: PageRequest) -> HttpResponse:
    """GET: the newest runs, renewed by htmx while one is under way. POST: begin one."""
    if request.method != "POST":
        return render(request, "billing/operator/audits.html", _runs())
    run, new = audit_begin(asked_by=request.user)
    if new:
        try:
            audit_books.apply_async((run.pk,), retry=False)
        except Exception:
            AuditRun.objects.filter(pk=run.pk).update(
                ended_at=timezone.now(), error="Celery could not be told. Check that Redis or Valkey is running."
            )
            messages.error(request, "The audit could not be started: Celery does not answer.")
    return redirect("/operator/money#audit")


@operator_page
def audit_run(request: PageRequest, run_id: int) -> HttpResponse:
    """One run with the faults that were kept."""
    run = AuditRun.objects.select_related("asked_by").filter(pk=run_id).first()
    if run is None:
        raise Http404
    return render(request, "billing/operator/audit_run.html", {"run": run})


def _runs() -> dict[str, object]:
    runs = list(AuditRun.objects.select_related("asked_by").order_by("-started_at")[:RUNS_SHOWN])
    alive = timezone.now() - RUNNING_MAX
    return {"runs": runs, "running": any(run.ended_at is None and run.started_at > alive for run in runs)}
