"""A workspace that is being closed: its keys are stopped from then on, as by a suspension. Who has closed it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TRIGGER = """
DROP TRIGGER workspace_suspended ON accounts_workspace;
CREATE TRIGGER workspace_suspended AFTER UPDATE OF suspended{} ON accounts_workspace
  FOR EACH ROW EXECUTE FUNCTION xr_note_key_change();
"""


class Migration(migrations.Migration):

    dependencies = [("accounts", "0006_closing")]

    operations = [
        migrations.AddField("workspace", "closing_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "workspace",
            "closed_by",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="closed_workspaces",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunSQL(TRIGGER.format(", closing_at"), TRIGGER.format("")),
    ]
