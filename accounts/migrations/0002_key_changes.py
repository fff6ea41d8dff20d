"""Any change of a key, a secret or a workspace's suspension is noted by the database itself.

`xid` makes polling gap-safe: a worker asks for all rows of transactions that were not yet finished when it
last asked, so that a row whose number is lower but whose commit came later is never missed.
"""

from django.db import migrations

SQL = """
ALTER TABLE accounts_keychange ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX accounts_keychange_xid ON accounts_keychange (xid);
CREATE FUNCTION xr_note_key_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  one bigint;
BEGIN
  IF TG_TABLE_NAME = 'accounts_workspace' THEN
    INSERT INTO accounts_keychange (key_id) SELECT id FROM accounts_apikey WHERE workspace_id = NEW.id;
    PERFORM pg_notify('xr_key', '');
    RETURN NULL;
  END IF;
  IF TG_TABLE_NAME = 'accounts_apikeysecret' THEN
    one := CASE WHEN TG_OP = 'DELETE' THEN OLD.key_id ELSE NEW.key_id END;
  ELSE
    one := CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END;
  END IF;
  INSERT INTO accounts_keychange (key_id) VALUES (one);
  PERFORM pg_notify('xr_key', one::text);
  RETURN NULL;
END $$;
CREATE TRIGGER key_changed AFTER UPDATE OR DELETE ON accounts_apikey
  FOR EACH ROW EXECUTE FUNCTION xr_note_key_change();
CREATE TRIGGER secret_changed AFTER UPDATE OR DELETE ON accounts_apikeysecret
  FOR EACH ROW EXECUTE FUNCTION xr_note_key_change();
CREATE TRIGGER workspace_suspended AFTER UPDATE OF suspended ON accounts_workspace
  FOR EACH ROW EXECUTE FUNCTION xr_note_key_change();
"""
REVERSE = """
DROP TRIGGER workspace_suspended ON accounts_workspace;
DROP TRIGGER secret_changed ON accounts_apikeysecret;
DROP TRIGGER key_changed ON accounts_apikey;
DROP FUNCTION xr_note_key_change();
ALTER TABLE accounts_keychange DROP COLUMN xid;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(SQL, REVERSE)]
