"""Background work. Every task may run twice; none is needed for a request to be answered or billed."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xroute.settings")
app = Celery("xroute")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["billing", "routing"])


@app.on_after_finalize.connect
def _schedule(sender: Celery, **_: object) -> None:
    from billing.tasks import schedule

    schedule(sender)
