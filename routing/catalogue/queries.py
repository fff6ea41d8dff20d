"""What the catalogue reads, one statement each."""

VERSION = "SELECT version FROM routing_catalogueversion"
PROVIDERS = """
SELECT p.id, p.slug, p.name, p.base_url, p.wire_format, p.cancel_stops_billing, p.quirks, p.credential_env,
       p.collects_data, p.zdr, p.margin_bp,
       coalesce(json_agg(json_build_array(c.id, encode(c.secret, 'escape')) ORDER BY c.id)
                FILTER (WHERE c.enabled AND c.workspace_id IS NULL), '[]'),
       coalesce(json_agg(json_build_array(c.id, encode(c.secret, 'escape'), c.workspace_id) ORDER BY c.id)
                FILTER (WHERE c.enabled AND c.workspace_id IS NOT NULL), '[]')
  FROM routing_provider p LEFT JOIN routing_providercredential c ON c.provider_id = p.id
 WHERE p.enabled GROUP BY p.id"""
ENDPOINTS = """
SELECT e.id, e.provider_id, e.upstream_id, e.context_length, e.max_output_tokens, e.capabilities, e.quantization,
       e.region,
       m.slug, m.name, m.aliases, m.context_length, m.max_output_tokens, m.input_modalities, m.output_modalities,
       m.description, extract(epoch FROM m.released_at)::bigint, m.margin_bp,
       p.id, p.input, p.output, p.cached_input, p.cache_write, p.reasoning, p.request, p.image,
       e.deprecates_at
  FROM routing_endpoint e
  JOIN routing_model m ON m.id = e.model_id
  JOIN LATERAL (SELECT * FROM routing_endpointprice x WHERE x.endpoint_id = e.id AND x.valid_from <= now()
                 ORDER BY x.valid_from DESC, x.id DESC LIMIT 1) p ON true
 WHERE e.enabled ORDER BY m.slug, e.id"""
UNPRICED = """
SELECT m.slug, p.slug FROM routing_endpoint e
  JOIN routing_model m ON m.id = e.model_id JOIN routing_provider p ON p.id = e.provider_id
 WHERE e.enabled AND NOT EXISTS (SELECT 1 FROM routing_endpointprice x
                                  WHERE x.endpoint_id = e.id AND x.valid_from <= now())"""
PRICING = "SELECT margin_bp, byok_fee_bp FROM routing_pricing"
FIGURES = "SELECT endpoint_id, figures FROM routing_endpointfigures"
