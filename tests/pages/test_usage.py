"""/usage: charts, tables and the latest generations of one's own workspace, and of no other."""

import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.pages.usage_data import labels
from billing.pages.usage_query import usage_query
from tests.pages.called import called

EMBEDDED = re.compile(r'<script id="usage-data" type="application/json">(.*?)</script>', re.DOTALL)


def shown(answer) -> dict:
    return json.loads(EMBEDDED.search(answer.content.decode())[1])


def test_a_call_shows_in_the_page_its_numbers_tables_and_list(signed_in, owner):
    called(owner, model="openai/gpt-5", cost=166_250, prompt=8, completion=15)
    browser = signed_in(owner)
    answer = browser.get("/usage")
    data, text = shown(answer), answer.content.decode()
    (series,) = data["series"]
    assert series["name"] == "openai/gpt-5"
    assert (sum(series["cost"]), sum(series["tokens"]), sum(series["requests"])) == (166_250, 23, 1)
    assert len(series["cost"]) == len(data["ticks"]) == len(data["labels"])
    assert data["totals"]["cost_exact"] == "$0.00016625"
    assert text.count("$0.00016625") >= 3  # the tile, the table beside the chart, the list
    assert "answered" in text
    renewed = browser.get("/usage/data").json()
    assert {name: renewed[name] for name in data} == data
    assert "openai/gpt-5" in renewed["latest"]
    assert renewed["tables"].count("<template") == 3


@pytest.mark.parametrize("by", ["model", "key", "provider"])
def test_what_is_stacked_is_named_as_people_know_it(signed_in, owner, by):
    called(owner, model="openai/gpt-5", provider="OpenAI", cost=5)
    data = shown(signed_in(owner).get("/usage", {"by": by, "range": "24h"}))
    assert data["series"][0]["name"] == {"model": "openai/gpt-5", "key": "test", "provider": "OpenAI"}[by]


def test_filters_narrow_all_of_it_and_anothers_key_gives_nothing(signed_in, owner, stranger):
    called(owner, model="a/one", cost=1)
    called(owner, model="b/two", cost=10)
    called(stranger, model="c/three", cost=100)
    browser = signed_in(owner)
    one = browser.get("/usage/data", {"model": "a/one"}).json()
    assert (one["totals"]["cost_exact"], "b/two" in one["latest"]) == ("$0.000000001", False)
    assert browser.get("/usage/data", {"key": owner.key_id}).json()["totals"]["requests"] == "2"
    for values in ({"key": stranger.key_id}, {"model": "c/three"}):
        none = browser.get("/usage/data", values).json()
        assert none["totals"]["requests"] == "0"
        assert "c/three" not in none["latest"]


@pytest.mark.parametrize("who", ["owner", "member", "stranger", "broke"])
def test_a_workspace_is_seen_by_its_members_only(request, signed_in, owner, who):
    called(owner, model="secret/model", cost=7)
    answer = signed_in(request.getfixturevalue(who)).get("/usage")
    assert ("secret/model" in answer.content.decode()) is (who in ("owner", "member"))
    if who in ("stranger", "broke"):
        assert "No call yet" in answer.content.decode()


@pytest.mark.parametrize("path", ["/usage", "/usage/data"])
def test_logged_out_one_is_asked_to_log_in(logged_out, path):
    assert logged_out.get(path)["location"].startswith("/account/login/")


def test_an_empty_page_says_what_to_do_next_and_real_books_offer_no_demo_data(signed_in, broke):
    browser = signed_in(broke)
    assert "Make a key" in browser.get("/usage").content.decode()
    assert "demo data" not in browser.get("/usage").content.decode()
    assert browser.post("/usage/demo-data").status_code == 404


def test_in_the_demo_its_owner_may_fill_an_empty_workspace(signed_in, broke, member, settings):
    settings.XROUTE_MODE = "demo"
    browser = signed_in(broke)
    assert "Fill with demo data" in browser.get("/usage").content.decode()
    assert signed_in(member).post("/usage/demo-data").status_code == 403
    assert browser.get("/usage/demo-data").status_code == 405
    browser = signed_in(broke)
    answer = browser.post("/usage/demo-data", follow=True)
    assert "invented requests" in answer.content.decode()
    assert sum(map(sum, (one["requests"] for one in shown(answer)["series"]))) > 1000
    assert "here already" in browser.post("/usage/demo-data", follow=True).content.decode()


