"""What was paid through Stripe, what went back of it, and its receipts."""

# What moved to a house account and back again, by the refund or dispute that a transfer names.
BACK = """
            SELECT t.reference,
                   sum(CASE WHEN t.credit_account_id = h.id THEN t.amount ELSE -t.amount END)
                     FILTER (WHERE t.kind = '{kind}') AS credit,
                   sum(CASE WHEN t.credit_account_id = h.id THEN t.amount ELSE -t.amount END)
                     FILTER (WHERE t.kind = 'top_up_fee') AS fee,
                   sum(CASE WHEN t.credit_account_id = h.id THEN t.amount ELSE -t.amount END)
                     FILTER (WHERE t.kind = 'tax') AS tax
              FROM billing_transfer t
              JOIN billing_creditaccount h ON h.house = '{house}' AND h.id IN (t.debit_account_id, t.credit_account_id)
             WHERE t.reference LIKE '{kind}:%' GROUP BY t.reference"""
CHECKS: dict[str, str] = {
    "a paid payment is not in the ledger": """
        SELECT format('payment %s: credited %s, transferred %s', p.id, p.credited_nanousd, coalesce(t.amount, 0))
          FROM billing_payment p
          JOIN billing_creditaccount a ON a.workspace_id = p.workspace_id
          LEFT JOIN billing_transfer t
            ON t.idempotency_key = 'stripe:' || p.payment_intent_id AND t.credit_account_id = a.id
           AND t.kind = 'top_up' AND t.reference = 'payment:' || p.id
         WHERE p.status = 'paid' AND t.amount IS DISTINCT FROM p.credited_nanousd""",
    "a top-up belongs to no paid payment": """
        SELECT format('transfer %s: %s of %s', t.id, t.idempotency_key, t.amount)
          FROM billing_transfer t
          LEFT JOIN billing_payment p
            ON split_part(t.idempotency_key, ':', 2) = p.payment_intent_id AND p.status = 'paid'
         WHERE t.kind IN ('top_up', 'top_up_fee', 'tax') AND t.idempotency_key LIKE 'stripe:%' AND p.id IS NULL""",
    "a paid payment's parts are not its total": """
        SELECT format('payment %s: credit %s, fee %s (booked %s), tax %s (booked %s), total %s cents', p.id,
                      p.credited_nanousd, p.fee_cents, coalesce(f.amount, 0), p.tax_cents, coalesce(x.amount, 0),
                      p.total_cents)
          FROM billing_payment p
          LEFT JOIN billing_transfer f
            ON f.idempotency_key = 'stripe:' || p.payment_intent_id || ':fee' AND f.kind = 'top_up_fee'
           AND f.credit_account_id = (SELECT id FROM billing_creditaccount WHERE house = 'revenue')
          LEFT JOIN billing_transfer x
            ON x.idempotency_key = 'stripe:' || p.payment_intent_id || ':tax' AND x.kind = 'tax'
           AND x.credit_account_id = (SELECT id FROM billing_creditaccount WHERE house = 'tax_payable')
         WHERE p.status = 'paid'
           AND (coalesce(f.amount, 0) <> p.fee_cents * 10000000 OR coalesce(x.amount, 0) <> p.tax_cents * 10000000
                OR p.total_cents * 10000000 IS DISTINCT FROM p.credited_nanousd + coalesce(f.amount, 0)
                                                             + coalesce(x.amount, 0))""",
    "a payment was paid an hour ago and has no receipt": """
        SELECT format('payment %s, paid at %s', p.id, p.paid_at)
          FROM billing_payment p LEFT JOIN billing_receipt r ON r.payment_id = p.id
         WHERE p.status = 'paid' AND p.paid_at < now() - interval '1 hour' AND r.id IS NULL""",
    "receipts are not numbered one by one": """
        SELECT format('year %s: %s receipts, numbered from %s to %s', year, count(*), min(number), max(number))
          FROM (SELECT substring(number FROM 3 FOR 4) AS year, substring(number FROM 8)::bigint AS number
                  FROM billing_receipt) r
         GROUP BY year HAVING min(number) <> 1 OR max(number) <> count(*)""",
    "credit notes are not numbered one by one": """
        SELECT format('year %s: %s credit notes, numbered from %s to %s', year, count(*), min(number), max(number))
          FROM (SELECT substring(number FROM 3 FOR 4) AS year, substring(number FROM 8)::bigint AS number
                  FROM billing_creditnote) n
         GROUP BY year HAVING min(number) <> 1 OR max(number) <> count(*)""",
    "a refund is final and has no credit note": """
        SELECT format('refund %s of payment %s, ended at %s', r.id, r.payment_id, r.ended_at)
          FROM billing_refund r LEFT JOIN billing_creditnote n ON n.refund_id = r.id
         WHERE r.status = 'succeeded' AND r.ended_at IS NOT NULL AND n.id IS NULL""",
    "a refund is not in the ledger as its row says": f"""
        SELECT format('refund %s (%s): %s, transfers %s', r.id, r.status, w.credit, coalesce(t.credit, 0))
          FROM billing_refund r
          CROSS JOIN LATERAL (SELECT (r.status <> 'failed')::int AS stands) k
          CROSS JOIN LATERAL (SELECT k.stands * r.credit_nanousd AS credit, k.stands * r.fee_nanousd AS fee,
                                     k.stands * r.tax_nanousd AS tax) w
          LEFT JOIN ({BACK.format(house="refunds", kind="refund")}) t ON t.reference = 'refund:' || r.id
         WHERE (w.credit, w.fee, w.tax) IS DISTINCT FROM
               (coalesce(t.credit, 0), coalesce(t.fee, 0), coalesce(t.tax, 0))""",  # noqa: S608
    "a dispute is not in the ledger as its row says": f"""
        SELECT format('dispute %s: holds %s, transfers %s', d.id, d.held_credit_nanousd, coalesce(t.credit, 0))
          FROM billing_dispute d
          LEFT JOIN ({BACK.format(house="disputes", kind="dispute")}) t ON t.reference = 'dispute:' || d.id
         WHERE (d.held_credit_nanousd, d.held_fee_nanousd, d.held_tax_nanousd) IS DISTINCT FROM
               (coalesce(t.credit, 0), coalesce(t.fee, 0), coalesce(t.tax, 0))""",  # noqa: S608
    "a refund's or dispute's transfer belongs to no row": """
        SELECT format('transfer %s: %s of %s, reference %s', t.id, t.idempotency_key, t.amount, t.reference)
          FROM billing_transfer t
          LEFT JOIN billing_refund r ON t.reference = 'refund:' || r.id
          LEFT JOIN billing_dispute d ON t.reference = 'dispute:' || d.id
         WHERE t.kind <> 'usage' AND (t.idempotency_key ~ '^(refund|dispute):' OR t.reference ~ '^(refund|dispute):')
           AND (r.id IS NULL AND d.id IS NULL OR NOT starts_with(t.idempotency_key, t.reference || ':'))""",
    "a house account is not the sum of its rows and lines": """
        SELECT format('%s: transfers %s, rows and lines %s', h.house, t.sum, w.sum)
          FROM (
            SELECT 'refunds' AS house,
                   (SELECT coalesce(sum(amount_cents), 0) FROM billing_refund WHERE status <> 'failed')
                   + (SELECT coalesce(sum(amount_cents), 0) FROM billing_stripebalancetransaction
                       WHERE status = 'booked' AND (type IN ('refund', 'refund_failure', 'payment_refund')
                          OR type IN ('payment_reversal', 'payment_failure_refund')
                             AND (source ~ '^(re|pyr)_' OR amount_cents < 0 AND source !~ '^(du|dp)_'))) AS cents,
                   0::numeric AS nanousd
             UNION ALL SELECT 'disputes',
                   (SELECT coalesce(sum(amount_cents), 0) FROM billing_stripebalancetransaction
                     WHERE status = 'booked' AND type IN ('adjustment', 'payment_reversal', 'payment_failure_refund')
                       AND source ~ '^(du|dp)_'),
                   (SELECT coalesce(sum(held_credit_nanousd + held_fee_nanousd + held_tax_nanousd), 0)
                      FROM billing_dispute)
             UNION ALL SELECT 'tax_payable',
                   (SELECT coalesce(sum(tax_cents), 0) FROM billing_payment WHERE status = 'paid'),
                   - (SELECT coalesce(sum(tax_nanousd), 0) FROM billing_refund WHERE status <> 'failed')
                   - (SELECT coalesce(sum(held_tax_nanousd), 0) FROM billing_dispute)) x
          JOIN billing_creditaccount h ON h.house = x.house
         CROSS JOIN LATERAL (SELECT x.cents * 10000000 + x.nanousd AS sum) w
         CROSS JOIN LATERAL (
            SELECT (SELECT coalesce(sum(amount), 0) FROM billing_transfer
                     WHERE credit_account_id = h.id AND kind <> 'usage')
                   - (SELECT coalesce(sum(amount), 0) FROM billing_transfer
                       WHERE debit_account_id = h.id AND kind <> 'usage') AS sum) t
         WHERE w.sum <> t.sum""",
    "a payment was taken back more than it gave": """
        SELECT format('payment %s: credited %s, taken back %s', p.id, coalesce(p.credited_nanousd, 0), b.credit)
          FROM billing_payment p
          JOIN (SELECT payment_id, sum(credit) AS credit FROM (
                  SELECT payment_id, credit_nanousd AS credit FROM billing_refund WHERE status <> 'failed'
                   UNION ALL SELECT payment_id, held_credit_nanousd FROM billing_dispute) x GROUP BY 1) b
            ON b.payment_id = p.id
         WHERE b.credit > coalesce(p.credited_nanousd, 0)""",
}
