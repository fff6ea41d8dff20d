"""/keys: made once and shown once, changed, rotated, disabled, revoked - by those who may, and by nobody else."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey, ApiKeySecret

SECRET = re.compile(r"xr-v1-[0-9A-Za-z]{38}")


def make(browser, **values):
    return browser.post("/keys/new", {"name": "Website", "limit_reset": "never", **values})


def test_a_key_is_shown_once_with_commands_that_carry_it(signed_in, owner):
    browser = signed_in(owner)
    answer = make(browser, limit="12.50", limit_reset="monthly", expires_on="2090-01-31")
    (secret,) = set(SECRET.findall(answer.content.decode()))
    assert answer.content.decode().count(secret) == 4  # alone, and in each of three languages
    assert "no-store" in answer["Cache-Control"]
    assert "data-guard" in answer.content.decode()
    row = ApiKeySecret.objects.get(digest=keys.digest(secret)).key
    assert (row.workspace_id, row.created_by_id) == (owner.workspace_id, owner.user_id)
    assert (row.limit_nanousd, row.limit_reset) == (12_500_000_000, "monthly")
    assert timezone.localtime(row.expires_at).isoformat().startswith("2090-01-31T23:59:59")
    again = browser.get("/keys").content.decode()
    assert secret not in again
    assert keys.label(secret) in again


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "a\u202eb"}, "invisible mark of direction (U+202E"),
        ({"name": "a\x07b"}, "control character or line break (U+0007)"),
        ({"limit": "0"}, "greater than or equal to"),
        ({"limit": "-3"}, "greater than or equal to"),
        ({"limit": "1.23456789"}, "no more than 6 decimal places"),
        ({"limit": "many"}, "is not an amount of USD"),
        ({"limit": "1e5"}, "is not an amount of USD"),
        ({"limit_reset": "hourly"}, "valid choice"),
        ({"expires_on": "2001-01-01"}, "This day is over"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_made(signed_in, owner, values, says):
    before = ApiKey.objects.count()
    answer = make(signed_in(owner), **values)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert ApiKey.objects.count() == before


NONCE = re.compile(r'name="nonce" value="([0-9a-f-]{36})"')


def filled(browser, name):
    """The fields of the form as a browser got it."""
    nonce = NONCE.search(browser.get("/keys/new").content.decode())[1]
    return {"name": name, "limit_reset": "never", "nonce": nonce}


def test_a_form_sent_again_makes_no_second_key_and_says_where_the_first_is(signed_in, owner):
    browser = signed_in(owner)
    form = filled(browser, "Twice")
    first = browser.post("/keys/new", form)
    again = browser.post("/keys/new", form, follow=True)
    row = ApiKey.objects.get(workspace_id=owner.workspace_id, name="Twice")
    assert SECRET.search(first.content.decode())
    assert again.redirect_chain == [("/keys", 302)]
    assert f"“Twice” ({row.label}) was made when you sent the form the first time" in again.content.decode()
    assert not SECRET.search(again.content.decode())
    assert SECRET.search(browser.post("/keys/new", filled(browser, "Twice")).content.decode())  # another form


def test_a_form_corrected_after_a_refusal_is_the_same_form(signed_in, owner):
    browser = signed_in(owner)
    form = filled(browser, "Corrected")
    refused = browser.post("/keys/new", form | {"limit": "many"})
    assert refused.status_code == 422
    assert NONCE.search(refused.content.decode())[1] == form["nonce"]
    assert "has gone stale" in browser.post("/keys/new", form | {"nonce": "mine"}).content.decode()


def test_a_nonce_of_another_workspace_says_nothing_of_it(signed_in, owner, stranger):
    form = filled(signed_in(owner), "Hers")
    signed_in(owner).post("/keys/new", form)
    answer = signed_in(stranger).post("/keys/new", form | {"name": "Mine"})
    assert SECRET.search(answer.content.decode())
    assert ApiKey.objects.filter(form_nonce=form["nonce"]).count() == 2


@pytest.mark.commits
def test_a_form_sent_many_times_at_once_makes_one_key(signed_in, owner):
    form, count = filled(signed_in(owner), "Race"), 8
    browsers, barrier = [signed_in(owner) for _ in range(count)], threading.Barrier(count)

    def send(browser):
        barrier.wait(60)
        try:
            answer = browser.post("/keys/new", form)
            return answer.status_code, bool(SECRET.search(answer.content.decode()))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        answers = sorted(pool.map(send, browsers))
    assert answers == [(200, True)] + [(302, False)] * (count - 1)
    assert ApiKey.objects.filter(workspace_id=owner.workspace_id, name="Race").count() == 1


def test_what_a_form_does_not_have_cannot_be_set(signed_in, owner, stranger):
    make(signed_in(owner), workspace=stranger.workspace_id, is_management="1", created_by=stranger.user_id)
    row = ApiKey.objects.filter(name="Website").latest("id")
    assert (row.workspace_id, row.is_management, row.created_by_id) == (owner.workspace_id, False, owner.user_id)


def test_rotating_keeps_the_key_and_lets_the_old_secret_work_for_the_grace(signed_in, owner):
    answer = signed_in(owner).post(f"/keys/{owner.key_id}/rotate", {"grace": "24"})
    (secret,) = set(SECRET.findall(answer.content.decode()))
    old, new = ApiKeySecret.objects.filter(key_id=owner.key_id).order_by("id")
    assert new.digest == keys.digest(secret)
    assert new.valid_until is None
    assert timedelta(hours=23) < old.valid_until - timezone.now() <= timedelta(hours=24)


def test_disable_enable_change_revoke(signed_in, owner):
    browser, url = signed_in(owner), f"/keys/{owner.key_id}"
    row = ApiKey.objects.get(pk=owner.key_id)
    browser.post(f"{url}/disable")
    row.refresh_from_db()
    assert row.disabled
    browser.post(f"{url}/disable", {"enable": "1"})
    browser.post(url, {"name": "Renamed", "limit": "3", "limit_reset": "daily"})
    row.refresh_from_db()
    assert (row.disabled, row.name, row.limit_nanousd, row.limit_reset) == (False, "Renamed", 3_000_000_000, "daily")
    assert "Renamed" in browser.get(url).content.decode()
    browser.post(f"{url}/revoke")
    row.refresh_from_db()
    assert row.revoked_at
    for action in ("", "/rotate", "/disable", "/revoke"):
        assert browser.post(url + action, {"name": "x", "limit_reset": "never"}).status_code == 404


@pytest.mark.parametrize("action", ["", "/rotate", "/disable", "/revoke"])
@pytest.mark.parametrize("who", ["stranger", "member"])
def test_another_workspaces_or_persons_key_is_not_there(request, signed_in, owner, action, who):
    browser = signed_in(request.getfixturevalue(who))
    answer = browser.post(f"/keys/{owner.key_id}{action}", {"name": "stolen", "limit_reset": "never"})
    assert answer.status_code == 404
    row = ApiKey.objects.get(pk=owner.key_id)
    assert (row.name, row.disabled, row.revoked_at, row.secrets.count()) == ("test", False, None, 1)
    assert keys.label(owner.secret) not in browser.get("/keys").content.decode()


def test_a_member_makes_keys_and_sees_their_own(signed_in, member, owner):
    browser = signed_in(member)
    answer = make(browser, name="Mine")
    assert SECRET.search(answer.content.decode())
    row = ApiKey.objects.get(name="Mine", created_by_id=member.user_id)
    assert row.workspace_id == owner.workspace_id
    assert "Mine" in browser.get("/keys").content.decode()
    assert browser.post(f"/keys/{row.pk}/revoke").status_code == 302
    assert "Mine" in signed_in(owner).get("/keys").content.decode()


def test_without_credit_a_key_can_be_made_and_the_banner_says_what_is_missing(signed_in, broke):
    browser = signed_in(broke)
    assert SECRET.search(make(browser).content.decode())
    assert "has no credit" in browser.get("/keys").content.decode()


@pytest.mark.parametrize("path", ["/keys", "/keys/new", "/keys/1"])
def test_logged_out_one_is_asked_to_log_in(logged_out, path):
    answer = logged_out.get(path)
    assert answer.status_code == 302
    assert answer["location"].startswith("/account/login/")


@pytest.mark.parametrize("action", ["rotate", "disable", "revoke"])
def test_nothing_changes_by_a_link(signed_in, owner, action):
    assert signed_in(owner).get(f"/keys/{owner.key_id}/{action}").status_code == 405


def test_the_list_asks_as_often_for_many_keys_as_for_one(signed_in, owner, django_assert_num_queries):
    browser = signed_in(owner)
    for number in range(5):
        make(browser, name=f"k{number}")
    browser.get("/keys")
    # session, person, session row of the list of devices, memberships, spend by key, keys, banner's balance
    with django_assert_num_queries(7, exact=False) as asked:
        browser.get("/keys")
    few = len(asked)
    for number in range(5):
        make(browser, name=f"m{number}")
    with django_assert_num_queries(few):
        browser.get("/keys")


def test_a_form_without_its_token_is_refused(owner, signed_in):
    browser = signed_in(owner)
    browser.handler.enforce_csrf_checks = True
    answer = browser.post(f"/keys/{owner.key_id}/revoke")
    assert answer.status_code == 403
    assert "gone stale" in answer.content.decode()
    assert ApiKey.objects.get(pk=owner.key_id).revoked_at is None


LIMITS = {"requests_per_minute": "60", "tokens_per_minute": "90000", "parallel_requests": "3"}


def test_rates_models_and_addresses_are_set_shown_and_taken_away(signed_in, owner):
    browser, url = signed_in(owner), f"/keys/{owner.key_id}"
    name = {"name": "Narrow", "limit_reset": "never"}
    lists = {"allowed_models": "sandbox/echo\nsandbox/three sandbox/echo", "allowed_cidrs": "192.0.2.7/24, 2001:DB8::1"}
    assert browser.post(url, name | LIMITS | lists).status_code == 302
    row = ApiKey.objects.get(pk=owner.key_id)
    assert (row.requests_per_minute, row.tokens_per_minute, row.parallel_requests) == (60, 90_000, 3)
    assert row.allowed_models == ["sandbox/echo", "sandbox/three"]
    assert row.allowed_cidrs == ["192.0.2.0/24", "2001:db8::1/128"]
    assert row.updated_at
    page = browser.get(url).content.decode()
    for text in ("192.0.2.0/24", "sandbox/three", 'value="90000"'):
        assert text in page
    assert browser.post(url, name).status_code == 302
    row.refresh_from_db()
    assert [row.requests_per_minute, row.allowed_models, row.allowed_cidrs] == [None, [], []]
    make(browser, **LIMITS, **lists)
    made = ApiKey.objects.get(workspace_id=owner.workspace_id, name="Website")
    assert (made.parallel_requests, made.allowed_models) == (3, ["sandbox/echo", "sandbox/three"])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"requests_per_minute": "0"}, "greater than or equal to 1"),
        ({"tokens_per_minute": "many"}, "whole number"),
        ({"parallel_requests": "1000000"}, "less than or equal to"),
        ({"allowed_models": "sandbox/ecko"}, "There is no model &#x27;sandbox/ecko&#x27; here"),
        ({"allowed_cidrs": "10.0.0.0/33"}, "is no IP address and no network"),
    ],
)
def test_a_wrong_rate_model_or_address_is_named(signed_in, owner, values, says):
    answer = make(signed_in(owner), **values)
    assert answer.status_code == 422
    assert says in answer.content.decode()


def test_owners_and_admins_make_management_keys_and_members_cannot(signed_in, owner, member, make_person):
    admin = make_person(workspace_id=owner.workspace_id, role="admin")
    for someone, manages in ((owner, True), (admin, True), (member, False)):
        browser = signed_in(someone)
        assert ("manages keys through the API" in browser.get("/keys/new").content.decode()) is manages
        answer = make(browser, name=f"M{someone.user_id}", kind="manages")
        assert answer.status_code == 200
        assert ("POST " in answer.content.decode()) is manages
        assert ApiKey.objects.get(name=f"M{someone.user_id}").is_management is manages
    assert signed_in(owner).get("/keys").content.decode().count("manages keys</span>") == 2
    make(signed_in(owner), name="Plain", kind="calls")
    assert not ApiKey.objects.get(workspace_id=owner.workspace_id, name="Plain").is_management
    assert make(signed_in(owner), kind="rules").status_code == 422
