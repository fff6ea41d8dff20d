"""What the data files said of each row last; when a provider withdraws a model; where it says what it keeps."""

from django.db import migrations, models
from django.db.models import Value


def remembered() -> models.JSONField:
    return models.JSONField(db_default=Value({}, models.JSONField()), default=dict, editable=False)


class Migration(migrations.Migration):

    dependencies = [
        ("routing", "0003_margins_and_own_accounts"),
    ]

    operations = [
        migrations.AddField("provider", "loaded", remembered()),
        migrations.AddField("model", "loaded", remembered()),
        migrations.AddField("endpoint", "loaded", remembered()),
        migrations.AddField("endpoint", "deprecates_at", models.DateField(blank=True, null=True)),
        migrations.AddField(
            "provider", "data_policy_source", models.CharField(blank=True, db_default="", default="", max_length=300)
        ),
    ]
