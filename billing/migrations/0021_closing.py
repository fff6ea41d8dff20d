"""What an owner chose when they began to close a workspace; it is carried out once no call runs any more.

And numbered credit notes of refunds.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):

    dependencies = [
        ("billing", "0019_desk"),
        ("accounts", "0007_closing_steps"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Closing",
            fields=[
                (
                    "workspace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="accounts.workspace",
                    ),
                ),
                ("choice", models.CharField(max_length=10)),
                ("created_at", models.DateTimeField(db_default=Now())),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CreditNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=30, unique=True)),
                ("details", models.JSONField()),
                ("created_at", models.DateTimeField(db_default=Now())),
                (
                    "refund",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="credit_note", to="billing.refund"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(
            "CREATE TRIGGER creditnote_append_only BEFORE UPDATE OR DELETE ON billing_creditnote "
            "FOR EACH ROW EXECUTE FUNCTION xr_refuse_change();"
            "CREATE TRIGGER creditnote_no_truncate BEFORE TRUNCATE ON billing_creditnote "
            "FOR EACH STATEMENT EXECUTE FUNCTION xr_refuse_change();",
            migrations.RunSQL.noop,
        ),
    ]
