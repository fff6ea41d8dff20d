"""Prove the books. Every check is one statement that names what is off; an empty answer proves the rule.

All checks read one snapshot (REPEATABLE READ), so that what is under way cannot look like a fault. The records are
read once, into the sums of billing/audit_pass.py; a check that can do with those must not read the records again.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections, transaction

from billing.audit_pass import MOMENT, scan_all, scans
from billing.spool import damaged, waiting

SPOOL_AGE_MAX_S = 60
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
    "a refund is not in the ledger as its row says": """
        SELECT format('refund %s (%s): %s, transfers %s', r.id, r.status, w.credit, coalesce(t.credit, 0))
          FROM billing_refund r
          CROSS JOIN LATERAL (SELECT (r.status <> 'failed')::int AS stands) k
          CROSS JOIN LATERAL (SELECT k.stands * r.credit_nanousd AS credit, k.stands * r.fee_nanousd AS fee,
                                     k.stands * r.tax_nanousd AS tax) w
          LEFT JOIN (
            SELECT t.reference,
                   sum(CASE WHEN t.credit_account_id = h.id THEN t.amount ELSE -t.amount END)
                     FILTER (WHERE t.kind = 'refund') AS credit,
                   sum(CASE WHEN t.credit_account_id = h.id THEN t.amount ELSE -t.amount END)
                     FILTER (WHERE t.kind = 'top_up_fee') AS fee,
                   sum(CASE WHEN t.credit_account_id = h.id THEN t.amount ELSE -t.amount END)
                     FILTER (WHERE t.kind = 'tax') AS tax
              FROM billing_transfer t
              JOIN billing_creditaccount h ON h.house = 'refunds' AND h.id IN (t.debit_account_id, t.credit_account_id)
             WHERE t.reference LIKE 'refund:%' GROUP BY t.reference) t ON t.reference = 'refund:' || r.id
         WHERE (w.credit, w.fee, w.tax) IS DISTINCT FROM
               (coalesce(t.credit, 0), coalesce(t.fee, 0), coalesce(t.tax, 0))""",
    "a dispute is not in the ledger as its row says": """
        SELECT format('dispute %s: holds %s, transfers %s', d.id, d.held_credit_nanousd, coalesce(t.credit, 0))
          FROM billing_dispute d
          LEFT JOIN (
            SELECT t.reference,
                   sum(CASE WHEN t.credit_account_id = h.id THEN t.amount ELSE -t.amount END)
                     FILTER (WHERE t.kind = 'dispute') AS credit,
                   sum(CASE WHEN t.credit_account_id = h.id THEN t.amount ELSE -t.amount END)
                     FILTER (WHERE t.kind = 'top_up_fee') AS fee,
                   sum(CASE WHEN t.credit_account_id = h.id THEN t.amount ELSE -t.amount END)
                     FILTER (WHERE t.kind = 'tax') AS tax
              FROM billing_transfer t
              JOIN billing_creditaccount h ON h.house = 'disputes' AND h.id IN (t.debit_account_id, t.credit_account_id)
             WHERE t.reference LIKE 'dispute:%' GROUP BY t.reference) t ON t.reference = 'dispute:' || d.id
         WHERE (d.held_credit_nanousd, d.held_fee_nanousd, d.held_tax_nanousd) IS DISTINCT FROM
               (coalesce(t.credit, 0), coalesce(t.fee, 0), coalesce(t.tax, 0))""",
    "a payment was taken back more than it gave": """
        SELECT format('payment %s: credited %s, taken back %s', p.id, coalesce(p.credited_nanousd, 0), b.credit)
          FROM billing_payment p
          JOIN (SELECT payment_id, sum(credit) AS credit FROM (
                  SELECT payment_id, credit_nanousd AS credit FROM billing_refund WHERE status <> 'failed'
                   UNION ALL SELECT payment_id, held_credit_nanousd FROM billing_dispute) x GROUP BY 1) b
            ON b.payment_id = p.id
         WHERE b.credit > coalesce(p.credited_nanousd, 0)""",
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
    "records stand in the default partition": """
        SELECT format('record %s of %s', id, created_at) FROM billing_usagerecord_default""",
    "usage was rejected and is not settled": """
        SELECT format('record %s: %s', id, left(error, 200)) FROM billing_rejectedusage WHERE settled_at IS NULL""",
}
ROWS_MAX = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is off."""

    check: str
    detail: str

    def __str__(self) -> str:
        return f"{self.check}: {self.detail}"


def audit(
    *, spool_dir: Path, using: str = "default", on_step: Callable[[str, int, int], None] = lambda *_: None
) -> list[Fault]:
    """Everything that is off; an empty list proves the books.

    `on_step` hears what is looked at next, the number of that step from 0, and how many there are.
    """
    faults: list[Fault] = []
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        ranges = scans(cursor)
        count = len(ranges) + len(CHECKS)
        for number, what in enumerate(scan_all(cursor, ranges)):
            on_step(what, number, count)
        for number, (check, sql) in enumerate(CHECKS.items(), len(ranges)):
            on_step(check, number, count)
            faults += _run(cursor, check, sql)
    return [*faults, *_spool(spool_dir)]


def _run(cursor: Any, check: str, sql: str) -> Iterator[Fault]:
    cursor.execute(f"SELECT * FROM ({sql}) faults LIMIT {ROWS_MAX}")  # noqa: S608
    return (Fault(check, row[0]) for row in cursor.fetchall())


def _spool(folder: Path) -> Iterator[Fault]:
    for path in waiting(folder):
        age_s = time.time() - path.stat().st_mtime
        if age_s > SPOOL_AGE_MAX_S:
            yield Fault("a spool file is older than a minute", f"{path.name}: {age_s:.0f} s")
    for path in damaged(folder):
        yield Fault("a spool file was damaged", path.name)
