"""A configuration written out: canonical bytes, digest and YAML."""

import hashlib
import json
from typing import Any

import msgspec
import yaml

from admf_fast.config.load import validate
from admf_fast.config.model import Config
from admf_fast.config.numbers import INTEGER_MAX, number


def contents(config: Config) -> dict[str, Any]:
    """The meaning of a configuration as plain data, every default filled in, without its source."""
    data: dict[str, Any] = msgspec.to_builtins(validate(config))
    del data["source"]
    return data


def canonical(config: Config) -> bytes:
    """Canonical JSON: equal configurations give equal bytes.

    Keys are sorted, nothing is indented, text is UTF-8, and a number is written by its value:
    whole numbers without a fraction, others as the shortest decimal that reads back the same.
    """
    data = _by_value(contents(config))
    text = json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def config_digest(config: Config) -> str:
    """SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical(config)).hexdigest()


def to_yaml(config: Config) -> str:
    """The configuration as YAML with every default filled in; reads back as the same."""
    text: str = yaml.dump(
        contents(config),
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=2**31,
    )
    return text


def _by_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _by_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_by_value(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= INTEGER_MAX:
        return int(value)
    return value


class _Dumper(yaml.SafeDumper):
    """Writes what our reader reads: PyYAML follows YAML 1.1, where 1e-4 is no number."""

    def ignore_aliases(self, data: object) -> bool:
        """Write equal objects out each time; our reader takes no aliases."""
        return True


def _text_node(dumper: _Dumper, text: str) -> yaml.Node:
    plain = yaml.SafeDumper.represent_str(dumper, text)
    try:
        is_text = number(text) is None
    except ValueError:
        is_text = False
    return plain if is_text else dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


def _float_node(dumper: _Dumper, value: float) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:float", repr(value))


_Dumper.add_representer(str, _text_node)
_Dumper.add_representer(float, _float_node)
