"""A configuration written out: canonical bytes, digest and YAML."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from admf_fast.config.load import validate, without_unused
from admf_fast.config.model import Config
from admf_fast.config.numbers import INTEGER_MAX

_WORD = re.compile(r"(?:[A-Za-z_]|\.{0,2}/)[A-Za-z0-9_./-]*\Z")
_RESERVED = frozenset(("true", "false", "yes", "no", "on", "off", "y", "n", "null"))


def contents(config: Config) -> dict[str, Any]:
    """The meaning of a configuration as plain data, every default filled in, without its source."""
    data: dict[str, Any] = msgspec.to_builtins(validate(config))
    del data["source"]
    rebuilt: dict[str, Any] = _rebuilt(without_unused(data), lambda scalar: scalar)
    return rebuilt


# Sections that say how a run is operated, not what it decides: no part of its meaning.
OPERATIONAL = ("feed", "live", "monitor", "sweep")


def canonical(config: Config) -> bytes:
    """Canonical JSON of what decides: equal configurations give equal bytes.

    Keys are sorted, nothing is indented, text is UTF-8, and a number is written by its value:
    whole numbers without a fraction, others as the shortest decimal that reads back the same.
    """
    data = _rebuilt(contents(config), _by_value)
    data = {name: section for name, section in data.items() if name not in OPERATIONAL}
    text = json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def config_digest(config: Config) -> str:
    """SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical(config)).hexdigest()


def to_yaml(config: Config) -> str:
    """The configuration as YAML with every default filled in; reads back as the same.

    Written here because PyYAML's writer follows YAML 1.1: to it 1e-05 is no number.
    """
    return "\n".join(_yaml_lines(contents(config))) + "\n"


def _yaml_lines(value: dict[str, Any] | list[Any]) -> list[str]:
    if isinstance(value, dict):
        return [line for key, item in value.items() for line in _entry(f"{_scalar(key)}:", item)]
    return [line for item in value for line in _item(item)]


def _entry(start: str, value: Any) -> list[str]:
    if isinstance(value, dict | list) and value:
        return [start, *("  " + line for line in _yaml_lines(value))]
    return [f"{start} {_scalar(value)}"]


def _item(value: Any) -> list[str]:
    if isinstance(value, dict | list) and value:
        first, *others = _yaml_lines(value)
        return [f"- {first}", *("  " + line for line in others)]
    return [f"- {_scalar(value)}"]


def _scalar(value: Any) -> str:
    """A scalar that YAML 1.1 and 1.2 read alike; JSON, but for words that need no quotes."""
    if isinstance(value, str) and _WORD.match(value) and value.lower() not in _RESERVED:
        return value
    return json.dumps(value, ensure_ascii=False)


def _rebuilt(value: Any, scalar: Callable[[Any], Any]) -> Any:
    """A copy made of dict, list and scalars only."""
    if isinstance(value, dict):
        return {key: _rebuilt(item, scalar) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rebuilt(item, scalar) for item in value]
    return scalar(value)


def _by_value(scalar: Any) -> Any:
    if isinstance(scalar, float) and scalar.is_integer() and abs(scalar) <= INTEGER_MAX:
        return int(scalar)
    return scalar
