"""Stripe's own books against ours. Each check names what is off; an empty answer proves it."""

CHECKS: dict[str, str] = {
    "a booked line of Stripe's is not what its transfers say": """
        SELECT format('line %s (%s): %s cents and a fee of %s; transfers %s and %s nano-USD', m.id, m.type,
                      m.amount_cents, m.fee_cents, g.sum, f.sum)
          FROM billing_stripebalancetransaction m
          JOIN billing_creditaccount c ON c.house = 'stripe_clearing'
          LEFT JOIN billing_payment p ON p.id = m.payment_id
          CROSS JOIN LATERAL (
            SELECT coalesce(sum(CASE WHEN debit_account_id = c.id THEN amount ELSE -amount END), 0) AS sum
              FROM billing_transfer WHERE c.id IN (debit_account_id, credit_account_id)
               AND idempotency_key = ANY(CASE WHEN m.type IN ('charge', 'payment')
                   THEN ARRAY['stripe:' || p.payment_intent_id, 'stripe:' || p.payment_intent_id || ':fee',
                              'stripe:' || p.payment_intent_id || ':tax']
                   ELSE ARRAY['txn:' || m.id] END)) g
          CROSS JOIN LATERAL (
            SELECT coalesce(sum(CASE WHEN debit_account_id = c.id THEN amount ELSE -amount END), 0) AS sum
              FROM billing_transfer WHERE c.id IN (debit_account_id, credit_account_id)
               AND idempotency_key = 'txn:' || m.id || ':fee') f
         WHERE m.status = 'booked' AND (g.sum, f.sum) IS DISTINCT FROM
               (m.amount_cents * 10000000::numeric, -m.fee_cents * 10000000::numeric)""",
    "a transfer says a line of Stripe's that is not booked": """
        SELECT format('transfer %s: %s of %s', t.id, t.idempotency_key, t.amount)
          FROM billing_transfer t
          LEFT JOIN billing_stripebalancetransaction m
            ON m.id = split_part(t.idempotency_key, ':', 2) AND m.status = 'booked'
         WHERE t.idempotency_key LIKE 'txn:%' AND m.id IS NULL""",
}
