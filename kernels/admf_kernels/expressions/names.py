"""What a bare name in an expression stands for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from admf_kernels import registry
from admf_kernels.contract import CLOCK_COLUMNS, PRICE_COLUMNS, Composite, Indicator, Output
from admf_kernels.expressions.errors import ExpressionError, Place, nearest
from admf_kernels.expressions.graph import Node
from admf_kernels.expressions.parse import RESERVED
from admf_kernels.expressions.words import FOREIGN

COLUMNS = (*PRICE_COLUMNS, *CLOCK_COLUMNS)
ALIASES = {"time": "minute_of_day"}
FUNCTIONS = (
    "abs", "between", "bars_since", "change", "clip", "crosses", "crosses_above",
    "crosses_below", "falling", "highest", "lag", "lowest", "max", "min", "rising",
)  # fmt: skip
TAKEN = frozenset((*COLUMNS, *ALIASES, *FUNCTIONS, *RESERVED, *FOREIGN, "position", "ts_ns"))


@dataclass(frozen=True)
class Parameter:
    """A named number of a strategy: the field it has there, and its configured value."""

    field: str
    value: float


@dataclass(frozen=True)
class Variable:
    """A named expression, with the scope it is read in."""

    text: str
    place: Place
    scope: "Scope"


@dataclass(frozen=True)
class Scope:
    """The names that expressions of one strategy may use besides columns and indicators."""

    features: Mapping[str, Output] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    params: Mapping[str, Parameter] = field(default_factory=dict)
    known: dict[str, Node] = field(default_factory=dict, compare=False)  # variables resolved

    def inside(
        self,
        variables: Mapping[str, str],
        params: Mapping[str, float],
        prefix: str = "",
        place: Place = (),
    ) -> "Scope":
        """Return the scope of a strategy that declares these, inside this one."""
        own = {n: Parameter(prefix + n, v) for n, v in sorted(params.items())}
        self._check(own, (*place, "params"))
        scope = replace(self, params={**self.params, **own}, known={})
        scope._check(variables, (*place, "variables"))
        # The variables see each other, so their scope is made first and completed after.
        known: dict[str, Variable] = dict(self.variables)
        scope = replace(scope, variables=known)
        for name, text in sorted(variables.items()):
            known[name] = Variable(text, (*place, "variables", name), scope)
        return scope

    def _check(self, names: Iterable[str], place: Place) -> None:
        for name in names:
            if name in TAKEN:
                raise ExpressionError(
                    f"{name!r} has a meaning of its own in expressions; use another name",
                    place=(*place, name),
                )
            if name in self.features or name in self.variables or name in self.params:
                raise ExpressionError(
                    f"{name!r} is declared twice; use another name", place=(*place, name)
                )

    def hint(self, name: str) -> str:
        """Return what to do about a name that is not known, as the end of a message."""
        if name in FUNCTIONS:
            return f"; write {name}(...)"
        if name in indicators():
            return f"; write {name}(...)"
        known = {*self.features, *self.variables, *self.params, *COLUMNS, *ALIASES, "position"}
        return (
            nearest(name, known)
            or nearest(name, {*indicators(), *FUNCTIONS})
            or (
                f"; expected a column ({', '.join(PRICE_COLUMNS)}), position, or a name under "
                "variables, params or features"
            )
        )


def indicators() -> list[str]:
    """Return the names of the indicators that an expression can call."""
    return registry.names((Indicator, Composite))
