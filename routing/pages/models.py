"""GET /models and /models/{author}/{slug}: what can be called, and what it costs. Public."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import workspace_show
from accounts.installation import site
from routing.pages.listing import ModelRow, row_of, rows
from routing.pages.snippets import snippets

QUERY_LENGTH_MAX = 100
SORTS = {
    "name": lambda row: (row.sandbox, row.author, row.model.name.lower()),
    "price": lambda row: (row.sandbox, row.prices.input + row.prices.output, row.slug),
    "context": lambda row: (row.sandbox, -row.context_length, row.slug),
}


def model_list(request: HttpRequest) -> HttpResponse:
    """The catalogue, searched by words and sorted; htmx gets the table alone."""
    query = request.GET.get("q", "")[:QUERY_LENGTH_MAX].strip()
    sort = request.GET.get("sort", "name")
    every = rows()
    found = sorted((row for row in every if _matches(row, query)), key=SORTS.get(sort, SORTS["name"]))
    values = _values(request) | {"rows": found, "query": query, "sort": sort, "models_count": len(every)}
    name = "routing/models_table.html" if request.headers.get("HX-Request") else "routing/models.html"
    return render(request, name, values)


def model_detail(request: HttpRequest, name: str) -> HttpResponse:
    """One model: its providers with their prices, what it can do, the first call."""
    row = row_of(name)
    if row is None:
        raise Http404
    values = _values(request) | {"row": row, "snippets": snippets(public_url=site().public_url, model=row.slug)}
    return render(request, "routing/model.html", values)


def _matches(row: ModelRow, query: str) -> bool:
    text = " ".join((row.slug, row.model.name, *row.model.aliases, *row.providers, *row.capabilities)).lower()
    return all(word in text for word in query.lower().split())


def _values(request: HttpRequest) -> dict[str, object]:
    """Signed in, the page has the app's frame and workspace; else the public one."""
    workspace_show(request)
    return {"frame": "app.html" if request.user.is_authenticated else "public_page.html"}
