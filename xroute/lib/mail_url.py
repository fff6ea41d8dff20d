"""EMAIL_URL: where mails are handed over. Pure."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from xroute.lib.env import BadSetting

PORTS = {"smtp": 587, "smtps": 465}
FORMS = "smtp://user:password@mail.acme.org:587, smtps://user:password@mail.acme.org:465 or mailbox:"


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server; `scheme` is smtp (STARTTLS where it is offered), smtps, mailbox (nothing is sent) or empty."""

    scheme: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def keeps(self) -> bool:
        """Whether mails stay in the outbox for good, to be read on the mailbox page."""
        return self.scheme == "mailbox"


def parse(url: str) -> MailServer:
    """The server that `url` names; raises BadSetting with the forms that are understood. Empty: none is set up."""
    if url in ("", "mailbox:"):
        return MailServer(url.rstrip(":"))
    split = urlsplit(url)
    try:
        port = split.port
    except ValueError:
        raise BadSetting(f"EMAIL_URL has a port that is no number. Write it like {FORMS}.") from None
    if split.scheme not in PORTS or not split.hostname:
        raise BadSetting(f"EMAIL_URL starts with {split.scheme or url[:8]!r} or names no host. Write it like {FORMS}.")
    return MailServer(
        split.scheme,
        split.hostname,
        port or PORTS[split.scheme],
        unquote(split.username or ""),
        unquote(split.password or ""),
    )
