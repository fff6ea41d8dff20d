"""No partition of records, nor the books' stamp, can be emptied. Also brings xr_hold up to date."""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).parent / "sql"
SQL = (FOLDER / "0005_guards.sql").read_text() + (FOLDER / "0003_holds.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_meter")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
