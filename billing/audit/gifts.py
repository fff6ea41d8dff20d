"""Credit that was given by code or by hand, and credit that ended."""

CHECKS: dict[str, str] = {
    "credit that ended is not its transfer": """
        SELECT format('credit of transfer %s: took %s, transferred %s', e.transfer_id, e.taken_nanousd, x.amount)
          FROM billing_expiringcredit e
          LEFT JOIN billing_transfer x
            ON x.idempotency_key = 'expiry:' || e.transfer_id AND x.kind = 'expiry'
           AND x.debit_account_id = e.account_id
          JOIN billing_transfer g ON g.id = e.transfer_id
         WHERE coalesce(e.taken_nanousd, 0) <> coalesce(x.amount, 0) OR e.amount_nanousd <> g.amount
            OR e.account_id <> g.credit_account_id""",
    "a code's uses are not its credits": """
        SELECT format('code %s: uses %s, recorded %s, credited %s', p.code, p.uses, count(u.id), count(t.id))
          FROM billing_promotioncode p
          LEFT JOIN billing_promotionuse u ON u.promotion_id = p.id
          LEFT JOIN billing_transfer t ON t.idempotency_key = 'promotion:' || p.id || ':' || u.workspace_id
         GROUP BY p.id HAVING p.uses <> count(u.id) OR p.uses <> count(t.id)""",
    "an adjustment is not in the ledger as it says": """
        SELECT format('adjustment %s: %s of %s, transferred %s', j.id, j.kind, j.amount_nanousd, coalesce(t.amount, 0))
          FROM billing_adjustment j
          JOIN billing_creditaccount a ON a.workspace_id = j.workspace_id
          JOIN billing_creditaccount h ON h.house = CASE j.kind WHEN 'grant' THEN 'promotions'
                                                    WHEN 'correction' THEN 'revenue' ELSE 'write_offs' END
          LEFT JOIN billing_transfer t
            ON t.idempotency_key = 'adjustment:' || j.id AND t.reference = t.idempotency_key
           AND t.kind = CASE j.kind WHEN 'grant' THEN 'promotion' ELSE j.kind END
           AND t.debit_account_id = CASE WHEN j.amount_nanousd < 0 THEN a.id ELSE h.id END
           AND t.credit_account_id = CASE WHEN j.amount_nanousd < 0 THEN h.id ELSE a.id END
         WHERE t.amount IS DISTINCT FROM abs(j.amount_nanousd)""",
    "a movement by hand belongs to no adjustment": """
        SELECT format('transfer %s: %s of %s', t.id, t.idempotency_key, t.amount)
          FROM billing_transfer t LEFT JOIN billing_adjustment j ON t.idempotency_key = 'adjustment:' || j.id
         WHERE t.kind IN ('promotion', 'correction', 'write_off') AND t.reference LIKE 'adjustment:%'
           AND j.id IS NULL""",
}
