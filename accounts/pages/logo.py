"""GET /site/logo: the uploaded logo, as the picture that it is and nothing else (nosniff is on every answer)."""

from django.http import Http404, HttpRequest, HttpResponse

from accounts.models import SiteLogo


def logo(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Its address names its content, so it may be kept for long."""
    row = SiteLogo.objects.filter(pk=1).first()
    if row is None:
        raise Http404
    response = HttpResponse(bytes(row.content), content_type=row.content_type)
    response["Cache-Control"] = "public, max-age=86400"
    return response
