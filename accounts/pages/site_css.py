"""GET /site.css: the operator's accent colour, in both themes, as the only style that is not a file."""

from django.http import HttpRequest, HttpResponse

from accounts.installation import DEFAULTS, site


def site_css(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Empty with the default accent, which the stylesheet has already."""
    accent = site().accent
    text = "" if accent == DEFAULTS["accent"] else accent_css(accent)
    response = HttpResponse(text, content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "max-age=60"
    return response


def accent_css(accent: str) -> str:
    """The accent on light ground, and a lighter one of the same hue on dark."""
    red, green, blue = (int(accent[i : i + 2], 16) for i in (1, 3, 5))
    light = tuple(round(part + (255 - part) * 0.45) for part in (red, green, blue))
    return (
        f":root{{--xr-accent:{accent};--xr-accent-text:{_text_on(red, green, blue)}}}"
        f'[data-bs-theme="dark"]{{--xr-accent:rgb({light[0]} {light[1]} {light[2]});'
        f"--xr-accent-text:{_text_on(*light)}}}"
    )


def _text_on(red: int, green: int, blue: int) -> str:
    """Black or white, whichever contrasts more (relative luminance as WCAG 2 defines it)."""
    linear = [part / 3294.6 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000" if luminance > 0.179 else "#fff"
