"""What the operator's money pages read by, and who asked for an audit."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

# The partitions, and those to come, get theirs with it.
BORNE = "CREATE INDEX billing_usagerecord_borne ON billing_usagerecord (created_at) WHERE house_nanousd > 0"


class Migration(migrations.Migration):

    dependencies = [("billing", "0017_mirror_places"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AddField(
            "auditrun",
            "asked_by",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField("auditrun", "mailed_at", models.DateTimeField(null=True)),
        migrations.AddIndex("stripeevent", models.Index(fields=["-received_at"], name="stripe_event_newest")),
        migrations.AddIndex(
            "stripeevent",
            models.Index(fields=["-received_at"], condition=Q(status="parked"), name="stripe_event_parked"),
        ),
        migrations.AddIndex(
            "transfer", models.Index(fields=["created_at"], condition=~Q(kind="usage"), name="transfer_not_usage")
        ),
        migrations.RunSQL(BORNE, "DROP INDEX billing_usagerecord_borne"),
    ]
