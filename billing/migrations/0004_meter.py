"""The meter in SQL: see sql/0004_meter.sql."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent / "sql" / "0004_meter.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_holds")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
