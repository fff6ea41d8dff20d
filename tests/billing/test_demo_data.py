"""Demo data goes through the meter's own door: the books stay right, and a second run adds nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts.models import ApiKey, User, Workspace
from billing import charts
from billing.demo import DAYS, NoDemo
from billing.models import CreditAccount, MeterBatch, Transfer, UsageRecord
from billing.ranges import range_between
from routing.demo import demo_workspace_fill
from tests.billing.machine.base import AUDIT
from tests.cast import USD, person

ZONE = ZoneInfo("Europe/Berlin")


def fill(who):
    workspace = Workspace.objects.get(pk=who.workspace_id)
    user = User.objects.get(pk=who.user_id)
    with override_settings(XROUTE_MODE="demo"):
        return demo_workspace_fill(workspace=workspace, created_by=user, zone=ZONE)


def faults_of(who) -> list[str]:
    """What the audit's own statements say, as far as it is this person's or anybody's."""
    with connection.cursor() as cursor:
        cursor.execute(AUDIT)
        return sorted(row[1] for row in cursor.fetchall())


@pytest.mark.django_db
def test_a_month_of_usage_that_the_books_bear_out():
    who = person()
    before = faults_of(who)
    made = fill(who)
    records = UsageRecord.objects.filter(workspace_id=who.workspace_id)
    account = CreditAccount.objects.get(pk=who.account_id)
    assert faults_of(who) == before
    assert 2000 < made.requests == records.count()
    assert made.cost_nanousd == sum(records.values_list("cost_nanousd", flat=True)) > USD
    assert account.posted > 20 * USD
    assert account.paid_in == 0
    assert account.reserved == 0
    assert not MeterBatch.objects.filter(
        rolled_up=False, id__in=records.values_list("batch_id", flat=True).distinct()
    ).exists()
    today = timezone.now().astimezone(ZONE).date()
    span = range_between(today - timedelta(days=DAYS), today, zone=ZONE)
    usage = charts.usage(workspace_id=who.workspace_id, span=span)
    assert (usage.total.cost, usage.total.requests) == (made.cost_nanousd, made.requests)
    assert 6 <= len(set(records.values_list("model", flat=True))) <= 10
    assert len(set(records.values_list("key_id", flat=True))) == 4
    assert usage.total.not_charged > 10
    assert usage.total.cached > 1000
    assert {True, False} == set(records.values_list("streamed", flat=True))
    assert not records.exclude(request_id__startswith="demo-").exists()
    assert not records.filter(late=True).exists()
    assert records.order_by("-created_at").first().created_at <= timezone.now()
    limited = ApiKey.objects.get(workspace_id=who.workspace_id, limit_nanousd__isnull=False)
    assert limited.limit_reset == "monthly"


@pytest.mark.django_db
def test_a_second_run_adds_nothing():
    who = person()
    assert fill(who).requests
    held = UsageRecord.objects.filter(workspace_id=who.workspace_id).count()
    transfers = Transfer.objects.count()
    assert fill(who).requests == 0
    assert UsageRecord.objects.filter(workspace_id=who.workspace_id).count() == held
    assert Transfer.objects.count() == transfers
    assert ApiKey.objects.filter(workspace_id=who.workspace_id).count() == 5


def test_two_at_once_fill_it_once(django_db_blocker, make_person):
    who, connected, demo = make_person(), Barrier(3), Barrier(3)

    def work(_):
        try:
            connection.ensure_connection()  # before the mode changes: these books are a test's
            connected.wait(30)
            demo.wait(30)
            workspace = Workspace.objects.get(pk=who.workspace_id)
            return demo_workspace_fill(workspace=workspace, created_by=None, zone=ZONE).requests
        finally:
            connection.close()

    with django_db_blocker.unblock(), ThreadPoolExecutor(2) as pool:
        running = pool.map(work, range(2))
        connected.wait(30)
        with override_settings(XROUTE_MODE="demo"):
            demo.wait(30)
            made = sorted(running)
        assert made[0] == 0 < made[1]
        assert UsageRecord.objects.filter(workspace_id=who.workspace_id).count() == made[1]


@pytest.mark.django_db
@pytest.mark.parametrize("day", [1, 2, 15, 31])
def test_no_record_is_older_than_the_oldest_partition(monkeypatch, day):
    # In March, 30 days ago may be January; partitions stand from February on.
    now = datetime(2027, 3, day, 10, tzinfo=UTC)
    who = person()
    monkeypatch.setattr(timezone, "now", lambda: now)
    fill(who)
    oldest = UsageRecord.objects.filter(workspace_id=who.workspace_id).order_by("created_at").first().created_at
    assert max(datetime(2027, 2, 1, tzinfo=UTC), now - timedelta(days=DAYS)) <= oldest
    assert oldest < now - timedelta(days=min(DAYS, (now - datetime(2027, 2, 1, tzinfo=UTC)).days) - 2)


@pytest.mark.django_db
def test_only_in_demo_mode():
    who = person()
    with pytest.raises(NoDemo, match="demo mode only"):
        demo_workspace_fill(workspace=Workspace.objects.get(pk=who.workspace_id), created_by=None, zone=ZONE)
    with pytest.raises(CommandError, match="demo mode only"):
        call_command("demo_data", User.objects.get(pk=who.user_id).email)


@pytest.mark.django_db
def test_the_command_says_what_it_did():
    email, output = User.objects.get(pk=person().user_id).email, StringIO()
    with override_settings(XROUTE_MODE="demo"):
        call_command("demo_data", email, stdout=output)
        call_command("demo_data", email, stdout=output)
        with pytest.raises(CommandError, match="is not an e-mail address"):
            call_command("demo_data", "nobody")
    assert "requests for" in output.getvalue().splitlines()[0]
    assert "already; nothing was added" in output.getvalue().splitlines()[1]


@pytest.mark.django_db
def test_an_address_mistyped_is_refused_with_the_nearest_and_made_only_when_asked_for():
    User.objects.create_user("grace.hopper@example.com")
    with override_settings(XROUTE_MODE="demo"):
        with pytest.raises(CommandError, match=r"Did you mean grace\.hopper@example\.com.*With --create"):
            call_command("demo_data", "grace.hoper@example.com")
        with pytest.raises(CommandError, match=r"the address zzzzzz@nowhere\.test\. With --create"):
            call_command("demo_data", "zzzzzz@nowhere.test")
        assert not User.objects.filter(email__in=["grace.hoper@example.com", "zzzzzz@nowhere.test"]).exists()
        call_command("demo_data", "GRACE.hopper@example.com", stdout=StringIO())
        call_command("demo_data", "zzzzzz@nowhere.test", "--create", stdout=StringIO())
    assert User.objects.filter(email="zzzzzz@nowhere.test").exists()
