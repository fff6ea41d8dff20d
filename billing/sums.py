"""Where every sum of usage comes from: rollups, and the records whose batch is not rolled up yet.

One statement reads both, so that it sees a batch on exactly one side, however busy the roller is. Times are the
starts of quarters of an hour (UTC): a range whose ends lie on quarters is summed exactly.
"""

from datetime import timedelta

QUARTER = timedelta(minutes=15)
# Named values: workspace, since, until (on quarters). Columns: at, key_id, model, provider and the sums.
USAGE = """(
SELECT bucket AS at, key_id, model, provider, requests, not_charged, prompt_tokens, completion_tokens, cached_tokens,
       reasoning_tokens, cost_nanousd
  FROM billing_usagerollup
 WHERE workspace_id = %(workspace)s AND bucket >= %(since)s AND bucket < %(until)s
UNION ALL
SELECT date_bin('15 minutes', r.created_at, '2000-01-01 00:00:00+00'), r.key_id, r.model, r.provider, 1,
       CASE WHEN r.basis = 'not_charged' THEN 1 ELSE 0 END, r.prompt_tokens, r.completion_tokens, r.cached_tokens,
       r.reasoning_tokens, r.cost_nanousd
  FROM billing_meterbatch b JOIN billing_usagerecord r ON r.batch_id = b.id
 WHERE NOT b.rolled_up AND r.workspace_id = %(workspace)s AND r.created_at >= %(since)s AND r.created_at < %(until)s
) usage"""
