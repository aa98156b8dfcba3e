"""The parameter sets of a sweep: which there are, in which order, and how many."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from admf_fast.config import Config, SampleSpec, SweepSpec, axes_of, contents
from admf_fast.config.source import KeyPath, nearest
from admf_fast.config.strategy import texts_of
from admf_fast.errors import ConfigError
from admf_fast.sweep.columns import TAKEN
from admf_fast.sweep.conditions import NotInForce, Set, Term, condition
from admf_fast.sweep.values import Values, values_of
from admf_kernels.expressions import ExpressionError

PARAMS = "strategy.params."
# Candidates looked at for every set that is let through by `where`.
CANDIDATES_PER_SET = 10


@dataclass(frozen=True, slots=True)
class Axis:
    """One swept key.

    Attributes
    ----------
    key : str
        Dotted place in the configuration.
    name : str
        What it is called in results and conditions.
    when : function of a set, optional
        Whether it is in force; a set in which it is not has `otherwise`, UNSET for the
        configuration's own value.
    """

    key: str
    name: str
    values: Values
    when: Callable[[Set], bool] | None = None
    otherwise: Any = UNSET


@dataclass(frozen=True, slots=True)
class Space:
    """All sets: axes in groups that move together, and conditions.

    A set is a tuple with a value for each axis, in order; the last axis moves fastest.
    """

    axes: tuple[Axis, ...]
    groups: tuple[tuple[int, ...], ...]
    holds: tuple[Callable[[Set], bool], ...]
    sample: SampleSpec | None
    sets_max: int

    @property
    def candidates(self) -> int:
        """How many combinations there are before conditions, in whole numbers of any size."""
        total = 1
        for group in self.groups:
            total *= self.axes[group[0]].values.count
        return total

    @property
    def size(self) -> int:
        """The most sets there can be."""
        return self.sample.sets if self.sample else self.candidates

    def sets(self) -> list[tuple[Any, ...]]:
        """Return all sets in order; ConfigError when there are none, or too many."""
        from admf_fast.sweep.sampling import draws

        drawn = draws(self.sample, len(self.groups)) if self.sample else None
        candidates = self._drawn(drawn) if drawn is not None else self._all()
        found: dict[tuple[Any, ...], None] = {}
        for values in candidates:
            if all(holds(values) for holds in self.holds):
                found[_comparable(values)] = None
                if len(found) > self.sets_max:
                    raise ConfigError(too_many(self.size, self.sets_max, ""))
        if not found:
            raise ConfigError("sweep: no set meets the conditions of sweep.where")
        return [tuple(_plain(v) for v in values) for values in found]

    def _all(self) -> Iterator[tuple[Any, ...]]:
        yield from self._from(0, [UNSET] * len(self.axes))

    def _from(self, group: int, values: list[Any]) -> Iterator[tuple[Any, ...]]:
        if group == len(self.groups):
            yield tuple(values)
            return
        for k in range(self.axes[self.groups[group][0]].values.count):
            if not self._enter(group, values, lambda axis, k=k: axis.values.at(k)) and k:
                return  # not in force: one set stands for all its values
            yield from self._from(group + 1, values)

    def _enter(self, group: int, values: list[Any], value: Callable[[Axis], Any]) -> bool:
        """Enter the values of a group; whether any of them is in force."""
        in_force = False
        for place in self.groups[group]:
            axis = self.axes[place]
            if axis.when is not None and not axis.when(values):
                values[place] = axis.otherwise
            else:
                values[place] = value(axis)
                in_force = True
        return in_force

    def _drawn(self, shares: Sequence[Sequence[float]]) -> Iterator[tuple[Any, ...]]:
        for row in shares:
            values: list[Any] = [UNSET] * len(self.axes)
            for group in range(len(self.groups)):
                self._enter(group, values, lambda axis, at=row[group]: axis.values.draw(at))
            yield tuple(values)


def too_many(size: int, most: int, cost: str) -> str:
    """Return why a sweep is refused for its size."""
    return (
        f"sweep: {size:,} sets{cost}; at most {most:,} are taken (sweep.sets_max): use fewer "
        "values, or draw some of them with sweep.sample"
    )


def space_of(config: Config) -> Space:
    """Return the sets that the section ``sweep`` means; ConfigError with file and line."""
    spec = config.sweep
    if not isinstance(spec, SweepSpec):
        raise ConfigError(
            f"{config.where()}: sweep is missing; expected a section with grid, such as "
            "sweep: {grid: {strategy.params.fast: [5, 10, 20]}}"
        )
    made: list[tuple[list[tuple[str, KeyPath, Any]]]] = []
    for key, place, given in axes_of(spec.grid, ("sweep", "grid")):
        made.append(([(key, place, given)],))
    for k, group in enumerate(spec.zip):
        made.append(([*axes_of(group, ("sweep", "zip", k))],))
    keys = [key for (group,) in made for key, _, _ in group]
    names = {key: _name_of(key, keys) for key in keys}
    data = contents(config)
    axes: list[Axis] = []
    groups = []
    for (group,) in made:
        first = len(axes)
        for key, place, given in group:
            axes.append(_axis(config, key, names, place, given, [*axes], data))
        groups.append(tuple(range(first, len(axes))))
        _check_group(config, axes[first:], group[0][1], bool(spec.sample))
    find = _finder(axes, data)
    holds = tuple(
        _condition(config, text, find, ("sweep", "where")) for text in _listed(spec.where)
    )
    sample = spec.sample if isinstance(spec.sample, SampleSpec) else None
    space = Space(tuple(axes), tuple(groups), holds, sample, spec.sets_max)
    return space


def _listed(given: Any) -> Sequence[str]:
    texts = texts_of(given)
    return [texts] if isinstance(texts, str) else list(texts)


def _name_of(key: str, keys: Sequence[str]) -> str:
    """Return the name of a key: a strategy's parameter goes by its own, unless that is taken."""
    name = key.removeprefix(PARAMS)
    return key if name in TAKEN or "." in name or name in keys else name


