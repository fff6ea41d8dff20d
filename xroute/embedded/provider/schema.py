"""A value that fits a JSON schema, roughly: for the arguments of tools and for json_schema answers. Pure."""

from typing import Any

DEPTH_MAX = 8
SAMPLES = {"string": "sample", "integer": 1, "number": 1.5, "boolean": True, "null": None}


def sample(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """Has the required properties (all of them where none are named) and the first of every choice."""
    root = root or schema
    if not isinstance(schema, dict) or depth > DEPTH_MAX:
        return None
    if "$ref" in schema:
        return sample(_referred(root, str(schema["$ref"])), root, depth + 1)
    for key in ("enum", "examples"):
        if schema.get(key):
            return schema[key][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return sample(schema[key][0], root, depth + 1)
    return _by_type(schema, root, depth)


def _by_type(schema: dict[str, Any], root: Any, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        known = schema.get("properties") or {}
        names = schema.get("required") or known
        return {name: sample(known.get(name) or {}, root, depth + 1) for name in names}
    if kind == "array":
        return [sample(schema["items"], root, depth + 1)] if schema.get("items") else []
    if kind in ("integer", "number"):
        return schema.get("minimum", SAMPLES[kind])
    return SAMPLES.get(kind)


def _referred(root: Any, reference: str) -> Any:
    """What "#/$defs/Name" points at, or nothing."""
    found = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(step) if step and isinstance(found, dict) else found
    return found
