"""xr_hold locks accounts before the periods of keys, as the meter does."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent / "sql" / "0003_holds.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_account_of_workspace")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