def test_older_generations_follow_page_by_page_without_gap_or_repeat(signed_in, owner):
    at = timezone.now()
    made = [called(owner, model="m/m", cost=1, at=at - timedelta(seconds=number)) for number in range(60)]
    browser, url, seen = signed_in(owner), "/usage/data", []
    pages = 0
    query: str | None = ""
    while query is not None and pages < 5:
        latest = browser.get(url + query).json()["latest"]
        pages += 1
        seen += re.findall(r'<time datetime="([^"]+)"', latest)
        older = re.search(r'href="/usage([^"]+)#latest">Older', latest)
        query = older[1].replace("&amp;", "&") if older else None
    assert pages == 3
    assert len(seen) == len(set(seen)) == len(made)
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"from": "2026-02-01", "to": "2026-01-01"}, "ends before it begins"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "at most 366 days"),
        ({"from": "yesterday", "to": "today"}, "as they stand in a calendar"),
        ({"range": "all", "by": "secret", "key": "x", "before": "gen-zz"}, ""),
    ],
)
def test_what_is_not_understood_means_the_default_and_says_so(signed_in, owner, values, says):
    called(owner, model="m/m", cost=1)
    answer = signed_in(owner).get("/usage", values)
    assert answer.status_code == 200
    assert says in answer.content.decode()
    assert answer.context["query"].span.name == "7d"


@pytest.mark.parametrize(
    ("zone", "day", "hours", "twice"),
    [
        ("Europe/Berlin", "2026-10-25", 25, ["02:00–02:00 CEST", "02:00–03:00 CET"]),
        ("Europe/Berlin", "2026-03-29", 23, ["01:00–03:00 CET"]),
        ("Asia/Kathmandu", "2026-10-25", 24, ["00:00–01:00 +0545"]),
        ("America/New_York", "2026-11-01", 25, ["01:00–01:00 EDT", "01:00–02:00 EST"]),
    ],
)
def test_hours_are_the_viewers_own_also_where_the_clock_jumps(rf, zone, day, hours, twice):
    from zoneinfo import ZoneInfo

    query = usage_query(rf.get("/usage", {"from": day, "to": day}).GET, ZoneInfo(zone))
    found = labels(query.span)
    assert len(found) == len(set(found)) == hours
    for text in twice:
        assert any(label.endswith(text) for label in found), found


def test_the_page_is_in_the_zone_of_the_person(signed_in, owner):
    from accounts.models import User

    User.objects.filter(pk=owner.user_id).update(time_zone="Asia/Kathmandu")
    called(owner, model="m/m", cost=1)
    assert "in the time zone Asia/Kathmandu" in signed_in(owner).get("/usage").content.decode()


def test_the_page_asks_as_often_for_many_calls_as_for_one(signed_in, owner, django_assert_num_queries):
    browser = signed_in(owner)
    called(owner, model="m/m", cost=1)
    browser.get("/usage")
    # session, person, device, memberships, sums, generations, ever used, models, key names, banner
    with django_assert_num_queries(10, exact=False) as asked:
        browser.get("/usage")
    few = len(asked)
    for number in range(30):
        called(owner, model=f"m/{number}", cost=number)
    with django_assert_num_queries(few):
        answer = browser.get("/usage")
    assert len(shown(answer)["series"]) == 9
    assert shown(answer)["series"][-1]["name"] == "everything else"


def test_prompts_and_ids_of_people_stay_out_of_the_address(rf):
    from zoneinfo import ZoneInfo

    query = usage_query(rf.get("/usage", {"model": "x" * 500, "before": str(uuid4())}).GET, ZoneInfo("UTC"))
    assert len(query.model) == 200
    assert query.before is None


@pytest.mark.parametrize("who", ["owner", "broke"])
@pytest.mark.parametrize("query", ["from=garbage", "from=2026-02-30&to=2026-03-01", "to=2026-03-01"])
def test_days_that_are_none_are_said_to_be_none_on_an_empty_page_too(request, signed_in, who, query):
    page = signed_in(request.getfixturevalue(who)).get(f"/usage?{query}").content.decode()
    assert "Give both days as they stand in a calendar." in page
