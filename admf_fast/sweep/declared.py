"""From the section ``sweep`` to its sets: axes, groups, conditions."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import UNSET

from admf_fast.config import Config, SampleSpec, SearchSpec, SweepSpec, axes_of, contents
from admf_fast.config.source import KeyPath, nearest
from admf_fast.config.strategy import texts_of
from admf_fast.errors import ConfigError
from admf_fast.sweep.columns import TAKEN
from admf_fast.sweep.conditions import NotInForce, Set, Term, condition
from admf_fast.sweep.space import Axis, Space
from admf_fast.sweep.stored import Stored, read_stored
from admf_fast.sweep.values import listed, values_of
from admf_kernels.expressions import ExpressionError

PARAMS = "strategy.params."


class _Given(NamedTuple):
    """One key as it is written: where, and which values."""

    key: str
    place: KeyPath
    values: Any


def space_of(config: Config) -> Space:
    """Return the sets that the section ``sweep`` means; ConfigError with file and line."""
    spec = config.sweep
    if not isinstance(spec, SweepSpec):
        raise ConfigError(
            f"{config.where()}: sweep is missing; expected a section with grid, such as "
            "sweep: {grid: {strategy.params.fast: [5, 10, 20]}}"
        )
    written = _written(spec)
    keys = [given.key for group in written for given in group]
    data = contents(config)
    stored = stored_of(config)
    axes = stored_axes(stored) if stored else []
    groups = [tuple(range(len(axes)))] if axes else []
    for group in written:
        made = [_axis(config, given, _name_of(given.key, keys), axes, data) for given in group]
        _check_group(config, made, group[0].place, drawn=bool(spec.sample or spec.search))
        groups.append(tuple(range(len(axes), len(axes) + len(made))))
        axes += made
    find = _finder(axes, data)
    where = texts_of(spec.where)
    texts = [where] if isinstance(where, str) else where
    holds = tuple(_condition(config, text, find, ("sweep", "where")) for text in texts)
    sample = spec.sample if isinstance(spec.sample, SampleSpec) else None
    search = spec.search if isinstance(spec.search, SearchSpec) else None
    return Space(tuple(axes), tuple(groups), holds, sample, spec.sets_max, search)


def stored_of(config: Config) -> Stored | None:
    """Return what ``sweep.from_signals`` names; None without it, StateError if it is none."""
    spec = config.sweep
    if not isinstance(spec, SweepSpec) or not spec.from_signals:
        return None
    return read_stored(Path(config.source.base_dir or ".", spec.from_signals))


def stored_axes(stored: Stored) -> list[Axis]:
    """Return the parameters of stored signals; their values go together."""
    columns = zip(stored.keys, stored.names, strict=True)
    return [
        Axis(key, name, listed([values[k] for values in stored.sets]))
        for k, (key, name) in enumerate(columns)
    ]


def _written(spec: SweepSpec) -> list[list[_Given]]:
    """Return the keys in groups that move together, in the order they are written."""
    groups = [[_Given(*found)] for found in axes_of(spec.grid, ("sweep", "grid"))]
    for k, group in enumerate(spec.zip):
        groups.append([_Given(*found) for found in axes_of(group, ("sweep", "zip", k))])
    return groups


def _name_of(key: str, keys: Sequence[str]) -> str:
    """Return the name of a key: a strategy's parameter goes by its own, unless that is taken."""
    name = key.removeprefix(PARAMS)
    return key if name in TAKEN or "." in name or name in keys else name


def _axis(
    config: Config, given: _Given, name: str, before: Sequence[Axis], data: Mapping[str, Any]
) -> Axis:
    section: Mapping[str, Any] = {"values": given.values}
    if isinstance(given.values, Mapping) and "values" in given.values:
        section = given.values
    try:
        values = values_of(section["values"])
    except ValueError as error:
        raise ConfigError(f"{config.where(*given.place)}: {given.key}: {error}") from error
    test = None
    if "when" in section:
        find = _finder([*before], data)
        test = _condition(config, str(section["when"]), find, (*given.place, "when"))
    return Axis(given.key, name, values, test, section.get("otherwise", UNSET))


def _condition(
    config: Config, text: str, find: Callable[[str], Term], place: KeyPath
) -> Callable[[Set], bool]:
    try:
        return condition(text, find)
    except ExpressionError as error:
        raise ConfigError(f"{config.where(*place)}: {text}: {error.text}") from error


def _check_group(config: Config, axes: Sequence[Axis], place: KeyPath, *, drawn: bool) -> None:
    counts = {axis.key: axis.values.count for axis in axes}
    if len(set(counts.values())) > 1:
        shown = ", ".join(f"{key} has {count}" for key, count in counts.items())
        raise ConfigError(
            f"{config.where(*place)}: expected as many values for each key of a zip: {shown}"
        )
    if 0 in counts.values() and not drawn:
        raise ConfigError(
            f"{config.where(*place)}: {axes[0].key}: uniform and loguniform can only be drawn "
            "from; add sweep.sample or sweep.search, or use linspace or logspace"
        )


def _finder(axes: Sequence[Axis], data: Mapping[str, Any]) -> Callable[[str], Term]:
    """Return what finds the value of a name in a set: swept, or else configured."""
    places = {name: k for k, axis in enumerate(axes) for name in (axis.key, axis.name)}

    def find(name: str) -> Term:
        configured = value_at(data, name)
        if configured is UNSET:
            configured = value_at(data, PARAMS + name)
        place = places.get(name, places.get(PARAMS + name))
        if place is None and configured is UNSET:
            close = nearest(name, places)
            hint = f"; did you mean {close}?" if close else ""
            raise ExpressionError(
                f"{name} is neither swept nor configured{hint} "
                f"(swept: {', '.join(axis.name for axis in axes)})"
            )

        def value(values: Set) -> Any:
            found = configured if place is None else values[place]
            found = configured if found is UNSET else found
            if found is UNSET:
                raise NotInForce
            return found

        return value

    return find


def value_at(data: Any, key: str) -> Any:
    """Return what plain data holds at a dotted key; UNSET for nothing."""
    for part in key.split("."):
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return UNSET
    return data
