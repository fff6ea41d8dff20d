"""A generation's record knows the provider's own price, the margin on it, whose account it was, and the route taken.

Records of before have 0: what the house paid for them is not known to the cent. Brings xr_meter_commit up to date
(a batch spooled before lacks the new facts, and is taken all the same).
"""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).parent / "sql"
COLUMNS = """
ALTER TABLE billing_usagerecord
  ADD COLUMN list_nanousd bigint NOT NULL DEFAULT 0 CHECK (list_nanousd >= 0),
  ADD COLUMN margin_bp integer NOT NULL DEFAULT 0 CHECK (margin_bp >= 0),
  ADD COLUMN byok boolean NOT NULL DEFAULT false,
  ADD COLUMN route jsonb NOT NULL DEFAULT '{}';
"""
DROP = """
ALTER TABLE billing_usagerecord
  DROP COLUMN list_nanousd, DROP COLUMN margin_bp, DROP COLUMN byok, DROP COLUMN route;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0022_auto_capped")]
    operations = [
        migrations.RunSQL(COLUMNS, DROP),
        migrations.RunSQL((FOLDER / "0004_meter.sql").read_text(), migrations.RunSQL.noop),
    ]
