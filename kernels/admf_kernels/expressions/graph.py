"""What an expression computes: typed operations over columns, features and parameters.

A tree says how something was written, a graph what it means: names are resolved, ranges
and times are numbers, and every node is a number or a condition.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from admf_kernels.contract import Composite, Indicator, Output, Strategy, output_of
from admf_kernels.errors import KernelError
from admf_kernels.expressions.errors import ExpressionError
from admf_kernels.layout import fields_of

NUMBER, CONDITION = "a number", "a condition"
SIZE_MAX = 2000
DEPTH_MAX = 100
LEAVES = ("column", "feature")

Values = Mapping[str, float]  # of the parameters


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    Attributes
    ----------
    op : str
        ``number column feature param position negative + - * / abs min max choice since``
        or a comparison, ``and or not truth``.
    parts : tuple of Node
    value : float, str, bool or a recipe
        Of a number, a column or a parameter by name, a truth, a feature.
    kind : str
        NUMBER or CONDITION.
    """

    op: str
    parts: tuple["Node", ...] = ()
    value: Any = None
    kind: str = NUMBER
    size: int = field(default=1, compare=False)
    depth: int = field(default=1, compare=False)

    def walk(self) -> Iterator["Node"]:
        """Yield this node and all below it, parts first."""
        for part in self.parts:
            yield from part.walk()
        yield self


def node(op: str, *parts: Node, value: Any = None, kind: str = NUMBER, at: int = 0) -> Node:
    """Return a node; refuses an expression that has grown too large through its variables."""
    size = 1
    for part in parts:
        size += part.size
    depth = 1 + max((part.depth for part in parts), default=0)
    _limit(size, depth, at)
    return Node(op, parts, value, kind, size, depth)


def feature(recipe: "AnyRecipe", at: int = 0) -> Node:
    """Return a feature, as large and as deep as what it is made of."""
    _limit(recipe.size, recipe.depth, at)
    return Node("feature", (), recipe, NUMBER, recipe.size, recipe.depth)


def _limit(size: int, depth: int, at: int) -> None:
    if size > SIZE_MAX or depth > DEPTH_MAX:
        raise ExpressionError(
            f"with its variables written out the expression has more than {SIZE_MAX} operations "
            f"or {DEPTH_MAX} levels; write less",
            at,
        )


def number(value: float) -> Node:
    """Return a literal."""
    return Node("number", value=float(value))


def condition(op: str, *parts: Node, at: int = 0) -> Node:
    """Return a comparison or a combination of conditions."""
    return node(op, *parts, kind=CONDITION, at=at)


def all_of(parts: list[Node]) -> Node:
    """Return the condition that all of these hold; of none it is true."""
    if not parts:
        return Node("truth", value=True, kind=CONDITION)
    return parts[0] if len(parts) == 1 else condition("and", *parts)


def is_constant(made: Node) -> bool:
    """Whether a node is made of numbers and parameters alone."""
    return all(n.op in ("number", "param", "negative", *"+-*/") for n in made.walk())


def constant(made: Node, values: Values) -> float:
    """Return the value of a constant node for these parameters."""
    parts = [constant(part, values) for part in made.parts]
    match made.op:
        case "number":
            return float(made.value)
        case "param":
            return float(values[made.value])
        case "negative":
            return -parts[0]
        case "+":
            return parts[0] + parts[1]
        case "-":
            return parts[0] - parts[1]
        case "*":
            return parts[0] * parts[1]
        case "/":
            if parts[1] == 0.0:
                raise KernelError("a parameter is divided by 0")
            return parts[0] / parts[1]
        case _:
            raise AssertionError(made.op)


@dataclass(frozen=True)
class Recipe:
    """How a feature is made once the parameters are known.

    Attributes
    ----------
    kernel : Indicator or Composite
    params : tuple of (name, Node or bool)
        Constant nodes, by the kernel's parameter.
    sources : tuple of str and Recipe
        None: the columns that the kernel declares.
    output : str
        Of a kernel with several; else "".
    """

    kernel: Indicator | Composite
    params: tuple[tuple[str, Node | bool], ...] = ()
    sources: "tuple[str | AnyRecipe, ...]" = ()
    output: str = ""
    size: int = field(init=False, compare=False)
    depth: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        parts: tuple[Any, ...] = (*(made for _, made in self.params), *self.sources)
        made = [part for part in parts if not isinstance(part, str | bool)]
        size = 1
        for part in made:
            size += part.size
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "depth", 1 + max((part.depth for part in made), default=0))

    def build(self, values: Values) -> Output:
        """Return the feature for these parameters; raises KernelError for impossible ones."""
        kinds = {f.name: f.kind for f in fields_of(self.kernel.params)}
        given = {
            name: made if isinstance(made, bool) else _as_kind(kinds[name], constant(made, values))
            for name, made in self.params
        }
        sources = tuple(s if isinstance(s, str) else s.build(values) for s in self.sources)
        made = self.kernel(**given, of=sources or None)
        several = self.output and len(self.kernel.outputs) > 1
        return output_of(getattr(made, self.output) if several else made)

    def param_names(self) -> Iterator[tuple[str, str]]:
        """Yield each parameter that this feature depends on, and as which kind."""
        kinds = {f.name: f.kind for f in fields_of(self.kernel.params)}
        for name, made in self.params:
            if isinstance(made, Node):
                yield from ((n.value, kinds[name]) for n in made.walk() if n.op == "param")
        for source in self.sources:
            if not isinstance(source, str):
                yield from source.param_names()


def _as_kind(kind: str, value: float) -> Any:
    """Return a constant as the kind of a parameter; a fraction stays one, to be refused."""
    return int(value) if kind == "int" and value.is_integer() else value


@dataclass(frozen=True)
class Ready:
    """A feature that is already made: one of the configuration's."""

    output: Output
    size = 1
    depth = 1

    def build(self, values: Values) -> Output:
        """Return the feature."""
        return self.output

    def param_names(self) -> Iterator[tuple[str, str]]:
        """Yield nothing: it depends on no parameter."""
        return iter(())


@dataclass(frozen=True)
class Read:
    """A feature that a strategy kernel reads, for parameters named as in the whole strategy."""

    kernel: Strategy
    params: Callable[[Values], Any] = field(compare=False)
    prefix: str  # of the parameters' names
    name: str
    size = 1
    depth = 1

    def build(self, values: Values) -> Output:
        """Return the feature for these parameters."""
        return self.kernel.outputs_for(self.params(values))[self.name]

    def param_names(self) -> Iterator[tuple[str, str]]:
        """Yield nothing: the kernel's parameters are declared by the kernel."""
        return iter(())


AnyRecipe = Recipe | Ready | Read
Source = str | AnyRecipe
