"""Tell the task that mail is due. Best effort, and never in the way: a sweep finds the mail anyway."""

import logging
import threading

logger = logging.getLogger("xroute.mail")
_ringing = threading.Lock()


def ring() -> None:
    """Returns at once. A thread of its own talks to Redis, at most one at a time, however long that hangs."""
    if _ringing.acquire(blocking=False):
        threading.Thread(target=_ring, name="xroute-mail-bell", daemon=True).start()


def _ring() -> None:
    from accounts.tasks import send_mail

    try:
        send_mail.apply_async(retry=False)
    except Exception as error:  # whatever it is, the sweep comes
        logger.warning("The mail task could not be told (%s); the sweep will find the mail.", type(error).__name__)
    finally:
        _ringing.release()
