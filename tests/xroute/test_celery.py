"""The one application of Celery, for every thread."""

import threading

from accounts.tasks import send_mail
from xroute.celery import app


def test_a_thread_tells_of_a_task_where_the_installation_says():
    """As webhooks and the mail's bell do: a thread of its own must not look for a broker at Celery's default."""
    found = []
    thread = threading.Thread(target=lambda: found.append(send_mail.app.conf.broker_url))
    thread.start()
    thread.join()
    assert found == [app.conf.broker_url]
    assert found[0].startswith("redis")
