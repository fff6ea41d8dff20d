import pytest

from routing.errors import UpstreamError
from routing.health import Health
from routing.ranking import candidates
from routing.types import Model
from tests.routing.facts import chat, endpoint

M = 10**6
CHEAP, MIDDLE = endpoint(3, "cheap", price=10 * M), endpoint(2, "middle", price=20 * M)
DEAR = endpoint(1, "dear", price=30 * M)
ALL = [DEAR, CHEAP, MIDDLE]


def chosen(request=None, endpoints=ALL, health=None, **options):
    choice = candidates(endpoints, request or chat(), health or Health(), **{"default_sort": "price", **options})
    return [endpoint.provider.slug for endpoint in choice.endpoints], {e.id: why for e, why in choice.left_out}


def out(*endpoints) -> Health:
    health = Health()
    for each in endpoints:
        for _ in range(5):
            health.failure(each.id, UpstreamError("server", "no"))
    return health


def test_the_cheapest_for_this_request_comes_first():
    assert chosen() == (["cheap", "middle", "dear"], {})


def test_equal_prices_keep_a_stable_order():
    same = [endpoint(number, f"p{number}") for number in (3, 1, 2)]
    assert chosen(endpoints=same)[0] == ["p1", "p2", "p3"]


def test_the_one_that_failed_lately_comes_last():
    health = Health()
    health.failure(CHEAP.id, UpstreamError("server", "no"))
    assert chosen(health=health) == (["middle", "dear", "cheap"], {})


def test_ejected_ones_are_left_out():
    assert chosen(health=out(CHEAP)) == (["middle", "dear"], {CHEAP.id: "out of service"})


def test_unless_all_are():
    assert chosen(health=out(*ALL)) == (["cheap", "middle", "dear"], {})


def test_cooling_credentials_leave_it_out():
    health = Health()
    health.cool("cheap-a", 10)
    assert chosen(health=health)[1] == {CHEAP.id: "out of service"}


@pytest.mark.parametrize(
    ("provider", "slugs"),
    [
        ({"only": ["dear", "middle"]}, ["middle", "dear"]),
        ({"ignore": ["cheap"]}, ["middle", "dear"]),
        ({"order": ["dear"]}, ["dear", "cheap", "middle"]),
        ({"order": ["dear", "middle", "dear"]}, ["dear", "middle", "cheap"]),
        ({"order": ["dear", "middle"], "allow_fallbacks": False}, ["dear"]),
        ({"allow_fallbacks": False}, ["cheap"]),
        ({"only": ["nobody"]}, []),
    ],
)
def test_the_callers_preferences(provider, slugs):
    result, left_out = chosen(chat(provider=provider))
    assert result == slugs
    assert len(result) + len(left_out) == 3


def test_without_fallbacks_nothing_outside_the_order_answers():
    request = chat(provider={"order": ["dear"], "allow_fallbacks": False})
    assert chosen(request, endpoints=[CHEAP, MIDDLE])[0] == []
    assert chosen(request, health=out(DEAR))[0] == ["dear"]


@pytest.mark.parametrize("need", ["tools", "vision", "audio", "file", "video"])
def test_a_hard_need_always_excludes(need):
    parts = {
        "vision": {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        "audio": {"type": "input_audio", "input_audio": {"data": "AAAA"}},
        "file": {"type": "file", "file": {"file_data": "AAAA"}},
        "video": {"type": "video_url", "video_url": {"url": "https://x.test/a.mp4"}},
    }
    fields = {"tools": [{"type": "function"}]}
    if need in parts:
        fields = {"messages": [{"role": "user", "content": [parts[need]]}]}
    bare = endpoint(1, capabilities=frozenset())
    able = endpoint(2, "able", capabilities=frozenset((need,)))
    assert chosen(chat(**fields), [bare, able]) == (["able"], {1: f"it lacks {need}"})


def test_a_model_that_takes_images_takes_none_at_a_host_that_does_not():
    content = [{"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}]
    model = Model("a/b", "B", input_modalities=("text", "image"))
    blind, sees = endpoint(1, model=model), endpoint(2, "able", model=model, capabilities=frozenset(("vision",)))
    assert chosen(chat(messages=[{"role": "user", "content": content}]), [blind, sees])[0] == ["able"]


def test_a_soft_need_excludes_where_parameters_are_required():
    fields = {"response_format": {"type": "json_object"}}
    assert chosen(chat(**fields))[0] == ["cheap", "middle", "dear"]
    names, left_out = chosen(chat(**fields, provider={"require_parameters": True}))
    assert names == []
    assert left_out[1] == "it lacks json_mode"


def test_a_prompt_that_is_too_long_excludes():
    long = chat(messages=[{"role": "user", "content": "x" * 40_000}])
    names, left_out = chosen(long, [CHEAP, endpoint(2, "wide", context_length=100_000)])
    assert names == ["wide"]
    assert left_out == {CHEAP.id: "its context of 8192 tokens is too short"}
