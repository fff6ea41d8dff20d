"""The books in SQL: see sql/0002_books.sql."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent / "sql" / "0002_books.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
