"""Operator → Settings: the installation's own values, its logo, its keys at providers."""

import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import httpx
import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.installation import site, site_forget
from accounts.models import Installation, SiteLogo, User
from accounts.services_operator import operator_make
from routing.credentials import unseal
from routing.models import Provider, ProviderCredential
from routing.services import credential_add
from routing.upstream import key_check
from tests.cast import USD
from tests.servers import superuser_url

PASSWORD = "correct horse battery"
SECRET = "sk-operators-own-key-0123456789"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
VALUES = {
    "site_name": "Acme AI",
    "accent": "#123456",
    "public_url": "http://localhost:9000",
    "support_email": "help@acme.org",
    "signup": "invite",
    "terms_url": "https://acme.org/terms",
    "privacy_url": "https://acme.org/privacy",
    "from_email": "Acme <ai@acme.org>",
}
GETS = ("/operator/settings", "/operator/settings/providers")
POSTS = (
    "/operator/settings",
    "/operator/settings/logo/delete",
    "/operator/settings/test-mail",
    "/operator/settings/providers",
    "/operator/settings/providers/test",
    "/operator/settings/providers/1/enable",
    "/operator/settings/providers/1/disable",
    "/operator/settings/providers/1/delete",
)


@pytest.fixture(autouse=True)
def _fresh_site():
    site_forget()
    yield
    site_forget()


@pytest.fixture
def operator(db) -> Client:
    user = operator_make(email=f"{uuid4().hex}@example.com", password=PASSWORD)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def provider(db) -> Provider:
    return Provider.objects.get(slug="openai")


