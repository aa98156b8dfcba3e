"""What differs between two configurations, key by key, and what that touches."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from admf_fast.config.model import Config
from admf_fast.config.render import OPERATIONAL, contents
from admf_fast.config.source import KeyPath, key_text

Touches = Literal["decisions", "figures", "operation"]
# What a run is called and measured by: part of its digest, no part of what it decides.
FIGURES = ("name", "metrics")


class Missing:
    """Stands for a key that one of the two does not have."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = Missing()


class Change(NamedTuple):
    """A key whose values differ; `touches` says what that changes of a run."""

    key: str
    old: Any
    new: Any
    touches: Touches


def changes(old: Config, new: Config) -> list[Change]:
    """Return the keys that differ in their meaning, every default filled in, in order."""
    pairs = _differing((), contents(old), contents(new))
    return [Change(key_text(path), a, b, _touches(path)) for path, a, b in pairs]


def _touches(path: KeyPath) -> Touches:
    if path[0] in OPERATIONAL:
        return "operation"
    return "figures" if path[0] in FIGURES else "decisions"


def _differing(path: KeyPath, old: Any, new: Any) -> Iterator[tuple[KeyPath, Any, Any]]:
    """Yield path and both values of everything that differs, as deep as both have it."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(k for k in new if k not in old)]:
            yield from _differing((*path, key), old.get(key, MISSING), new.get(key, MISSING))
    elif isinstance(old, list) and isinstance(new, list):
        for k in range(max(len(old), len(new))):
            yield from _differing((*path, k), _item(old, k), _item(new, k))
    elif _kind(old) is not _kind(new) or old != new:
        yield path, old, new


def _item(values: list[Any], k: int) -> Any:
    return values[k] if k < len(values) else MISSING


def _kind(value: Any) -> type:
    """Return the type that makes a difference: 1 and 1.0 are equal, 1 and true are not."""
    return float if type(value) is int else type(value)
