"""Every change of the catalogue raises its version, so that workers know when to read it again."""

from django.db import migrations

SQL = """
CREATE TABLE routing_catalogueversion (id smallint PRIMARY KEY CHECK (id = 1), version bigint NOT NULL);
INSERT INTO routing_catalogueversion VALUES (1, 1);
CREATE FUNCTION xr_note_catalogue_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE routing_catalogueversion SET version = version + 1;
  PERFORM pg_notify('xr_catalogue', '');
  RETURN NULL;
END $$;
"""
TABLES = ("provider", "providercredential", "model", "endpoint", "endpointprice")
for table in TABLES:
    SQL += f"""
CREATE TRIGGER catalogue_changed AFTER INSERT OR UPDATE OR DELETE ON routing_{table}
  FOR EACH STATEMENT EXECUTE FUNCTION xr_note_catalogue_change();
"""
REVERSE = "".join(f"DROP TRIGGER catalogue_changed ON routing_{table};" for table in TABLES) + (
    "DROP FUNCTION xr_note_catalogue_change(); DROP TABLE routing_catalogueversion;"
)


class Migration(migrations.Migration):
    dependencies = [("routing", "0001_initial")]
    operations = [migrations.RunSQL(SQL, REVERSE)]
