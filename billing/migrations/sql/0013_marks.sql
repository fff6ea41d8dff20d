CREATE TRIGGER mark_append_only BEFORE UPDATE OR DELETE ON billing_balancemark
  FOR EACH ROW EXECUTE FUNCTION xr_refuse_change();
CREATE TRIGGER mark_no_truncate BEFORE TRUNCATE ON billing_balancemark
  FOR EACH STATEMENT EXECUTE FUNCTION xr_refuse_change();
INSERT INTO billing_keytotal (key_id, requests, cost_nanousd, last_bucket)
SELECT key_id, sum(requests), sum(cost_nanousd), max(bucket) FROM billing_usagerollup GROUP BY key_id;
