"""The parameter sets of a sweep: which there are, in which order, and how many."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec import UNSET

from admf_fast.config import SampleSpec, SearchSpec
from admf_fast.errors import ConfigError
from admf_fast.sweep.conditions import Set
from admf_fast.sweep.sampling import draws
from admf_fast.sweep.values import Values


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
    search: SearchSpec | None = None

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
        if self.search:
            return self.search.trials
        return self.sample.sets if self.sample else self.candidates

    @property
    def is_drawn(self) -> bool:
        """Whether only some of the combinations are taken, of numbers in between too."""
        return self.sample is not None or self.search is not None

    def sets(self) -> list[tuple[Any, ...]]:
        """Return all sets in order; ConfigError when there are none, or too many.

        Of a space that is searched, as many as there are trials, drawn at random.
        """
        sample = self.sample
        if self.search:
            sample = SampleSpec(sets=self.search.trials, seed=self.search.seed)
        drawn = draws(sample, len(self.groups)) if sample else None
        candidates = self._drawn(drawn) if drawn is not None else self._combinations()
        found: dict[tuple[Any, ...], None] = {}
        for values in candidates:
            if all(holds(values) for holds in self.holds):
                found[key_of(values)] = None
                if len(found) > self.sets_max:
                    raise ConfigError(too_many(self.size, self.sets_max, ""))
        if not found:
            raise ConfigError("sweep: no set meets the conditions of sweep.where")
        return [_plain_set(values) for values in found]

    def _combinations(self) -> Iterator[tuple[Any, ...]]:
        """Yield all combinations, the values of the last group changing first."""
        if any(axis.when is not None for axis in self.axes):
            yield from self._from(0, [UNSET] * len(self.axes))
            return
        places = [place for group in self.groups for place in group]
        ordered = sorted(range(len(places)), key=places.__getitem__)
        for chosen in itertools.product(*map(self._values, self.groups)):
            values = [value for values in chosen for value in values]
            yield tuple([values[k] for k in ordered])

    def _values(self, group: Sequence[int]) -> list[tuple[Any, ...]]:
        """Return what the axes of a group are set to, one after the other."""
        axes = [self.axes[place] for place in group]
        return [tuple(axis.values.at(k) for axis in axes) for k in range(axes[0].values.count)]

    def _from(self, group: int, values: list[Any]) -> Iterator[tuple[Any, ...]]:
        if group == len(self.groups):
            yield tuple(values)
            return
        for k in range(self.axes[self.groups[group][0]].values.count):
            if not self._enter(group, values, partial(_counted, k)) and k:
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
            yield self.chosen(partial(_drawn, row))

    def chosen(self, choose: Callable[[int, Axis], Any]) -> tuple[Any, ...]:
        """Return the set whose values a function chooses, asked of those in force, in order.

        It is handed the number of the group and the axis.
        """
        values: list[Any] = [UNSET] * len(self.axes)
        for group in range(len(self.groups)):
            self._enter(group, values, partial(choose, group))
        return tuple(values)


def _counted(place: int, axis: Axis) -> Any:
    return axis.values.at(place)


def _drawn(shares: Sequence[float], group: int, axis: Axis) -> Any:
    return axis.values.draw(shares[group])


def too_many(size: int, most: int, cost: str) -> str:
    """Return why a sweep is refused for its size."""
    return (
        f"sweep: {size:,} sets{cost}; at most {most:,} are taken (sweep.sets_max): use fewer "
        "values, or draw some of them with sweep.sample"
    )


def distinct(sets: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return sets, each once, in the order they come first."""
    return [_plain_set(values) for values in dict.fromkeys(map(key_of, sets))]


def key_of(values: Sequence[Any]) -> tuple[Any, ...]:
    """Return a set as what dictionaries can keep it by."""
    return tuple(values) if _are_plain(values) else tuple(map(_comparable, values))


def _plain_set(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(values) if _are_plain(values) else tuple(map(_plain, values))


def _are_plain(values: Sequence[Any]) -> bool:
    return PLAIN.issuperset(map(type, values))


class _Section(tuple[tuple[str, Any], ...]):
    """A section as a value that can be compared and kept in a dictionary."""


class _List(tuple[Any, ...]):
    """A list as such a value."""


# As most values are: they stand for themselves.
PLAIN = frozenset((int, float, str, bool))


def _comparable(value: Any) -> Any:
    if type(value) in PLAIN:
        return value
    if isinstance(value, Mapping):
        return _Section((k, _comparable(v)) for k, v in value.items())
    if isinstance(value, list):
        return _List(_comparable(v) for v in value)
    return tuple(_comparable(v) for v in value) if type(value) is tuple else value


def _plain(value: Any) -> Any:
    if type(value) in PLAIN:
        return value
    if isinstance(value, _Section):
        return {k: _plain(v) for k, v in value}
    return [_plain(v) for v in value] if isinstance(value, _List) else value
