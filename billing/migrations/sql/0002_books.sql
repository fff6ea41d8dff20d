-- Append-only: nobody, the owner included, changes a transfer, a record or a batch's sums.
CREATE FUNCTION xr_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TABLE billing_usagerecord (
  created_at timestamptz NOT NULL,
  id uuid NOT NULL,
  batch_id uuid NOT NULL,
  worker_id uuid NOT NULL,
  workspace_id bigint NOT NULL,
  account_id bigint NOT NULL,
  key_id bigint NOT NULL,
  period_start date,
  request_id varchar(100) NOT NULL,
  upstream_id varchar(200) NOT NULL,
  model varchar(200) NOT NULL,
  provider varchar(100) NOT NULL,
  endpoint_id bigint NOT NULL,
  price_id bigint NOT NULL,
  streamed boolean NOT NULL,
  cancelled boolean NOT NULL,
  late boolean NOT NULL,
  basis varchar(20) NOT NULL CHECK (basis IN ('reported', 'estimated', 'not_charged')),
  reason varchar(60) NOT NULL,
  finish_reason varchar(60) NOT NULL,
  prompt_tokens bigint NOT NULL CHECK (prompt_tokens >= 0),
  completion_tokens bigint NOT NULL CHECK (completion_tokens >= 0),
  cached_tokens bigint NOT NULL CHECK (cached_tokens >= 0),
  cache_write_tokens bigint NOT NULL CHECK (cache_write_tokens >= 0),
  reasoning_tokens bigint NOT NULL CHECK (reasoning_tokens >= 0),
  cost_nanousd bigint NOT NULL CHECK (cost_nanousd >= 0 AND (cost_nanousd = 0 OR basis <> 'not_charged')),
  house_nanousd bigint NOT NULL CHECK (house_nanousd >= 0),
  held_nanousd bigint NOT NULL CHECK (held_nanousd >= 0 AND held_nanousd <= cost_nanousd),
  latency_ms integer NOT NULL,
  first_byte_ms integer NOT NULL,
  attempts jsonb NOT NULL,
  PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
CREATE INDEX billing_usagerecord_workspace ON billing_usagerecord (workspace_id, created_at DESC);
CREATE INDEX billing_usagerecord_batch ON billing_usagerecord (batch_id);
CREATE TABLE billing_usagerecord_default PARTITION OF billing_usagerecord DEFAULT;

-- Partitions stand for the months from one before to `ahead` after now. Only the owner can make them.
CREATE FUNCTION xr_ensure_partitions(ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
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
  RETURN made;
END $$;
SELECT xr_ensure_partitions(3);

CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE ON billing_transfer
  FOR EACH ROW EXECUTE FUNCTION xr_refuse_change();
CREATE TRIGGER transfer_no_truncate BEFORE TRUNCATE ON billing_transfer
  FOR EACH STATEMENT EXECUTE FUNCTION xr_refuse_change();
CREATE TRIGGER usage_append_only BEFORE UPDATE OR DELETE ON billing_usagerecord
  FOR EACH ROW EXECUTE FUNCTION xr_refuse_change();
CREATE TRIGGER usage_no_truncate BEFORE TRUNCATE ON billing_usagerecord
  FOR EACH STATEMENT EXECUTE FUNCTION xr_refuse_change();
CREATE TRIGGER books_append_only BEFORE UPDATE OR DELETE ON billing_books
  FOR EACH ROW EXECUTE FUNCTION xr_refuse_change();

INSERT INTO billing_creditaccount (id, house)
SELECT n, code FROM unnest(ARRAY['bank', 'stripe_clearing', 'processing_fees', 'tax_payable', 'disputes', 'revenue',
                                 'promotions', 'refunds', 'write_offs']) WITH ORDINALITY AS h(code, n);
SELECT setval(pg_get_serial_sequence('billing_creditaccount', 'id'), 1000);
