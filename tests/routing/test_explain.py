"""A stored route in words."""

from routing.explain import explained

NAMES = {1: ("a/m", "one", "One"), 2: ("a/m", "two", "Two"), 3: ("b/m", "three", "Three")}
ROUTE = {
    "asked": "a/m",
    "strategy": "balanced",
    "sticky": True,
    "saved": 5_000,
    "seats": [[1, 1, 100, 0, 1, ""], [1, 2, 900, 1, 0, ""], [2, 3, 950, 2, 0, ""], [9, 0, 10, 0, 0, "it lacks tools"]],
}
ATTEMPTS = [
    {"endpoint": 1, "provider": "One", "outcome": "rate_limited", "detail": "429", "ms": 12, "byok": True},
    {"endpoint": 1, "provider": "One", "outcome": "answered", "detail": "", "ms": 340},
]


def test_each_candidate_says_what_became_of_it():
    route = explained(ROUTE, ATTEMPTS, NAMES.get)
    shown = [(c.provider, c.byok, c.place, c.outcome, c.reason, c.ms) for c in route.candidates]
    assert shown == [
        ("one", True, 1, "limited our rate", "status 429", 12),
        ("one", False, 2, "answered", "", 340),
        ("two", False, 3, "", "", 0),
        ("endpoint 9", False, 0, "", "it lacks tools", 0),
    ]
    assert [c.health for c in route.candidates] == ["normal", "degraded", "fallback only", "normal"]
    found = route.as_json()
    assert (found["saved"], found["sticky"], found["auto"]) == (5e-06, True, None)
    assert [c["outcome"] for c in found["candidates"]] == ["limited our rate", "answered", "not needed", "left out"]


def test_what_was_skipped_says_why():
    attempts = [{"endpoint": 1, "provider": "One", "outcome": "skipped", "detail": "cooling", "ms": 0}]
    (first, *_) = explained(ROUTE | {"seats": ROUTE["seats"][1:]}, attempts, NAMES.get).candidates
    assert (first.outcome, first.reason) == ("skipped", "its keys are limited just now")


def test_records_of_before_have_none():
    assert explained({}, ATTEMPTS, NAMES.get) is None
