"""The outbox: a mail is stored with what caused it, and sent from here, so that no mail server can fail a request."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class OutgoingMail(models.Model):
    """One mail to one address. It is due at `next_try_at` until it is sent, or given up with its last error."""

    to_email = models.EmailField(max_length=254)
    from_email = models.CharField(max_length=300)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    next_try_at = models.DateTimeField(db_default=Now(), null=True)
    attempts = models.IntegerField(default=0, db_default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, default="", db_default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["next_try_at"], condition=Q(sent_at__isnull=True, given_up_at__isnull=True), name="mail_due"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.to_email}"
