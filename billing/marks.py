"""Marks of balances: what stood on an account after every so-many-th of its transfers.

A balance after any transfer is then a sum over at most a few hundred others, however long the history. Marks are
append-only, like the transfers they sum; where there are none yet the sum reaches further, and is the same.
"""

from typing import Any

from django.db import connection, transaction

EVERY = 256
# A transfer's id is drawn before its transaction commits: a lower one can still appear while that one is open, but
# not minutes later.
SETTLED = "5 minutes"
# From the last mark of each account, the id EVERY transfers further, and what stood after it.
STEP = """
WITH last AS (
  SELECT a.id, coalesce(m.transfer_id, 0) AS transfer_id, coalesce(m.balance, 0) AS balance
    FROM billing_creditaccount a
    LEFT JOIN LATERAL (SELECT transfer_id, balance FROM billing_balancemark
                        WHERE account_id = a.id ORDER BY transfer_id DESC LIMIT 1) m ON true
   WHERE a.house IS NULL AND a.id > %(after)s ORDER BY a.id LIMIT %(accounts)s
), run AS (
  SELECT l.id AS account_id, n.id, l.balance + sum(n.signed) OVER w AS balance, row_number() OVER w AS number,
         bool_and(n.created_at < now() - %(settled)s::interval) OVER w AS settled
    FROM last l CROSS JOIN LATERAL (
      SELECT * FROM (
        (SELECT id, -amount AS signed, created_at FROM billing_transfer
          WHERE debit_account_id = l.id AND id > l.transfer_id ORDER BY id LIMIT %(rows)s)
         UNION ALL
        (SELECT id, amount AS signed, created_at FROM billing_transfer
          WHERE credit_account_id = l.id AND kind <> 'usage' AND id > l.transfer_id ORDER BY id LIMIT %(rows)s)
      ) t ORDER BY id LIMIT %(rows)s) n
  WINDOW w AS (PARTITION BY l.id ORDER BY n.id)
), made AS (
  INSERT INTO billing_balancemark (account_id, transfer_id, balance)
  SELECT account_id, id, balance FROM run WHERE settled AND number %% %(every)s = 0
  ON CONFLICT DO NOTHING RETURNING 1)
SELECT (SELECT max(id) FROM last), (SELECT count(*) FROM made),
       (SELECT coalesce(max(number), 0) FROM run) >= %(rows)s"""
ACCOUNTS, STEPS = 200, 40


def marks_add() -> int:
    """Bring the marks up to date; how many were made."""
    made, after = 0, 0
    while True:
        values: dict[str, Any] = {
            "after": after,
            "accounts": ACCOUNTS,
            "rows": EVERY * STEPS,
            "every": EVERY,
            "settled": SETTLED,
        }
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(STEP, values | {"after": after})
            last, count, more = cursor.fetchone()
        made += int(count)
        if last is None:
            return made
        if not (more and count):
            after = last
