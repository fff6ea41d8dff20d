-- Triggers of statements are not inherited: each partition needs its own against TRUNCATE.
CREATE OR REPLACE FUNCTION xr_guard_partitions() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  part regclass;
BEGIN
  FOR part IN
    SELECT i.inhrelid::regclass FROM pg_inherits i
     WHERE i.inhparent = 'billing_usagerecord'::regclass
       AND NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = i.inhrelid AND t.tgname = 'usage_no_truncate')
  LOOP
    EXECUTE format('CREATE TRIGGER usage_no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT '
                   'EXECUTE FUNCTION xr_refuse_change()', part);
  END LOOP;
END $$;
SELECT xr_guard_partitions();
CREATE TRIGGER books_no_truncate BEFORE TRUNCATE ON billing_books
  FOR EACH STATEMENT EXECUTE FUNCTION xr_refuse_change();

CREATE OR REPLACE FUNCTION xr_ensure_partitions(ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  month date := (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month')::date;
  name text;
  made integer := 0;
BEGIN
  FOR i IN 0..ahead + 1 LOOP
    name := 'billing_usagerecord_' || to_char(month, 'YYYY_MM');
    IF to_regclass(name) IS NULL THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF billing_usagerecord FOR VALUES FROM (%L) TO (%L)', name,
                     month::text || ' 00:00:00+00', ((month + interval '1 month')::date)::text || ' 00:00:00+00');
      made := made + 1;
    END IF;
    month := (month + interval '1 month')::date;
  END LOOP;
  PERFORM xr_guard_partitions();
  RETURN made;
END $$;
