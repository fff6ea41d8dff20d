"""Every workspace has a credit account from its first moment."""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).parent / "sql"
SQL = (FOLDER / "0006_account_of_workspace.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_guards")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
