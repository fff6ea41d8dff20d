"""What the overview and the list of keys show, from rollups and from what is not rolled up yet."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import ApiKey, User, Workspace
from accounts.services import api_key_create
from billing import glance
from tests.billing.usage import book, generation
from tests.cast import USD, person

pytestmark = pytest.mark.django_db
KATHMANDU = ZoneInfo("Asia/Kathmandu")


@pytest.fixture
def one():
    return person(credit_nanousd=100 * USD)


def workspace(who) -> Workspace:
    return Workspace.objects.get(pk=who.workspace_id)


def fix(monkeypatch, now: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)


def test_nothing_used_is_zero(one):
    assert glance.today(workspace(one)) == glance.Today(0, 0, 0)
    assert glance.spend_by_key(workspace(one)) == {one.key_id: glance.KeySpend(0, 0, None, None)}


def test_today_begins_at_the_viewers_midnight(one, monkeypatch):
    midnight = timezone.now().astimezone(KATHMANDU).replace(hour=0, minute=0, second=0, microsecond=0)
    fix(monkeypatch, midnight + timedelta(hours=5))
    book([generation(one, midnight - timedelta(milliseconds=1), 1000)], roll=True)
    book([generation(one, midnight, 20), generation(one, midnight + timedelta(hours=1), 0)], roll=True)
    book([generation(one, midnight + timedelta(hours=2), 3)])
    assert glance.today(workspace(one), zone=KATHMANDU) == glance.Today(23, 3, 1)
    with timezone.override(KATHMANDU):
        assert glance.today(workspace(one)) == glance.Today(23, 3, 1)


def test_a_call_counts_before_and_after_it_is_rolled_up_and_never_twice(one):
    book([generation(one, cost=7)])
    waiting = glance.today(workspace(one)), glance.spend_by_key(workspace(one))
    book([], roll=True)
    assert (glance.today(workspace(one)), glance.spend_by_key(workspace(one))) == waiting
    assert waiting[0].cost_nanousd == 7
    assert waiting[1][one.key_id].total_nanousd == 7


@pytest.mark.parametrize("roll", [True, False])
def test_each_key_has_its_total_and_the_moment_it_was_used_last(one, roll, django_assert_num_queries):
    other = api_key_create(workspace=workspace(one), created_by=User.objects.get(pk=one.user_id), name="b").key
    now = timezone.now().replace(microsecond=0)
    times = [now - timedelta(days=1), now - timedelta(minutes=40), now - timedelta(minutes=39, seconds=1)]
    book([generation(one, at, 10 + number) for number, at in enumerate(times)], roll=roll)
    mine = workspace(one)
    with django_assert_num_queries(1):
        found = glance.spend_by_key(mine)
    assert found == {
        one.key_id: glance.KeySpend(33, 3, None, times[-1]),
        other.pk: glance.KeySpend(0, 0, None, None),
    }


@pytest.mark.parametrize(
    ("reset", "start"),
    [
        ("never", lambda _: date(1970, 1, 1)),
        ("daily", lambda day: day),
        ("weekly", lambda day: day - timedelta(days=day.weekday())),
        ("monthly", lambda day: day.replace(day=1)),
    ],
)
def test_what_counts_against_a_limit_is_the_running_period(one, reset, start):
    ApiKey.objects.filter(pk=one.key_id).update(limit_nanousd=USD, limit_reset=reset)
    period = start(datetime.now(UTC).date())
    book([generation(one, cost=5, period=period), generation(one, cost=70, period=date(2020, 1, 6))])
    found = glance.spend_by_key(workspace(one))[one.key_id]
    assert (found.period_nanousd, found.total_nanousd) == (5, 75)


def test_a_workspace_sees_only_its_own(one):
    stranger = person(credit_nanousd=100 * USD)
    book([generation(stranger, cost=9), generation(one, cost=2)])
    assert glance.today(workspace(one)).cost_nanousd == 2
    assert set(glance.spend_by_key(workspace(one))) == {one.key_id}
