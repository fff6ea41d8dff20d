"""The holds in SQL: see sql/0003_holds.sql."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent / "sql" / "0003_holds.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_books")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
