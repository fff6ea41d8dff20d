"""A key's own generations are found by index, however rarely it is used."""

from django.db import migrations

SQL = "CREATE INDEX billing_usagerecord_key ON billing_usagerecord (key_id, created_at DESC)"


class Migration(migrations.Migration):
    dependencies = [("billing", "0013_marks")]
    operations = [migrations.RunSQL(SQL, "DROP INDEX billing_usagerecord_key")]
