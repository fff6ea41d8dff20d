-- Commit a batch of finished generations, exactly once: records, one transfer per account, balances, what was
-- held, key periods. A worker whose lease was lost is charged in full, flagged late, and `reserved` stays as it is.
CREATE OR REPLACE FUNCTION xr_meter_commit(p_batch uuid, p_worker uuid, p_records jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  live boolean;
  revenue bigint;
  missing integer;
BEGIN
  SELECT state = 'live' INTO live FROM billing_worker WHERE id = p_worker FOR KEY SHARE;
  live := coalesce(live, false);
  INSERT INTO billing_meterbatch (id, worker_id, records, cost_nanousd)
  SELECT p_batch, p_worker, count(*), coalesce(sum(cost), 0) FROM jsonb_to_recordset(p_records) AS x(cost bigint)
  ON CONFLICT (id) DO NOTHING;
  IF NOT FOUND THEN
    RETURN 'duplicate';
  END IF;

  INSERT INTO billing_usagerecord (
    created_at, id, batch_id, worker_id, workspace_id, account_id, key_id, period_start, request_id, upstream_id,
    model, provider, endpoint_id, price_id, streamed, cancelled, late, basis, reason,
    finish_reason, prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, cost_nanousd,
    house_nanousd, held_nanousd, latency_ms, first_byte_ms, attempts, list_nanousd,
    margin_bp, byok, route)
  SELECT r.created_at, r.id, p_batch, p_worker, r.workspace, r.account, r.key, r.period, r.request_id, r.upstream_id,
         r.model, r.provider, r.endpoint, r.price, r.streamed, r.cancelled, NOT live, r.basis, r.reason,
         r.finish_reason, r.prompt, r.completion, r.cached, r.cache_write, r.reasoning, r.cost, r.house,
         CASE WHEN live THEN r.held ELSE 0 END, r.latency_ms, r.first_byte_ms, r.attempts,
         coalesce(r.list_cost, 0), coalesce(r.margin_bp, 0), coalesce(r.byok, false), coalesce(r.route, '{}')
    FROM jsonb_to_recordset(p_records) AS r(
      created_at timestamptz, id uuid, workspace bigint, account bigint, key bigint, period date, request_id text,
      upstream_id text, model text, provider text, endpoint bigint, price bigint, streamed boolean, cancelled boolean,
      basis text, reason text, finish_reason text, prompt bigint, completion bigint, cached bigint, cache_write bigint,
      reasoning bigint, cost bigint, house bigint, held bigint, latency_ms integer, first_byte_ms integer,
      attempts jsonb, list_cost bigint, margin_bp integer, byok boolean, route jsonb);

  SELECT id INTO revenue FROM billing_creditaccount WHERE house = 'revenue';
  PERFORM 1 FROM billing_creditaccount
   WHERE id IN (SELECT account FROM jsonb_to_recordset(p_records) AS x(account bigint, cost bigint) WHERE cost > 0)
   ORDER BY id FOR NO KEY UPDATE;
  INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, reference, idempotency_key, batch_id)
  SELECT account, revenue, sum(cost), 'usage', '', 'batch:' || p_batch || ':' || account, p_batch
    FROM jsonb_to_recordset(p_records) AS x(account bigint, cost bigint)
   GROUP BY account HAVING sum(cost) > 0 ORDER BY account;
  UPDATE billing_creditaccount c SET posted = c.posted - s.cost, reserved = c.reserved - s.held
    FROM (SELECT account, sum(cost) AS cost, CASE WHEN live THEN sum(held) ELSE 0 END AS held
            FROM jsonb_to_recordset(p_records) AS x(account bigint, cost bigint, held bigint)
           GROUP BY account HAVING sum(cost) > 0) s
   WHERE c.id = s.account;

  INSERT INTO billing_keyperiod (key_id, period_start)
  SELECT DISTINCT key, period FROM jsonb_to_recordset(p_records) AS x(key bigint, period date)
   WHERE period IS NOT NULL ORDER BY key, period
  ON CONFLICT DO NOTHING;
  PERFORM 1 FROM billing_keyperiod
   WHERE (key_id, period_start) IN (SELECT key, period FROM jsonb_to_recordset(p_records) AS x(key bigint, period date)
                                     WHERE period IS NOT NULL)
   ORDER BY key_id, period_start FOR NO KEY UPDATE;
  UPDATE billing_keyperiod p SET posted = p.posted + s.cost, reserved = p.reserved - s.held
    FROM (SELECT key, period, sum(cost) AS cost, CASE WHEN live THEN sum(key_held) ELSE 0 END AS held
            FROM jsonb_to_recordset(p_records) AS x(key bigint, period date, cost bigint, key_held bigint)
           WHERE period IS NOT NULL GROUP BY key, period) s
   WHERE p.key_id = s.key AND p.period_start = s.period;

  IF live THEN
    WITH held AS (
      SELECT account, sum(held) AS held FROM jsonb_to_recordset(p_records) AS x(account bigint, held bigint)
       GROUP BY account HAVING sum(held) > 0
    ), done AS (
      UPDATE billing_reservation r SET amount = r.amount - h.held FROM held h
       WHERE r.worker_id = p_worker AND r.account_id = h.account RETURNING 1
    ) SELECT (SELECT count(*) FROM held) - (SELECT count(*) FROM done) INTO missing;
    IF missing <> 0 THEN
      RAISE EXCEPTION 'settled without a reservation' USING ERRCODE = 'check_violation';
    END IF;
    WITH held AS (
      SELECT key, period, sum(key_held) AS held
        FROM jsonb_to_recordset(p_records) AS x(key bigint, period date, key_held bigint)
       WHERE period IS NOT NULL GROUP BY key, period HAVING sum(key_held) > 0
    ), done AS (
      UPDATE billing_keyreservation r SET amount = r.amount - h.held FROM held h
       WHERE r.worker_id = p_worker AND r.key_id = h.key AND r.period_start = h.period RETURNING 1
    ) SELECT (SELECT count(*) FROM held) - (SELECT count(*) FROM done) INTO missing;
    IF missing <> 0 THEN
      RAISE EXCEPTION 'settled without a reservation of its key' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN CASE WHEN live THEN 'committed' ELSE 'late' END;
END $$;
