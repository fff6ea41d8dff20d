"""/operator/money/house: what the house bore and earned, by reason, and what is behind each reason."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from accounts.access import PageRequest, operator_page
from accounts.middleware import viewer_zone
from billing.house import RANGES, house_read, house_span
from billing.house_list import house_page
from billing.house_reasons import CALLS, reason_named
from billing.pages.operator_money import range_chosen


@operator_page
@never_cache
def house(request: PageRequest) -> HttpResponse:
    """The tables of a range; with `reason`, the list of what is behind it. An unknown reason is not found."""
    name = range_chosen(request)
    since, until = house_span(name, zone=viewer_zone(), now=timezone.now())
    values: dict[str, object] = {"range": name, "ranges": RANGES.items()}
    wanted = request.GET.get("reason", "").replace("\0", "")[:100]
    if not wanted:
        values |= {"house": house_read(since=since, until=until)}
        return render(request, "billing/operator/house.html", values)
    reason = reason_named(wanted)
    if reason is None:
        raise Http404
    before = request.GET.get("before", "")
    page = house_page(reason=reason, since=since, until=until, before=before)
    values |= {"reason": reason, "page": page, "calls": wanted.startswith(CALLS), "newest": not before}
    return render(request, "billing/operator/house_list.html", values)
