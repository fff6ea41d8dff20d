"""The sandbox provider's rows: in demo and tests only. One process poses as three providers (paths /, /b, /c)."""

from typing import Any

CAPABILITIES = ["json_mode", "json_schema", "parallel_tools", "tool_choice", "tools", "vision"]
#        slug, path, price of (input, output) in USD per million tokens
PROVIDERS = (("sandbox", "", "0.5", "1.5"), ("sandbox-b", "/b", "0.6", "1.8"), ("sandbox-c", "/c", "0.75", "2.25"))
SINGLES = (
    "echo",
    "tiny",
    "reasoner",
    *(f"fault-{code}" for code in (400, 401, 403, 404, 429, 500, 502, 503, 529)),
    *("fault-html-502", "fault-error-200", "fault-error-midstream-3", "fault-cut-3", "fault-eof-3", "fault-nodone"),
    *("fault-silence", "fault-silence-3", "fault-slow-200", "fault-usage-missing", "fault-usage-absurd"),
    *("fault-usage-on-finish", "fault-empty", "fault-garbage", "fault-longline", "fault-endless", "fault-gzip"),
    *("fault-redirect", "fault-flaky-30", "fault-late-usage-200", "fault-toggle"),
)
FAULTS = "sandbox/fault-"  # models that fail on purpose: called and shown by name, listed nowhere
#   model → the upstream name at each of the three: the cheapest fails, the next must take over
SPREAD = {
    "sandbox/three": ("three", "three", "three"),
    "sandbox/failover": ("fault-500", "failover", "failover"),
    "sandbox/failover-429": ("fault-429", "failover", "failover"),
    "sandbox/failover-stream": ("fault-error-200", "failover", "failover"),
    "sandbox/flaky": ("fault-flaky-30", "steady", "steady"),
}


def _endpoint(slug: str, upstream_id: str, price: tuple[str, str]) -> dict[str, Any]:
    reasons = ["reasoning"] if upstream_id == "reasoner" else []
    return {
        "model": slug,
        "name": f"Sandbox {slug.partition('/')[2]}",
        "aliases": [],
        "upstream_id": upstream_id,
        "context_length": 2_000_000,
        "max_output_tokens": 128_000 if upstream_id not in ("tiny", "three") else 8192,
        "input_modalities": ["text", "image"],
        "output_modalities": ["text"],
        "capabilities": CAPABILITIES + reasons,
        "usd_per_million": {"input": price[0], "output": price[1], "cached_input": "0.05"},
        "source": "invented for the sandbox",
    }


def sandbox_files(base_url: str) -> list[dict[str, Any]]:
    """What a data file would say, for each of the three sandbox providers."""
    files = []
    for number, (slug, path, *price) in enumerate(PROVIDERS):
        prices = (price[0], price[1])
        endpoints = [_endpoint(model, names[number], prices) for model, names in SPREAD.items()]
        if number == 0:
            endpoints += [_endpoint(f"sandbox/{name}", name, prices) for name in SINGLES]
        provider = {
            "slug": slug,
            "name": slug,
            "base_url": f"{base_url}{path}/v1",
            "wire_format": "openai",
            "cancel_stops_billing": slug != "sandbox-b",
            "credential_env": "",
            "quirks": ["no_credential"],
        }
        files.append({"provider": provider, "endpoints": endpoints, "file": slug})
    return files
