"""Django's admin: the operator's alone, behind our log-in; the ledger in it is only looked at."""

from uuid import uuid4

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import OutgoingMail, User
from accounts.services_operator import operator_make
from billing.models import CreditAccount, RejectedUsage, Transfer, UsageRecord, UsageRecordRow
from routing.credentials import unseal
from routing.models import Endpoint, EndpointPrice, Provider, ProviderCredential
from routing.services import credential_add
from xroute.lib import ids

SECRET = "sk-operators-own-key-0123456789"
LOOKED_AT = [model for model in admin.site._registry if model._meta.app_label == "billing"]


@pytest.fixture
def operator(db) -> Client:
    user = operator_make(email=f"{uuid4().hex}@example.com", password="correct horse battery")
    client = Client()
    client.force_login(user)
    return client


def where(model, what: str = "changelist", *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=args)


def test_it_has_no_log_in_of_its_own(db):
    for start in ("/admin/", "/admin/login/", where(User), "/admin/no/such/page/"):
        client = Client()
        path = start
        while path.startswith("/admin/"):
            answer = client.get(path)
            assert answer.status_code == 302
            path = answer.headers["Location"]
        assert path.startswith("/account/login/?next=")
    data = {"username": "op@example.com", "password": "x"}
    assert Client().post("/admin/login/", data).headers["Location"].startswith("/account/login/?next=")


def test_no_workspace_role_opens_it(db, owner, broke, member, stranger):
    paths = ["/admin/", *(where(model) for model in admin.site._registry)]
    for person in (owner, broke, member, stranger):
        client = Client()
        client.force_login(User.objects.get(pk=person.user_id))
        assert {client.get(path, follow=True).status_code for path in paths} == {403}


def test_a_superuser_who_is_no_operator_is_refused(db, owner):
    user = User.objects.get(pk=owner.user_id)
    user.is_superuser = True
    user.save()
    client = Client()
    client.force_login(user)
    assert client.get("/admin/", follow=True).status_code == 403


def test_every_table_opens_for_the_operator_under_our_name_and_policy(operator, owner):
    for path in ["/admin/", *(where(model) for model in admin.site._registry)]:
        answer = operator.get(path)
        assert answer.status_code == 200, path
        page = answer.content.decode()
        assert "Django administration" not in page
        assert " style=" not in page
        assert "<script>" not in page
        assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("model", LOOKED_AT, ids=lambda model: model.__name__)
def test_the_ledger_and_the_records_are_only_looked_at(operator, owner, model):
    """No add, change or delete, by form or by the list's actions, whatever is posted."""
    counted = {model: model.objects.count() for model in LOOKED_AT}
    posted = CreditAccount.objects.get(pk=owner.account_id).posted
    row = model.objects.first()
    pk = row.pk if row else uuid4()
    assert operator.post(where(model, "add"), {"posted": 1}).status_code == 403
    for what in ("change", "delete"):
        answer = operator.post(where(model, what, pk), {"posted": 1, "amount": 1, "post": "yes"})
        assert answer.status_code in ((403,) if row else (302, 403))
    operator.post(where(model), {"action": "delete_selected", "_selected_action": [str(pk)], "post": "yes"})
    assert {model: model.objects.count() for model in LOOKED_AT} == counted
    assert CreditAccount.objects.get(pk=owner.account_id).posted == posted


def test_a_transfer_a_record_and_a_refused_record_can_be_read(operator, owner):
    transfer = Transfer.objects.filter(credit_account=owner.account_id).get()
    assert transfer.idempotency_key in operator.get(where(Transfer, "change", transfer.pk)).content.decode()
    refused = RejectedUsage.objects.create(id=uuid4(), batch_id=uuid4(), payload={"a": 1}, error="no such account")
    assert b"no such account" in operator.get(where(RejectedUsage, "change", refused.pk)).content
    generation = ids.new_id()
    UsageRecord.objects.create(**record(generation))
    assert str(generation) in operator.get(where(UsageRecordRow)).content.decode()
    page = operator.get(where(UsageRecordRow, "change", generation))
    assert b"req-of-the-test" in page.content
    for unknown in (uuid4(), "nonsense"):
        assert operator.get(where(UsageRecordRow, "change", unknown)).status_code == 302


