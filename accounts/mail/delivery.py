"""Hand one mail over to the mail server."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from django.utils import timezone

from accounts.models import OutgoingMail
from xroute.api.demo import is_loopback
from xroute.lib.mail_url import MailServer

TIMEOUT_S = 15


class NotDelivered(Exception):
    """What the operator reads. `final` where no later try can succeed."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


def deliver(mail: OutgoingMail, server: MailServer) -> None:
    """Returns when the server has accepted the mail; raises NotDelivered."""
    if not server.host:
        raise NotDelivered("No mail server is set. Set EMAIL_URL=smtp://user:password@host:587 and restart.")
    where = f"{server.host}:{server.port}"
    try:
        with _connect(server) as smtp:
            smtp.send_message(message_of(mail), to_addrs=[mail.to_email])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = error.recipients.get(mail.to_email, (0, b""))
        raise NotDelivered(f"{where} refuses the address: {code} {_words(text)}", final=500 <= code < 600) from error
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(f"{where} answered {error.smtp_code} {_words(error.smtp_error)}") from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotDelivered(f"{where}: {type(error).__name__}: {error}") from error


def message_of(mail: OutgoingMail) -> EmailMessage:
    """The mail as it goes over the wire; the same row always has the same Message-ID."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = mail.from_email, mail.to_email, mail.subject
    message["Date"] = format_datetime(mail.created_at or timezone.now())
    message["Message-ID"] = f"<xroute-{mail.pk}-{int(mail.created_at.timestamp())}@{_domain(mail.from_email)}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    return message


def _connect(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.scheme == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    try:
        _log_in(smtp, server, context)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _log_in(smtp: smtplib.SMTP, server: MailServer, context: ssl.SSLContext) -> None:
    smtp.ehlo()
    encrypted = server.scheme == "smtps"
    if not encrypted and smtp.has_extn("starttls"):
        smtp.starttls(context=context)
        smtp.ehlo()
        encrypted = True
    if server.user:
        if not encrypted and server.host != "localhost" and not is_loopback(server.host):
            raise NotDelivered(f"{server.host} offers no encryption: the password was not sent. Use smtps://.")
        smtp.login(server.user, server.password)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip("> ") or make_msgid().partition("@")[2].strip(">")


def _words(text: bytes | str) -> str:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(plain.split())[:300]
