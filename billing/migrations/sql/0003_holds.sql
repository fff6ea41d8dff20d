-- Hold and release credit for a worker. One call is one transaction. The same (worker, seq) never runs twice:
-- a repeat answers what the first one answered, so an unknown outcome is simply asked again.
--
-- p_items, in any order: {"i": n, "account": id, "full": nano, "floor": nano, "spare": nano,
--                         "have": nano (of `full`, what the worker had free), "key": id|null, "period": date|null,
--                         "key_full": nano, "key_floor": nano, "key_have": nano,
--                         "give": nano, "give_exposure": nano, "give_key": nano}
-- An item gives back, or takes `full`, or down to `floor` with the difference as exposure, or is refused.
CREATE OR REPLACE FUNCTION xr_hold(p_worker uuid, p_seq bigint, p_overage_limit bigint, p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  w record; item record; a record; k record;
  take bigint; expose bigint; room bigint; available bigint; key_room bigint; key_take bigint; refusal text;
  results jsonb := '[]'::jsonb;
BEGIN
  SELECT state, op_seq, op_result INTO w FROM billing_worker WHERE id = p_worker FOR NO KEY UPDATE;
  IF NOT FOUND OR w.state <> 'live' THEN
    RETURN jsonb_build_object('expired', true);
  END IF;
  IF w.op_seq >= p_seq THEN
    RETURN jsonb_build_object('results', w.op_result);
  END IF;
  -- The worker, then accounts by id, then periods of keys: the order of all that touches money.
  PERFORM 1 FROM billing_creditaccount
   WHERE id IN (SELECT account FROM jsonb_to_recordset(p_items) AS x(account bigint))
   ORDER BY id FOR NO KEY UPDATE;
  PERFORM 1 FROM billing_keyperiod
   WHERE (key_id, period_start) IN (SELECT key, period FROM jsonb_to_recordset(p_items) AS x(key bigint, period date))
   ORDER BY key_id, period_start FOR NO KEY UPDATE;
  FOR item IN
    SELECT * FROM jsonb_to_recordset(p_items) AS x(
      i integer, account bigint, "full" bigint, floor bigint, spare bigint, key bigint, period date,
      have bigint, key_full bigint, key_floor bigint, key_have bigint, give bigint, give_exposure bigint, give_key bigint)
    ORDER BY account NULLS LAST, key NULLS FIRST, period, i NULLS FIRST  -- what goes back can be taken again
  LOOP
    IF least(item.give, item.give_exposure, item.give_key) < 0 THEN
      RAISE EXCEPTION 'a release is never negative' USING ERRCODE = 'check_violation';
    END IF;
    IF coalesce(item.give, 0) > 0 OR coalesce(item.give_exposure, 0) > 0 THEN
      UPDATE billing_creditaccount SET reserved = reserved - item.give, exposed = exposed - item.give_exposure
       WHERE id = item.account;
      UPDATE billing_reservation SET amount = amount - item.give, exposure = exposure - item.give_exposure
       WHERE worker_id = p_worker AND account_id = item.account;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'release without a reservation' USING ERRCODE = 'check_violation';
      END IF;
      DELETE FROM billing_reservation
       WHERE worker_id = p_worker AND account_id = item.account AND amount = 0 AND exposure = 0;
    END IF;
    IF coalesce(item.give_key, 0) > 0 THEN
      UPDATE billing_keyperiod SET reserved = reserved - item.give_key
       WHERE key_id = item.key AND period_start = item.period;
      UPDATE billing_keyreservation SET amount = amount - item.give_key
       WHERE worker_id = p_worker AND key_id = item.key AND period_start = item.period;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'release without a reservation' USING ERRCODE = 'check_violation';
      END IF;
      DELETE FROM billing_keyreservation
       WHERE worker_id = p_worker AND key_id = item.key AND period_start = item.period AND amount = 0;
    END IF;
    CONTINUE WHEN item."full" IS NULL;

    refusal := NULL; expose := 0; key_take := 0; key_room := NULL;
    SELECT posted, reserved, exposed, paid_in INTO a FROM billing_creditaccount
     WHERE id = item.account FOR NO KEY UPDATE;
    available := a.posted - a.reserved;
    IF available >= item."full" THEN
      take := item."full" + greatest(0, least(item.spare, (available - item."full") / 8));
    ELSE
      room := greatest(0, least(p_overage_limit, a.paid_in / 10) - a.exposed);
      take := greatest(item.floor, item."full" - room);
      expose := item."full" - take;
      IF available < take THEN
        refusal := CASE WHEN a.posted < take + item.have THEN 'credits' ELSE 'held' END;
      END IF;
    END IF;
    IF refusal IS NULL AND item.key IS NOT NULL THEN
      INSERT INTO billing_keyperiod (key_id, period_start) VALUES (item.key, item.period) ON CONFLICT DO NOTHING;
      SELECT p.posted, p.reserved, l.limit_nanousd INTO k
        FROM billing_keyperiod p JOIN accounts_apikey l ON l.id = p.key_id
       WHERE p.key_id = item.key AND p.period_start = item.period FOR NO KEY UPDATE OF p;
      key_room := coalesce(k.limit_nanousd, 9223372036854775807) - k.posted - k.reserved;
      key_take := CASE WHEN expose > 0 THEN item.key_floor ELSE item.key_full END;
      IF key_room >= item.key_full THEN
        key_take := item.key_full + greatest(0, least(item.spare, (key_room - item.key_full) / 8));
      ELSIF key_room < key_take THEN
        refusal := CASE WHEN k.limit_nanousd - k.posted < key_take + item.key_have THEN 'key_limit' ELSE 'held' END;
      END IF;
    END IF;

    IF refusal IS NOT NULL THEN
      results := results || jsonb_build_object(
        'i', item.i, 'refused', refusal, 'available', available, 'posted', a.posted,
        'key_left', CASE WHEN refusal IN ('key_limit', 'held') AND item.key IS NOT NULL THEN key_room END);
      CONTINUE;
    END IF;
    UPDATE billing_creditaccount SET reserved = reserved + take, exposed = exposed + expose
     WHERE id = item.account AND posted - reserved >= take;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'guard failed under lock' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO billing_reservation (worker_id, account_id, amount, exposure)
    VALUES (p_worker, item.account, take, expose)
    ON CONFLICT (worker_id, account_id) DO UPDATE
      SET amount = billing_reservation.amount + excluded.amount,
          exposure = billing_reservation.exposure + excluded.exposure;
    IF item.key IS NOT NULL THEN
      UPDATE billing_keyperiod p SET reserved = p.reserved + key_take FROM accounts_apikey l
       WHERE p.key_id = item.key AND p.period_start = item.period AND l.id = p.key_id
         AND (l.limit_nanousd IS NULL OR p.posted + p.reserved + key_take <= l.limit_nanousd);
      IF NOT FOUND THEN
        RAISE EXCEPTION 'guard failed under lock' USING ERRCODE = 'check_violation';
      END IF;
      INSERT INTO billing_keyreservation (worker_id, key_id, period_start, amount)
      VALUES (p_worker, item.key, item.period, key_take)
      ON CONFLICT (worker_id, key_id, period_start) DO UPDATE
        SET amount = billing_keyreservation.amount + excluded.amount;
    END IF;
    results := results || jsonb_build_object('i', item.i, 'take', take, 'expose', expose, 'key_take', key_take);
  END LOOP;
  UPDATE billing_worker SET op_seq = p_seq, op_result = results WHERE id = p_worker;
  RETURN jsonb_build_object('results', results);
END $$;

-- End a worker: all it holds goes back. With p_beat only if it has not renewed since that beat was read.
CREATE OR REPLACE FUNCTION xr_end_worker(p_worker uuid, p_beat bigint, p_state text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM billing_worker WHERE id = p_worker AND state = 'live' AND (p_beat IS NULL OR beat = p_beat)
     FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM 1 FROM billing_creditaccount
   WHERE id IN (SELECT account_id FROM billing_reservation WHERE worker_id = p_worker)
   ORDER BY id FOR NO KEY UPDATE;
  UPDATE billing_creditaccount c SET reserved = c.reserved - r.amount, exposed = c.exposed - r.exposure
    FROM billing_reservation r WHERE r.worker_id = p_worker AND r.account_id = c.id;
  PERFORM 1 FROM billing_keyperiod p JOIN billing_keyreservation r USING (key_id, period_start)
   WHERE r.worker_id = p_worker ORDER BY p.key_id, p.period_start FOR NO KEY UPDATE OF p;
  UPDATE billing_keyperiod p SET reserved = p.reserved - r.amount
    FROM billing_keyreservation r
   WHERE r.worker_id = p_worker AND r.key_id = p.key_id AND r.period_start = p.period_start;
  DELETE FROM billing_reservation WHERE worker_id = p_worker;
  DELETE FROM billing_keyreservation WHERE worker_id = p_worker;
  UPDATE billing_worker SET state = p_state WHERE id = p_worker;
  RETURN true;
END $$;
