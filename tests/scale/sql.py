"""Usage in bulk, made inside PostgreSQL: consistent books, as the meter would have left them.

Written as the superuser without triggers and foreign keys; the audit proves afterwards that they are right.
Workspaces, keys and endpoints are drawn by Zipf's law; calls come by day more than by night.
"""

PEOPLE = """
INSERT INTO accounts_workspace (id, name) SELECT n, 'workspace ' || n FROM generate_series(1, %(workspaces)s) n;
INSERT INTO billing_creditaccount (id, workspace_id)
SELECT 1000 + n, n FROM generate_series(1, %(workspaces)s) n;
INSERT INTO accounts_apikey (id, workspace_id, name, label, limit_nanousd, limit_reset, allowed_models, allowed_cidrs)
SELECT n, 1 + (n - 1) %% %(workspaces)s, 'key ' || n, 'xr-v1-' || n, CASE WHEN n %% 2 = 0 THEN 1000000000000000 END,
       'monthly', '{}', '{}'
  FROM generate_series(1, %(keys)s) n;
CREATE UNLOGGED TABLE scale_endpoint AS
SELECT n AS id, 'author-' || n %% 20 || '/model-' || n / 3 AS model, 'provider-' || n %% 3 AS provider,
       (50 + n * 37 %% 3000)::bigint AS input, (200 + n * 91 %% 15000)::bigint AS output
  FROM generate_series(1, %(endpoints)s) n;
CREATE UNLOGGED TABLE scale_account (account bigint PRIMARY KEY, posted bigint NOT NULL, paid bigint NOT NULL)
"""
# One chunk: `batches` batches of about `size` records between two moments.
CALLS = """
CREATE TEMP TABLE scale_batch ON COMMIT DROP AS
SELECT gen_random_uuid() AS id, at, 1 + floor(random() * (2 * %(size)s - 1))::int AS records
  FROM (SELECT %(since)s::timestamptz + (%(until)s::timestamptz - %(since)s::timestamptz)
               * ((n + sin(n * 2 * pi() * %(days)s / %(batches)s) * %(batches)s / %(days)s * 0.12) / %(batches)s) AS at
          FROM generate_series(1, %(batches)s) n) t;
CREATE TEMP TABLE scale_call ON COMMIT DROP AS
SELECT b.id AS batch_id, d.workspace, d.workspace + %(workspaces)s * (d.key - 1) AS key_id,
       date_trunc('milliseconds', b.at - random() * interval '1 second') AS created_at, e.id AS endpoint_id, e.model,
       e.provider, e.input, e.output, CASE WHEN d.fate < 0.96 THEN 'reported' WHEN d.fate < 0.98 THEN 'estimated'
                                           ELSE 'not_charged' END AS basis,
       exp(3 + d.long * 7)::bigint AS prompt, exp(2 + d.wide * 6)::bigint AS completion
  FROM scale_batch b
 CROSS JOIN LATERAL (
   SELECT floor(exp(random() * ln(%(workspaces)s + 1)))::bigint AS workspace,
          floor(exp(random() * ln(%(keys)s / %(workspaces)s + 1)))::bigint AS key,
          floor(exp(random() * ln(%(endpoints)s + 1)))::int AS endpoint, random() AS fate, random() AS long,
          random() AS wide
     FROM generate_series(1, b.records)) d
  JOIN scale_endpoint e ON e.id = least(d.endpoint, %(endpoints)s);
CREATE TEMP TABLE scale_cost ON COMMIT DROP AS
SELECT *, CASE WHEN basis = 'not_charged' THEN 0 ELSE prompt * input + completion * output END AS cost,
       CASE WHEN key_id %% 2 = 0 THEN date_trunc('month', created_at AT TIME ZONE 'UTC')::date END AS period
  FROM scale_call;
INSERT INTO billing_usagerecord
SELECT created_at, overlay(replace(gen_random_uuid()::text, '-', '') PLACING
         lpad(to_hex(round(extract(epoch FROM created_at) * 1000)::bigint), 12, '0') || '7' FROM 1 FOR 13)::uuid,
       batch_id, %(worker)s, workspace, 1000 + workspace, key_id, period, 'req-' || md5(created_at::text),
       'chatcmpl-' || md5(batch_id::text || prompt), model, provider, endpoint_id, endpoint_id, random() < 0.6, false,
       false, basis, CASE basis WHEN 'reported' THEN '' WHEN 'estimated' THEN 'client_left' ELSE 'upstream_error' END,
       CASE WHEN basis = 'not_charged' THEN '' ELSE 'stop' END, prompt,
       CASE WHEN basis = 'not_charged' THEN 0 ELSE completion END, prompt / 3, 0, completion / 5, cost, 0, 0,
       (200 + completion * 10 %% 60000)::int, 150, '[]'
  FROM scale_cost;
INSERT INTO billing_meterbatch (id, worker_id, records, cost_nanousd, created_at)
SELECT b.id, %(worker)s, b.records, sum(c.cost), b.at FROM scale_batch b JOIN scale_cost c ON c.batch_id = b.id
 GROUP BY b.id, b.records, b.at ORDER BY b.at;
INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key, batch_id, created_at)
SELECT 1000 + workspace, %(revenue)s, sum(cost), 'usage', 'batch:' || c.batch_id || ':' || 1000 + workspace,
       c.batch_id, b.at
  FROM scale_cost c JOIN scale_batch b ON b.id = c.batch_id
 GROUP BY c.batch_id, workspace, b.at HAVING sum(cost) > 0 ORDER BY b.at, workspace;
INSERT INTO billing_keyperiod AS p (key_id, period_start, posted)
SELECT key_id, period, sum(cost) FROM scale_cost WHERE period IS NOT NULL GROUP BY 1, 2
    ON CONFLICT (key_id, period_start) DO UPDATE SET posted = p.posted + excluded.posted;
INSERT INTO scale_account AS a SELECT 1000 + workspace, -sum(cost), 0 FROM scale_cost GROUP BY 1
    ON CONFLICT (account) DO UPDATE SET posted = a.posted + excluded.posted
"""
# Every workspace pays in, the busier the more; a few are given something.
DEPOSITS = """
WITH paid AS (
  INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, reference, idempotency_key,
                                created_at)
  SELECT %(bank)s, 1000 + n, (%(nanousd)s / n / 1000000 + 1) * 1000000, 'deposit', 'invoice',
         'scale:' || %(at)s::text || ':' || n, %(at)s::timestamptz FROM generate_series(1, %(workspaces)s) n
  RETURNING credit_account_id, amount)
INSERT INTO scale_account AS a SELECT credit_account_id, amount, amount FROM paid
    ON CONFLICT (account) DO UPDATE SET posted = a.posted + excluded.posted, paid = a.paid + excluded.paid
"""
BALANCES = """
UPDATE billing_creditaccount c SET posted = a.posted, paid_in = a.paid FROM scale_account a WHERE a.account = c.id;
DROP TABLE scale_account; DROP TABLE scale_endpoint
"""
PARTITION = """
SELECT format('CREATE TABLE IF NOT EXISTS %%I PARTITION OF billing_usagerecord FOR VALUES FROM (%%L) TO (%%L)',
              'billing_usagerecord_' || to_char(month, 'YYYY_MM'), month::text || ' 00:00:00+00',
              (month + interval '1 month')::date || ' 00:00:00+00')
  FROM (SELECT generate_series(%(since)s::date, now() - interval '2 months', '1 month')::date AS month) m
"""
