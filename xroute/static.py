"""Static files under ASGI: WhiteNoise finds the file, we send it whole.

WhiteNoise hands Django a file to stream; under ASGI that is a synchronous iterator, which Django drains in the event
loop's way with a warning for each. Ours are small (the largest a stylesheet of 80 kB compressed).
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise, but for how the file goes out."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file as file:
                body = file.read()
        response = HttpResponse(body, status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response
