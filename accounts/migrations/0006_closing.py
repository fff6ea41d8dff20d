"""A workspace can be closed."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("accounts", "0005_key_once_a_form")]

    operations = [
        migrations.AddField("workspace", "closed_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddIndex(
            "workspace",
            models.Index(fields=["-closed_at"], condition=models.Q(closed_at__isnull=False), name="workspace_closed"),
        ),
    ]