@contextmanager
def standing_in(status: int, body: bytes = b"{}", pause_s: float = 0):
    """A provider that answers the same to everything; what it was asked is in `asked`."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.command, self.path, self.headers.get("Authorization")))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(pause_s)
            self.send_response(404 if status == 405 and self.command == "GET" else 200 if status == 405 else status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "http://127.0.0.1:1/stolen")
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ---- who may


def test_every_route_is_the_operators_alone(db, owner, broke, member, stranger):
    for path in GETS:
        assert Client().get(path).headers["Location"].startswith("/account/login/")
    for path in POSTS:
        assert Client().post(path).headers["Location"].startswith("/account/login/")
    for person in (owner, broke, member, stranger):
        client = Client()
        client.force_login(User.objects.get(pk=person.user_id))
        assert [client.get(path).status_code for path in GETS] == [403] * len(GETS)
        assert [client.post(path, VALUES).status_code for path in POSTS] == [403] * len(POSTS)
    assert not Installation.objects.filter(site_name="Acme AI").exists()


def test_a_change_needs_a_post_and_its_token(operator):
    for path in POSTS[1:3] + POSTS[4:]:
        assert operator.get(path).status_code == 405
    checked = Client(enforce_csrf_checks=True)
    checked.cookies = operator.cookies
    assert [checked.post(path, VALUES).status_code for path in POSTS] == [403] * len(POSTS)


# ---- the installation


def test_what_is_saved_is_in_force_at_once(operator):
    assert operator.post("/operator/settings", VALUES).status_code == 302
    found = site()
    assert {name: getattr(found, name) for name in VALUES} == VALUES
    assert b"Acme AI" in operator.get("/operator/settings").content
    assert b"#123456" in operator.get("/site.css").content


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accent", "#12345"),
        ("accent", "red;}body{"),
        ("signup", "everyone"),
        ("terms_url", "javascript:alert(1)"),
        ("privacy_url", "data:text/html,x"),
        ("support_email", "nobody"),
        ("public_url", "https://elsewhere.example"),
        ("site_name", ""),
        ("site_name", "x" * 61),
    ],
)
def test_a_wrong_value_is_shown_and_nothing_saved(operator, name, value):
    answer = operator.post("/operator/settings", VALUES | {name: value})
    assert answer.status_code == 422
    assert b"Nothing was saved" in answer.content
    assert not Installation.objects.filter(support_email="help@acme.org").exists()


def test_domains_are_asked_for_where_sign_up_is_by_domain(operator):
    for wrong in ("", "acme", "acme.org; b.org", "*.acme.org"):
        answer = operator.post("/operator/settings", VALUES | {"signup": "domain", "signup_domains": wrong})
        assert answer.status_code == 422
    operator.post("/operator/settings", VALUES | {"signup": "domain", "signup_domains": "ACME.org b.org"})
    assert site().signup == "domain:acme.org,b.org"


def test_what_the_environment_fixes_is_shown_with_its_name_and_not_taken(operator, settings):
    fixed = {
        "site_name": "Fixed AI",
        "signup": "domain:fixed.org",
        "logo_url": "/static/logo.png",
        "public_url": "https://fixed.org/x",
    }
    settings.XROUTE_INSTALLATION = settings.XROUTE_INSTALLATION | fixed
    site_forget()
    page = operator.get("/operator/settings").content.decode()
    for variable in ("XROUTE_SITE_NAME", "XROUTE_SIGNUP", "XROUTE_LOGO_URL", "PUBLIC_URL"):
        assert f"Set by {variable} in the environment" in page
    assert re.search(r'<input[^>]*name="site_name"[^>]*value="Fixed AI"[^>]*disabled', page)
    upload = SimpleUploadedFile("logo.png", PNG)
    assert operator.post("/operator/settings", VALUES | {"signup": "open", "logo": upload}).status_code == 302
    row = Installation.objects.get()
    assert (row.site_name, row.signup, row.logo_url, row.public_url) == ("", "", "", "")
    assert (row.accent, site().site_name, site().signup) == ("#123456", "Fixed AI", "domain:fixed.org")
    assert not SiteLogo.objects.exists()


# ---- the logo


def test_a_logo_is_served_as_the_picture_that_it_is(operator):
    upload = SimpleUploadedFile("logo.html", PNG, content_type="text/html")
    assert operator.post("/operator/settings", VALUES | {"logo": upload}).status_code == 302
    assert site().logo_url.startswith("/site/logo?v=")
    answer = Client().get(site().logo_url)
    assert answer.content == PNG
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    operator.post("/operator/settings/logo/delete")
    assert site().logo_url == ""
    assert Client().get("/site/logo").status_code == 404


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"", PNG + bytes(100 * 1024)]
)
def test_what_is_no_small_picture_is_refused(operator, content):
    answer = operator.post("/operator/settings", VALUES | {"logo": SimpleUploadedFile("logo.png", content)})
    assert answer.status_code == 422
    assert not SiteLogo.objects.exists()


# ---- keys at providers


def test_a_key_goes_in_and_never_comes_out(operator, provider, caplog):
    caplog.set_level(0)
    answer = operator.post(
        "/operator/settings/providers", {"provider": "openai", "name": "Main", "secret": SECRET}, follow=True
    )
    row = ProviderCredential.objects.get(provider=provider)
    assert unseal(bytes(row.secret), row_id=row.pk, keys=django_settings.XROUTE_ENCRYPTION_KEYS) == SECRET
    assert SECRET.encode() not in bytes(row.secret)
    pages = [answer.content, *(operator.get(path).content for path in (*GETS, "/setup/provider"))]
    for page in pages:
        assert SECRET.encode() not in page
    assert b"6789" in pages[0]
    assert SECRET not in caplog.text


@pytest.mark.parametrize("secret", ["short", "with a space in it", "with\nnewline-0123", "ключ-ключ-ключ", "x" * 1001])
def test_a_key_that_is_none_is_refused_and_not_repeated(operator, provider, secret):
    answer = operator.post("/operator/settings/providers", {"provider": "openai", "secret": secret})
    assert answer.status_code == 422
    assert secret not in answer.content.decode()
    assert not ProviderCredential.objects.exists()


def test_a_provider_outside_the_catalogue_takes_no_key(operator):
    for slug in ("sandbox", "nobody", "http://127.0.0.1"):
        data = {"provider": slug, "secret": SECRET}
        assert operator.post("/operator/settings/providers", data).status_code in (302, 422)
        tested = operator.post("/operator/settings/providers/test", data, headers={"HX-Request": "true"})
        assert b"Select a valid choice" in tested.content
    assert not ProviderCredential.objects.exists()


def test_a_key_is_switched_off_on_and_deleted(operator, provider):
    row = credential_add(provider=provider, name="Main", secret=SECRET)
    where = f"/operator/settings/providers/{row.pk}"
    operator.post(f"{where}/disable")
    row.refresh_from_db()
    assert not row.enabled
    operator.post(f"{where}/enable")
    row.refresh_from_db()
    assert row.enabled
    operator.post(f"{where}/delete")
    assert not ProviderCredential.objects.filter(pk=row.pk).exists()
    assert operator.post(f"{where}/delete").status_code == 404


def test_the_list_says_what_is_connected_and_by_what(operator, provider, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setenv("MISTRAL_API_KEY", "from-the-environment-9876")
    credential_add(provider=provider, name="Main", secret=SECRET)
    with django_assert_max_num_queries(9):
        page = operator.get("/operator/settings/providers").content.decode()
    assert page.count(">connected<") == 2
    assert "needs CLOUDFLARE_ACCOUNT_ID" in page
    assert "MISTRAL_API_KEY" in page
    assert "9876" not in page
    assert "Sandbox" not in page


def test_a_test_calls_the_catalogues_address_and_says_what_came(operator, provider, monkeypatch):
    with standing_in(200, b'{"data": [{"id": "a"}, {"id": "b"}]}') as (url, asked):
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        data = {"provider": "openai", "secret": SECRET, "base_url": "http://127.0.0.1:1"}
        answer = operator.post("/operator/settings/providers/test", data, headers={"HX-Request": "true"})
        row = credential_add(provider=provider, name="Main", secret="sk-the-stored-one-4321")
        stored = {"provider": "openai", "credential": row.pk}
        page = operator.post("/operator/settings/providers/test", stored, follow=True)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-environments-key")
        operator.post("/operator/settings/providers/test", {"provider": "openai"})
    assert "The key works. It lists 2 models. Status 200," in answer.content.decode()
    assert "The key works." in page.content.decode()
    assert [key for _, _, key in asked] == [
        f"Bearer {secret}" for secret in (SECRET, "sk-the-stored-one-4321", "sk-environments-key")
    ]
    assert SECRET not in answer.content.decode()


def test_another_providers_stored_key_is_not_sent(operator, provider, monkeypatch):
    row = credential_add(provider=Provider.objects.get(slug="mistral"), name="Main", secret=SECRET)
    with standing_in(200) as (url, asked):
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        page = operator.post(
            "/operator/settings/providers/test", {"provider": "openai", "credential": row.pk}, follow=True
        )
    assert "There is no such key" in page.content.decode()
    assert asked == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "refuses this key"),
        (403, "refuses this key"),
        (429, "limiting"),
        (500, "fault of its own"),
        (302, "unexp"),
    ],
)
def test_what_a_refusal_means_is_said_in_words_and_redirects_are_not_followed(status, said):
    with standing_in(status, SECRET.encode()) as (url, asked):
        found = key_check(base_url=url, secret=SECRET, upstream_id="m")
    assert not found.works
    assert found.status == status
    assert said in found.problem
    assert SECRET not in found.problem
    assert len(asked) == 1


def test_without_a_list_of_models_the_smallest_call_is_made():
    with standing_in(405) as (url, asked):
        found = key_check(base_url=url, secret=SECRET, upstream_id="m")
    assert found.works
    assert [(method, path) for method, path, _ in asked] == [("GET", "/v1/models"), ("POST", "/v1/chat/completions")]


def test_silence_ends_in_time_and_a_closed_port_is_said():
    with standing_in(200, pause_s=1.5) as (url, _):
        found = key_check(base_url=url, secret=SECRET, upstream_id="m", timeout_s=0.2)
        assert found.problem == "It did not answer within 0.2 s."
    assert "could not be reached" in key_check(base_url=url, secret=SECRET, upstream_id="m").problem


# ---- in a running worker


@pytest.fixture
def committed_operator(django_db_blocker):
    """An operator whose rows are committed; all that the test stored is gone afterwards."""
    with django_db_blocker.unblock():
        user = operator_make(email=f"{uuid4().hex}@example.com", password=PASSWORD)
        client = Client()
        client.force_login(user)
        yield client
        ProviderCredential.objects.filter(name="of the test").delete()
        User.objects.filter(pk=user.pk).update(is_staff=False, is_superuser=False)


def test_a_stored_key_switches_a_provider_on_in_a_running_worker(
    committed_operator, django_db_blocker, make_person, sandbox, web_factory
):
    """No restart; within five seconds; on two workers, neither of which served the form."""
    urls = {"OPENAI_BASE_URL": f"{sandbox.url}/v1", "OPENAI_API_KEY": ""}
    workers = [web_factory(**urls), web_factory(**urls)]
    person = make_person(credit_nanousd=10 * USD)
    ask = {"model": "openai/gpt-5", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 5}

    def status(worker) -> int:
        with httpx.Client(base_url=worker.url, trust_env=False, timeout=30) as http:
            return http.post("/openai/v1/chat/completions", json=ask, headers=person.headers).status_code

    assert [status(worker) for worker in workers] != [200, 200]
    data = {"provider": "openai", "name": "of the test", "secret": SECRET}
    assert committed_operator.post("/operator/settings/providers", data).status_code == 302
    stored = time.monotonic()
    for worker in workers:
        while status(worker) != 200:
            assert time.monotonic() - stored < 5
            time.sleep(0.05)
    row = ProviderCredential.objects.get(name="of the test")
    committed_operator.post(f"/operator/settings/providers/{row.pk}/disable")
    switched = time.monotonic()
    while status(workers[0]) == 200:
        assert time.monotonic() - switched < 5
        time.sleep(0.05)
    for worker in workers:
        assert SECRET not in worker.log.read_text()
    with psycopg.connect(superuser_url()) as conn:
        dump = conn.execute("SELECT row_to_json(c)::text FROM routing_providercredential c").fetchall()
    assert dump
    assert SECRET not in str(dump)
