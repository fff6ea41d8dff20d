"""A refusal tells of no other key's room; what settles of a key without a reservation is refused.

Brings xr_hold and xr_meter_commit up to date.
"""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).parent / "sql"
SQL = (FOLDER / "0003_holds.sql").read_text() + (FOLDER / "0004_meter.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("billing", "0011_life_of_money")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
