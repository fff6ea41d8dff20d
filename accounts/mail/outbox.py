"""The outbox: claim a due mail, try it, and note what came of it.

A mail is claimed by moving its next try ahead, so that a worker that dies with it loses one try and never the mail.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.mail.delivery import NotDelivered, deliver
from accounts.models import OutgoingMail

logger = logging.getLogger("xroute.mail")
BACKOFF_S = (15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 28800)
ATTEMPTS_MAX = len(BACKOFF_S)
ERROR_MAX = 500
KEEP_DAYS = 30


def mailbox_open() -> bool:
    """Whether anyone may read every mail at /mailbox: in a demo that hands no mail over."""
    return settings.XROUTE_MODE == "demo" and settings.XROUTE_MAIL_SERVER.keeps


def mail_claim() -> OutgoingMail | None:
    """The mail that has been due the longest; no other worker gets it until its next try is due."""
    now = timezone.now()
    with transaction.atomic():
        due = OutgoingMail.objects.filter(sent_at=None, given_up_at=None, next_try_at__lte=now)
        mail = due.order_by("next_try_at", "id").select_for_update(skip_locked=True).first()
        if mail is None:
            return None
        mail.next_try_at = now + timedelta(seconds=BACKOFF_S[min(mail.attempts, ATTEMPTS_MAX - 1)])
        mail.attempts += 1
        mail.save(update_fields=["next_try_at", "attempts"])
    return mail


def mail_try(mail: OutgoingMail) -> bool:
    """Send a claimed mail; whether it arrived. Its text goes with it: the links in it are secrets."""
    try:
        deliver(mail, settings.XROUTE_MAIL_SERVER)
    except NotDelivered as error:
        mail.error = str(error)[:ERROR_MAX]
        if error.final or mail.attempts >= ATTEMPTS_MAX:
            mail.given_up_at, mail.next_try_at = timezone.now(), None
        mail.save(update_fields=["error", "given_up_at", "next_try_at"])
        logger.warning("mail %s, try %s: %s", mail.pk, mail.attempts, mail.error)
        return False
    mail.sent_at, mail.next_try_at, mail.error, mail.text, mail.html = timezone.now(), None, "", "", ""
    mail.save(update_fields=["sent_at", "next_try_at", "error", "text", "html"])
    return True


def mail_retry(*, mail_id: int) -> bool:
    """Make a mail that has not arrived due now, with all its tries before it; whether there is one."""
    waiting = OutgoingMail.objects.filter(pk=mail_id, sent_at=None)
    return bool(waiting.update(next_try_at=timezone.now(), given_up_at=None, attempts=0))


def mail_prune() -> int:
    """Forget mails that are over since 30 days; how many."""
    old = timezone.now() - timedelta(days=KEEP_DAYS)
    deleted, _ = OutgoingMail.objects.filter(created_at__lt=old, next_try_at=None).delete()
    return deleted
