"""Parse: a body becomes a ChatRequest, or an ApiError that names the field and the remedy.

Pure. What is not known passes through untouched; what could redirect the connection is refused.
"""

from routing.parse.chat import chat_request
from routing.parse.sizes import Bounds

__all__ = ["chat_request", "Bounds"]
