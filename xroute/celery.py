"""Background work. Every task may run twice; none is needed for a request to be answered or billed."""

import os
import sys

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xroute.settings")
app = Celery("xroute")
app.set_default()  # for every thread: otherwise a thread that tells of a task would look for a broker of its own
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["accounts", "billing", "routing"])


@app.on_after_finalize.connect
def _schedule(sender: Celery, **_: object) -> None:
    from accounts import tasks as accounts_tasks
    from billing import tasks as billing_tasks
    from routing import tasks as routing_tasks

    accounts_tasks.schedule(sender)
    billing_tasks.schedule(sender)
    routing_tasks.schedule(sender)


@worker_init.connect
def _check_books(**_: object) -> None:
    """Refuse books of another mode at once; a database that is away is waited for by the tasks."""
    from django.db import OperationalError, connection

    from xroute.lib.env import BadSetting

    try:
        connection.ensure_connection()
    except BadSetting as error:
        sys.exit(f"XRoute cannot start: {error}")
    except OperationalError:
        pass
    finally:
        connection.close()