def _axis(
    config: Config, key: str, names: Mapping[str, str], place: KeyPath, given: Any,
    before: Sequence[Axis], data: Mapping[str, Any],
) -> Axis:  # fmt: skip
    section = given if isinstance(given, Mapping) and "values" in given else {"values": given}
    try:
        values = values_of(section["values"])
    except ValueError as error:
        raise ConfigError(f"{config.where(*place)}: {key}: {error}") from error
    when = section.get("when")
    test = None
    if when is not None:
        test = _condition(config, str(when), _finder(before, data), (*place, "when"))
    otherwise = section.get("otherwise", UNSET)
    return Axis(key, names[key], values, test, otherwise)


def _condition(
    config: Config, text: str, find: Callable[[str], Term], place: KeyPath
) -> Callable[[Set], bool]:
    try:
        return condition(text, find)
    except ExpressionError as error:
        raise ConfigError(f"{config.where(*place)}: {text}: {error.text}") from error


def _check_group(config: Config, axes: Sequence[Axis], place: KeyPath, sampled: bool) -> None:
    counts = {axis.key: axis.values.count for axis in axes}
    if len(set(counts.values())) > 1:
        shown = ", ".join(f"{key} has {count}" for key, count in counts.items())
        raise ConfigError(
            f"{config.where(*place)}: expected as many values for each key of a zip: {shown}"
        )
    if 0 in counts.values() and not sampled:
        raise ConfigError(
            f"{config.where(*place)}: {axes[0].key}: uniform and loguniform can only be drawn "
            "from; add sweep.sample, or use linspace or logspace"
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
                f"{name} is neither swept{' above' if not axes else ''} nor configured{hint} "
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


class _Section(tuple[tuple[str, Any], ...]):
    """A section as a value that can be compared and kept in a dictionary."""


class _List(tuple[Any, ...]):
    """A list as such a value."""


def _comparable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _Section((k, _comparable(v)) for k, v in value.items())
    if isinstance(value, list):
        return _List(_comparable(v) for v in value)
    return tuple(_comparable(v) for v in value) if type(value) is tuple else value


def _plain(value: Any) -> Any:
    if isinstance(value, _Section):
        return {k: _plain(v) for k, v in value}
    return [_plain(v) for v in value] if isinstance(value, _List) else value
