"""Writes: people, workspaces and keys. Keyword-only; the outermost caller owns the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey, ApiKeySecret, KeyChange, LimitReset, Membership, Role, User, Workspace


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key and its secret, which is shown this once."""

    key: ApiKey
    secret: str = field(repr=False)


class KeyMadeAlready(Exception):
    """The form was sent before; `key` is what it made then."""

    def __init__(self, key: ApiKey) -> None:
        super().__init__(key.label)
        self.key = key


def person_ensure(*, email: str) -> tuple[User, Workspace]:
    """The user of this address and the first workspace they own; both made where they are missing."""
    with transaction.atomic():
        user = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email)
        owned = Workspace.objects.filter(membership__user=user, membership__role=Role.OWNER).order_by("id").first()
        return user, owned or workspace_create(owner=user, name=f"{email.partition('@')[0]}'s workspace")


def workspace_create(*, owner: User, name: str) -> Workspace:
    """A workspace with its owner."""
    with transaction.atomic():
        workspace = Workspace.objects.create(name=name)
        Membership.objects.create(user=owner, workspace=workspace, role=Role.OWNER)
    return workspace


def api_key_create(
    *,
    workspace: Workspace,
    created_by: User | None,
    name: str,
    limit_nanousd: int | None = None,
    limit_reset: str = LimitReset.NEVER,
    expires_at: datetime | None = None,
    is_management: bool = False,
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
    parallel_requests: int | None = None,
    allowed_models: Sequence[str] = (),
    allowed_cidrs: Sequence[str] = (),
    form_nonce: UUID | None = None,
) -> NewKey:
    """A key; only its digest is stored. Raises KeyMadeAlready where `form_nonce` has made one in this workspace."""
    secret = keys.mint()
    try:
        with transaction.atomic():
            key = ApiKey.objects.create(
                workspace=workspace,
                created_by=created_by,
                name=name,
                label=keys.label(secret),
                limit_nanousd=limit_nanousd,
                limit_reset=limit_reset,
                expires_at=expires_at,
                is_management=is_management,
                requests_per_minute=requests_per_minute,
                tokens_per_minute=tokens_per_minute,
                parallel_requests=parallel_requests,
                allowed_models=list(allowed_models),
                allowed_cidrs=list(allowed_cidrs),
                form_nonce=form_nonce,
            )
            ApiKeySecret.objects.create(key=key, digest=keys.digest(secret))
    except IntegrityError as error:
        made = workspace.api_keys.filter(form_nonce=form_nonce).first() if form_nonce else None
        if made is None:
            raise
        raise KeyMadeAlready(made) from error
    return NewKey(key, secret)


def api_key_rotate(*, key: ApiKey, grace_until: datetime | None) -> NewKey:
    """A second secret for the same identity; the old one works until `grace_until` (at once over where None)."""
    secret = keys.mint()
    with transaction.atomic():
        key.secrets.filter(valid_until__isnull=True).update(valid_until=grace_until or timezone.now())
        ApiKeySecret.objects.create(key=key, digest=keys.digest(secret))
        key.label = keys.label(secret)
        key.save(update_fields=["label"])
    return NewKey(key, secret)


def api_key_revoke(*, key: ApiKey) -> None:
    """Stop a key for good; every worker forgets it within 5 seconds."""
    ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())


def api_key_disable(*, key: ApiKey, disabled: bool) -> None:
    """Stop a key for a while, or let it go on."""
    ApiKey.objects.filter(pk=key.pk).update(disabled=disabled, updated_at=timezone.now())


def api_key_change(
    *,
    key: ApiKey,
    name: str,
    limit_nanousd: int | None,
    limit_reset: str,
    expires_at: datetime | None,
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
    parallel_requests: int | None = None,
    allowed_models: Sequence[str] = (),
    allowed_cidrs: Sequence[str] = (),
) -> None:
    """Another name, other limits or another end; in force on every worker within 5 seconds."""
    ApiKey.objects.filter(pk=key.pk).update(
        name=name,
        limit_nanousd=limit_nanousd,
        limit_reset=limit_reset,
        expires_at=expires_at,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        parallel_requests=parallel_requests,
        allowed_models=list(allowed_models),
        allowed_cidrs=list(allowed_cidrs),
        updated_at=timezone.now(),
    )


def key_changes_prune(*, older_than: timedelta) -> int:
    """Delete notes of key changes that every worker has long read; how many."""
    deleted, _ = KeyChange.objects.filter(changed_at__lt=timezone.now() - older_than).delete()
    return deleted
