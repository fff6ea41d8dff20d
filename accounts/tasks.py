"""Celery tasks of accounts. Each may run twice, or at the same time as itself."""

from typing import Any

from celery import Celery, shared_task
from django.core.management import call_command

from accounts.mail.outbox import mail_claim, mail_prune, mail_try

SWEEP_EVERY_S, PRUNE_EVERY_S = 10.0, 24 * 3600.0
MAILS_MAX = 100


@shared_task(name="accounts.send_mail", expires=60)
def send_mail() -> int:
    """Try every mail that is due; how many arrived."""
    arrived = 0
    for _ in range(MAILS_MAX):
        mail = mail_claim()
        if mail is None:
            break
        arrived += mail_try(mail)
    return arrived


@shared_task(name="accounts.prune")
def prune() -> int:
    """Forget old mails and ended sessions."""
    call_command("clearsessions")
    return mail_prune()


def schedule(app: Celery) -> None:
    """When they run."""
    entries: dict[str, tuple[Any, float]] = {
        "send mail": (send_mail, SWEEP_EVERY_S),
        "prune accounts": (prune, PRUNE_EVERY_S),
    }
    for name, (task, every_s) in entries.items():
        app.add_periodic_task(every_s, task.s(), name=name)
