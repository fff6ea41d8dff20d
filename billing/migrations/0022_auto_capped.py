"""When the cap of an auto top-up last stopped it, and what it was: its managers are told once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0021_closing")]

    operations = [
        migrations.AddField("autotopup", "capped_at", models.DateTimeField(null=True)),
        migrations.AddField("autotopup", "capped_cents", models.BigIntegerField(null=True)),
    ]
