"""What a run was made of and what came out: enough to make it again and to compare it."""

import hashlib
import json
from typing import Any

import msgspec

FORMAT = 1


def manifest_of(
    *,
    mode: str,
    config: dict[str, Any],
    config_digest: str,
    params: dict[str, Any],
    data: Any,
    data_digest: str,
    code_digest: str,
    plan_digest: str,
    versions: dict[str, str],
    cpu: dict[str, str],
    bars: int,
    ready_bars: int,
    layers: dict[str, str],
    calendar: dict[str, str] | None = None,
    actions: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the manifest; no wall-clock time, so the same run gives the same bytes."""
    inputs = {
        "config": config_digest,
        "params": params,
        "data": data_digest,
        "code": code_digest,
        "plan": plan_digest,
    }
    if actions:
        inputs["actions"] = actions["digest"]
    return {
        "format": FORMAT,
        "run_id": run_id(inputs),
        "mode": mode,
        "inputs": inputs,
        "config": config,
        "data": msgspec.to_builtins(data),
        "calendar": calendar,
        **({"actions": actions} if actions else {}),
        "bars": bars,
        "ready_bars": ready_bars,
        "layers": layers,
        "versions": versions,
        "cpu": cpu,
        "float_environment": "round to nearest, subnormals kept",
    }


def run_id(inputs: dict[str, Any]) -> str:
    """Return the digest of a run's inputs: the same inputs give the same id."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
