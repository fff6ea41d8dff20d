"""Accounts, what is reserved of them, and what keys have spent."""

CHECKS: dict[str, str] = {
    "posted balance is not the sum of transfers": """
        SELECT format('account %s: posted %s, transfers %s', a.id, a.posted, s.sum)
          FROM billing_creditaccount a
          LEFT JOIN (SELECT account_id, sum(signed) AS sum FROM billing_transfer
                      CROSS JOIN LATERAL (VALUES (credit_account_id, amount), (debit_account_id, -amount))
                              AS side (account_id, signed) GROUP BY 1) t ON t.account_id = a.id
          CROSS JOIN LATERAL (SELECT coalesce(t.sum, 0) AS sum) s
         WHERE a.house IS NULL AND a.posted <> s.sum""",
    "a mark of a balance is not the sum of transfers": """
        SELECT format('account %s: %s after transfer %s, transfers since the mark before %s', account_id, balance,
                      transfer_id, s.sum)
          FROM (SELECT *, lag(transfer_id, 1, 0) OVER marks AS since, lag(balance, 1, 0) OVER marks AS before
                  FROM billing_balancemark
                WINDOW marks AS (PARTITION BY account_id ORDER BY transfer_id)) m
         CROSS JOIN LATERAL (
           SELECT coalesce((SELECT sum(amount) FROM billing_transfer WHERE credit_account_id = m.account_id
                               AND kind <> 'usage' AND id > m.since AND id <= m.transfer_id), 0)
                - coalesce((SELECT sum(amount) FROM billing_transfer WHERE debit_account_id = m.account_id
                               AND id > m.since AND id <= m.transfer_id), 0) AS sum) s
         WHERE m.balance - m.before <> s.sum""",
    "reserved is not the sum of reservations": """
        SELECT format('account %s: reserved %s, reservations %s', coalesce(a.id, r.account_id), a.reserved, r.sum)
          FROM billing_creditaccount a
          FULL JOIN (SELECT account_id, sum(amount) AS sum FROM billing_reservation GROUP BY 1) r
            ON r.account_id = a.id
         WHERE coalesce(a.reserved, 0) <> coalesce(r.sum, 0)""",
    "exposed is not the sum of exposures": """
        SELECT format('account %s: exposed %s, reservations %s', coalesce(a.id, r.account_id), a.exposed, r.sum)
          FROM billing_creditaccount a
          FULL JOIN (SELECT account_id, sum(exposure) AS sum FROM billing_reservation GROUP BY 1) r
            ON r.account_id = a.id
         WHERE coalesce(a.exposed, 0) <> coalesce(r.sum, 0)""",
    "what was paid in is not the sum of its transfers": """
        SELECT format('account %s: paid in %s, transfers %s', a.id, a.paid_in, s.sum)
          FROM billing_creditaccount a
          CROSS JOIN LATERAL (
            SELECT coalesce((SELECT sum(amount) FROM billing_transfer WHERE credit_account_id = a.id AND kind IN
                             ('deposit', 'top_up', 'refund', 'dispute')), 0)
                 - coalesce((SELECT sum(amount) FROM billing_transfer WHERE debit_account_id = a.id AND kind IN
                             ('deposit', 'top_up', 'refund', 'dispute')), 0) AS sum) s
         WHERE a.house IS NULL AND a.paid_in <> s.sum""",
    "a reservation outlives its worker": """
        SELECT format('worker %s (%s) holds %s of account %s', r.worker_id, coalesce(w.state, 'unknown'), r.amount,
                      r.account_id)
          FROM billing_reservation r LEFT JOIN billing_worker w ON w.id = r.worker_id
         WHERE w.state IS DISTINCT FROM 'live'""",
    "a key's period does not hold what its reservations say": """
        SELECT format('key %s from %s: reserved %s, reservations %s', key_id, period_start, p.reserved, r.sum)
          FROM billing_keyperiod p
          FULL JOIN (SELECT key_id, period_start, sum(amount) AS sum FROM billing_keyreservation GROUP BY 1, 2) r
         USING (key_id, period_start)
         WHERE coalesce(p.reserved, 0) <> coalesce(r.sum, 0)""",
    "a key's period does not hold what its records cost": """
        SELECT format('key %s from %s: posted %s, records %s', key_id, period_start, p.posted, r.sum)
          FROM billing_keyperiod p
          FULL JOIN (SELECT key_id, period_start, sum(cost) AS sum FROM xr_by_period
                      WHERE key_id IS NOT NULL GROUP BY 1, 2) r USING (key_id, period_start)
         WHERE coalesce(p.posted, 0) <> coalesce(r.sum, 0)""",
}
