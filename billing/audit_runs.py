"""Audits of the books that are kept: the nightly one, mailed to operators if it finds something, and those by day."""

import logging
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from billing.audit import audit
from billing.models import AuditRun
from billing.notices import link, mails_write, operators_addresses

logger = logging.getLogger("xroute.billing")
FAULTS_KEPT, FAULTS_MAILED = 100, 5
RUNNING_MAX = timedelta(hours=6)
MISSING_AFTER = timedelta(hours=36)
NIGHT = timedelta(hours=12)
LOCK = 7_230_001


def audit_begin(*, asked_by: User | None = None) -> tuple[AuditRun, bool]:
    """A run's row, and whether it is new: one that is under way, or tonight's where it has been, is not begun again."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        again = Q(ended_at__isnull=True, started_at__gt=Now() - RUNNING_MAX)
        if asked_by is None:
            again = Q(asked_by__isnull=True, started_at__gt=Now() - NIGHT)
        found = AuditRun.objects.filter(again).order_by("-started_at").first()
        return (found, False) if found else (AuditRun.objects.create(asked_by=asked_by), True)


def audit_perform(*, run: AuditRun) -> AuditRun:
    """Prove the books and keep what came of it. Never raises for the audit's own sake."""
    try:
        faults = audit(spool_dir=settings.XROUTE_SPOOL_DIR)
        for fault in faults:
            logger.error("ALERT %s", fault)
        run.count = len(faults)
        run.faults = [{"check": one.check, "detail": one.detail} for one in faults[:FAULTS_KEPT]]
    except Exception as error:
        logger.exception("ALERT the audit of the books could not run")
        run.error = f"{type(error).__name__}: {error}"[:1000]
    run.ended_at = timezone.now()
    with transaction.atomic():
        run.save(update_fields=["ended_at", "count", "faults", "error"])
        if run.asked_by_id is None and (run.count or run.error):
            _mail(run)
    return run


def audit_nightly() -> int:
    """Tonight's audit, once; how many faults it found."""
    run, new = audit_begin()
    return audit_perform(run=run).count if new else 0


def audit_missing() -> bool:
    """Whether no audit has ended for a day and a half: Celery's beat is not running, or its worker."""
    newest = AuditRun.objects.filter(ended_at__isnull=False).order_by("-started_at").first()
    since = newest.started_at if newest else _installed_at()
    return since is None or timezone.now() - since > MISSING_AFTER


def audit_runs_prune() -> int:
    """Forget old runs; how many."""
    old = timezone.now() - timedelta(days=settings.XROUTE_AUDIT_RUN_DAYS)
    return AuditRun.objects.filter(started_at__lt=old).delete()[0]


def _installed_at() -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT created_at FROM billing_books")
        row = cursor.fetchone()
        return cast("datetime", row[0]) if row else None


def _mail(run: AuditRun) -> None:
    """To every operator, once: `mailed_at` and the mails stand in one transaction."""
    if not AuditRun.objects.filter(pk=run.pk, mailed_at__isnull=True).update(mailed_at=timezone.now()):
        return
    subject = "The audit could not run" if run.error else f"The audit found {run.count} faults in the books"
    mails_write(to=operators_addresses(), subject=subject, body=_body(run))


def _body(run: AuditRun) -> str:
    page = link("/operator/money")
    if run.error:
        return (
            f"The nightly audit of the books could not run: {run.error}\n\nNothing is known to be wrong, and nothing "
            "is proved. Look at the database and at Celery's log, then press Audit now on the page below.\n\n" + page
        )
    first = "\n\n".join(f"{one['check']}: {one['detail']}"[:400] for one in run.faults[:FAULTS_MAILED])
    return (
        f"The nightly audit of the books found {run.count} faults. The first of them:\n\n{first}\n\n"
        "Change nothing by hand in the database. See all of them on the page below, run manage.py audit_ledger to see "
        "whether they are still there, and correct a balance with an adjustment once you know the cause.\n\n" + page
    )
