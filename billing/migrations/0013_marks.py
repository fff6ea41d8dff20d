"""Pages whose cost does not grow with history: marks of balances, totals of keys, and the indexes they are read by."""

from pathlib import Path

import django.db.models.functions.datetime
from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models
from django.db.models import Q, deletion

SQL = (Path(__file__).parent / "sql" / "0013_marks.sql").read_text()


def account(related_name):
    return models.ForeignKey("billing.creditaccount", deletion.PROTECT, related_name=related_name, db_index=False)


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_keys_of_their_own")]
    operations = [
        migrations.CreateModel(
            name="BalanceMark",
            fields=[
                ("pk", models.CompositePrimaryKey("account_id", "transfer_id", blank=True, editable=False, primary_key=True, serialize=False)),
                ("account_id", models.BigIntegerField()),
                ("transfer_id", models.BigIntegerField()),
                ("balance", models.BigIntegerField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="KeyTotal",
            fields=[
                ("key_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("requests", models.BigIntegerField()),
                ("cost_nanousd", models.BigIntegerField()),
                ("last_bucket", models.DateTimeField()),
            ],
        ),
        migrations.AddIndex("transfer", models.Index(fields=["debit_account", "id"], include=["amount"], name="transfer_out")),
        migrations.AddIndex("transfer", models.Index(fields=["debit_account", "id"], include=["amount"], condition=~Q(kind="usage"), name="transfer_out_other")),
        migrations.AddIndex("transfer", models.Index(fields=["credit_account", "id"], include=["amount"], condition=~Q(kind="usage"), name="transfer_in")),
        migrations.AlterField("transfer", "credit_account", account("credits")),
        migrations.AlterField("transfer", "debit_account", account("debits")),
        migrations.AddIndex("usagerollup", BrinIndex(fields=["bucket"], name="usage_rollup_time", pages_per_range=16, autosummarize=True)),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
