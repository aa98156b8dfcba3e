"""What two runs were made of: which inputs of their manifests differ."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

CODE = ("code", "plan")


class Cause(NamedTuple):
    """An input that differs; `layer` is data, config, code or environment."""

    layer: str
    field: str
    first: str
    second: str


def causes_of(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Cause]:
    """Return every input that differs between two manifests, data before configuration and code.

    Where only the declaration of the plan differs because the configuration does, the
    configuration is named, not the plan.
    """
    a, b = first["inputs"], second["inputs"]
    found = [Cause("data", n, *_pair(a, b, n)) for n in ("data", "actions") if _differ(a, b, n)]
    config = list(_config_causes(first["config"], second["config"]))
    found += config
    wanted = [name for name in CODE if _differ(a, b, name)]
    # What features are computed follows from the configuration.
    wanted = [name for name in wanted if name == "code" or not config]
    # Code is that of the kernels that are used, which a configuration chooses.
    found += [Cause("code", name, *_pair(a, b, name)) for name in wanted]
    found += _mapped("environment", first.get("versions", {}), second.get("versions", {}))
    found += _mapped("environment", first.get("cpu", {}), second.get("cpu", {}))
    return found


def _differ(a: Mapping[str, Any], b: Mapping[str, Any], name: str) -> bool:
    return bool(a.get(name) != b.get(name))


def _pair(a: Mapping[str, Any], b: Mapping[str, Any], name: str) -> tuple[str, str]:
    return str(a.get(name, "none")), str(b.get(name, "none"))


def _mapped(layer: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Cause]:
    names = [*a, *(n for n in b if n not in a)]
    return [Cause(layer, n, *_pair(a, b, n)) for n in names if _differ(a, b, n)]


def _config_causes(a: Any, b: Any) -> Iterator[Cause]:
    """Yield the keys of two configurations whose values differ, as paths."""
    ours, theirs = dict(_flat(a, "")), dict(_flat(b, ""))
    # The name comes last: it decides nothing.
    for path in sorted({**ours, **theirs}, key=lambda p: (p == "name", p)):
        if repr(ours.get(path)) != repr(theirs.get(path)):
            shown = (repr(v[path]) if path in v else "not set" for v in (ours, theirs))
            yield Cause("config", path, *shown)


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield from _flat(item, f"{path}.{key}" if path else str(key))
    if not items:
        yield path, value
