"""Batches of the meter, their records, and the sums made of them."""

from billing.audit.scan import MOMENT

CHECKS: dict[str, str] = {
    "a batch's records are not its transfers": """
        SELECT format('batch %s account %s: records %s, transfer %s', coalesce(r.batch_id, t.batch_id),
                      coalesce(r.account_id, t.debit_account_id), r.cost, t.amount)
          FROM (SELECT batch_id, account_id, sum(cost) AS cost FROM xr_by_batch
                 GROUP BY 1, 2 HAVING sum(cost) > 0) r
          FULL JOIN (SELECT batch_id, debit_account_id, sum(amount) AS amount FROM billing_transfer
                      WHERE kind = 'usage' GROUP BY 1, 2) t
            ON t.batch_id = r.batch_id AND t.debit_account_id = r.account_id
         WHERE r.cost IS DISTINCT FROM t.amount""",
    "a batch does not hold the records it says": """
        SELECT format('batch %s: says %s records and %s, has %s and %s', b.id, b.records, b.cost_nanousd,
                      coalesce(r.records, 0), coalesce(r.cost, 0))
          FROM billing_meterbatch b
          LEFT JOIN (SELECT batch_id, sum(records) AS records, sum(cost) AS cost FROM xr_by_batch GROUP BY 1) r
            ON r.batch_id = b.id
         WHERE b.records <> coalesce(r.records, 0) OR b.cost_nanousd <> coalesce(r.cost, 0)""",
    "a record belongs to no batch": """
        SELECT format('record %s: batch %s', r.id, r.batch_id)
          FROM (SELECT DISTINCT batch_id FROM xr_by_batch EXCEPT SELECT id FROM billing_meterbatch) s
          JOIN billing_usagerecord r USING (batch_id)""",
    "a generation is booked twice": f"""
        SELECT format('generation %s: %s records', s.id, s.records + r.records)
          FROM (SELECT stray_id AS id, sum(records) AS records FROM xr_strayed WHERE stray_id IS NOT NULL GROUP BY 1) s
         CROSS JOIN LATERAL (SELECT count(*) AS records FROM billing_usagerecord
                              WHERE created_at = {MOMENT.format(id="s.id")} AND id = s.id) r
         WHERE s.records + r.records > 1""",  # noqa: S608
    "rollups are not the sum of rolled-up records": """
        SELECT format('workspace %s: rollups %s requests at %s, records %s at %s', workspace_id, u.requests, u.cost,
                      r.requests, r.cost)
          FROM (SELECT workspace_id, sum(requests) AS requests, sum(cost_nanousd) AS cost FROM billing_usagerollup
                 GROUP BY 1) u
          FULL JOIN (SELECT x.workspace_id, sum(x.records) AS requests, sum(x.cost) AS cost
                       FROM xr_by_batch x JOIN billing_meterbatch b ON b.id = x.batch_id AND b.rolled_up
                      GROUP BY 1) r USING (workspace_id)
         WHERE u.requests IS DISTINCT FROM r.requests OR u.cost IS DISTINCT FROM r.cost""",
    "a key's total is not the sum of its rollups": """
        SELECT format('key %s: total %s requests at %s, rollups %s at %s', key_id, t.requests, t.cost_nanousd,
                      u.requests, u.cost)
          FROM billing_keytotal t
          FULL JOIN (SELECT key_id, sum(requests) AS requests, sum(cost_nanousd) AS cost, max(bucket) AS bucket
                       FROM billing_usagerollup GROUP BY 1) u USING (key_id)
         WHERE t.requests IS DISTINCT FROM u.requests OR t.cost_nanousd IS DISTINCT FROM u.cost
            OR t.last_bucket IS DISTINCT FROM u.bucket""",
    "records stand in the default partition": """
        SELECT format('record %s of %s', id, created_at) FROM billing_usagerecord_default""",
    "usage was rejected and is not settled": """
        SELECT format('record %s: %s', id, left(error, 200)) FROM billing_rejectedusage WHERE settled_at IS NULL""",
}
