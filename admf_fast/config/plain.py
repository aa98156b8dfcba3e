"""The check that data is plain: finite numbers, printable text, not too deep."""

import math
import re

from admf_fast.config.numbers import INTEGER_MAX
from admf_fast.config.source import KeyPath, Problems, found_text, quoted
from admf_fast.config.yaml_reader import DEPTH_MAX

# Control characters forge lines of logs, terminals and editors, NUL cuts paths, and the rest
# (byte order mark, lone surrogates, noncharacters) cannot be written so that all readers agree.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


def plain(value: object, problems: Problems, path: KeyPath = ()) -> object:
    """The value with -0.0 written as 0.0; notes what cannot stand in a configuration."""
    if isinstance(value, dict | list | tuple):
        return _plain_container(value, problems, path)
    if isinstance(value, str):
        _check_text(value, problems, path)
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            problems.add(path, f"expected a finite number; found {value}")
        return value + 0.0
    if isinstance(value, int) and not -INTEGER_MAX <= value <= INTEGER_MAX:
        text = f"expected an integer within +-{INTEGER_MAX} (exact in float64)"
        problems.add(path, f"{text}; found {_integer_text(value, path)}")
    elif value is not None and not isinstance(value, int):
        problems.add(path, f"expected plain data; found {found_text(value)}")
    return value


def _plain_container(value: object, problems: Problems, path: KeyPath) -> object:
    if len(path) >= DEPTH_MAX:
        problems.add(path, f"nested deeper than {DEPTH_MAX} levels")
        return None
    if isinstance(value, list | tuple):
        return [plain(item, problems, (*path, index)) for index, item in enumerate(value)]
    assert isinstance(value, dict)
    result = {}
    for key, item in value.items():
        if not isinstance(key, str):
            problems.add(path, f"expected text as key; found {found_text(key)}")
            continue
        _check_text(key, problems, (*path, key))
        result[key] = plain(item, problems, (*path, key))
    return result


def _check_text(text: str, problems: Problems, path: KeyPath) -> None:
    found = _UNPRINTABLE.search(text)
    if found:
        problems.add(path, f"{quoted(found[0])} cannot stand in a text here; remove it")


def _integer_text(value: int, path: KeyPath) -> str:
    return found_text(value, path) if abs(value) < 10**30 else "one of more than 30 digits"
