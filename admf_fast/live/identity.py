"""What a live run is made of: digests of its configuration, code and environment."""

import hashlib
import json
from typing import Any

import msgspec

from admf_fast import __version__
from admf_fast.config import config_digest
from admf_fast.jobs import code_digest_of
from admf_fast.runners.setup import Setup
from admf_kernels.compiler import toolchain


def digests_of(setup: Setup) -> dict[str, str]:
    """Return the digests of what decides a run, in hexadecimal."""
    versions = {"admf-fast": __version__, **toolchain.versions(), **toolchain.cpu()}
    text = json.dumps(versions, sort_keys=True)
    return {
        "config": config_digest(setup.config),
        "code": code_digest_of(setup),
        "environment": hashlib.sha256(text.encode()).hexdigest(),
    }


def changed_keys(before: bytes, now: bytes) -> list[str]:
    """Return the keys whose values differ between two canonical texts, as a reader writes them."""
    ours, theirs = (_flat(msgspec.json.decode(text)) for text in (before, now))
    names = dict.fromkeys([*ours, *theirs])
    return [name for name in names if ours.get(name, ...) != theirs.get(name, ...)]


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        items = [(f"{path}.{key}" if path else key, item) for key, item in value.items()]
    elif isinstance(value, list):
        items = [(f"{path}[{k}]", item) for k, item in enumerate(value)]
    else:
        return {path: value}
    flat = {path: len(value)} if isinstance(value, list) else {}
    for place, item in items:
        flat |= _flat(item, place)
    return flat