def record(generation) -> dict:
    """Every column of a record; what it says is of no matter here."""
    values: dict = {}
    for field in UsageRecord._meta.concrete_fields:
        kind = field.get_internal_type()
        values[field.name] = {"UUIDField": uuid4(), "CharField": "x", "BooleanField": False, "JSONField": []}.get(
            kind, 1
        )
    values |= {"id": generation, "created_at": ids.created_at(generation), "period_start": None}
    return values | {"request_id": "req-of-the-test", "basis": "estimated"}


def test_a_price_is_added_and_never_changed(operator):
    endpoint = Endpoint.objects.first()
    before = endpoint.prices.count()
    price = EndpointPrice.objects.filter(endpoint=endpoint).first()
    for what in ("change", "delete"):
        assert operator.post(where(EndpointPrice, what, price.pk), {"input": 1, "post": "yes"}).status_code == 403
    for model, row in ((Endpoint, endpoint), (Provider, endpoint.provider), (type(endpoint.model), endpoint.model)):
        assert operator.post(where(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    form = {"endpoint": endpoint.pk, "valid_from_0": "2026-11-01", "valid_from_1": "00:00:00", "source": "test"}
    prices = {"input": 1, "output": 2, "cached_input": 1, "cache_write": 1, "reasoning": 1, "request": 0, "image": 0}
    assert operator.post(where(EndpointPrice, "add"), form | prices).status_code == 302
    assert endpoint.prices.count() == before + 1


def test_a_credential_goes_in_sealed_and_never_comes_out(operator):
    provider = Provider.objects.get(slug="openai")
    data = {"provider": provider.pk, "name": "Main", "secret": SECRET}
    assert operator.post(where(ProviderCredential, "add"), data).status_code == 302
    row = ProviderCredential.objects.get(provider=provider)
    from django.conf import settings

    assert unseal(bytes(row.secret), row_id=row.pk, keys=settings.XROUTE_ENCRYPTION_KEYS) == SECRET
    page = operator.get(where(ProviderCredential, "change", row.pk)).content.decode()
    assert "…6789" in page
    assert SECRET not in page
    change = {"name": "Other", "secret": "sk-another-one-entirely"}
    assert operator.post(where(ProviderCredential, "change", row.pk), change).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.enabled) == ("Other", False)
    assert unseal(bytes(row.secret), row_id=row.pk, keys=settings.XROUTE_ENCRYPTION_KEYS) == SECRET


def test_the_text_of_a_mail_and_what_opens_an_account_are_not_shown(operator, owner):
    link = "http://localhost/account/password/reset/key/1-abc/"
    mail = OutgoingMail.objects.create(to_email="a@example.com", from_email="b@example.com", subject="Hi", text=link)
    assert link not in operator.get(where(OutgoingMail, "change", mail.pk)).content.decode()
    names = {model.__name__ for model in admin.site._registry}
    hidden = {"ApiKeySecret", "SetupToken", "Invitation", "Authenticator", "UserSession", "EmailConfirmation", "Group"}
    assert not names & hidden
    user = User.objects.get(pk=owner.user_id)
    assert "argon2" not in operator.get(where(User, "change", user.pk)).content.decode()


def test_logging_out_and_changing_the_password_are_our_own_pages(operator):
    assert operator.post("/admin/logout/").headers["Location"] == "/account/logout/"
    assert operator.get("/admin/password_change/").headers["Location"] == "/account/password/change/"


def test_a_new_credential_of_the_admin_raises_the_catalogues_version(operator):
    from django.db import connection

    def version() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT version FROM routing_catalogueversion")
            return cursor.fetchone()[0]

    before = version()
    row = credential_add(provider=Provider.objects.get(slug="openai"), name="Main", secret=SECRET)
    assert version() > before
    before = version()
    operator.post(where(ProviderCredential, "delete", row.pk), {"post": "yes"})
    assert not ProviderCredential.objects.exists()
    assert version() > before
