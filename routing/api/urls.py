"""The URLs of the API plane. The same paths under each prefix: clients then only change the host."""

from django.urls import URLPattern, path

from routing.api.account import Credits, Key
from routing.api.activity import ActivityList
from routing.api.chat import ChatCompletions
from routing.api.endpoints import ModelEndpoints
from routing.api.explain import RouteExplain
from routing.api.generation import GenerationDetail
from routing.api.keys import KeyDetail, KeyList
from routing.api.models import ModelDetail, ModelList

PREFIXES = ("openai/v1/", "v1/", "api/v1/")


def _under(prefix: str) -> list[URLPattern]:
    return [
        path(f"{prefix}chat/completions", ChatCompletions.as_view()),
        path(f"{prefix}models", ModelList.as_view()),
        path(f"{prefix}models/<path:name>/endpoints", ModelEndpoints.as_view()),
        path(f"{prefix}models/<path:name>", ModelDetail.as_view()),
        path(f"{prefix}key", Key.as_view()),
        path(f"{prefix}keys", KeyList.as_view()),
        path(f"{prefix}keys/<str:hash_>", KeyDetail.as_view()),
        path(f"{prefix}activity", ActivityList.as_view()),
        path(f"{prefix}credits", Credits.as_view()),
        path(f"{prefix}generation", GenerationDetail.as_view()),
        path(f"{prefix}route/explain", RouteExplain.as_view()),
    ]


urlpatterns = [pattern for prefix in PREFIXES for pattern in _under(prefix)]
