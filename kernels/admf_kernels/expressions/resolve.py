"""From a tree to a graph: names are looked up, numbers and conditions told apart."""

from admf_kernels.expressions import calls
from admf_kernels.expressions.errors import ExpressionError
from admf_kernels.expressions.graph import (
    CONDITION,
    NUMBER,
    Node,
    Ready,
    all_of,
    condition,
    node,
    number,
)
from admf_kernels.expressions.names import ALIASES, COLUMNS, Scope
from admf_kernels.expressions.parse import parse
from admf_kernels.expressions.tree import (
    Arithmetic,
    Call,
    Choice,
    Clock,
    Comparison,
    Logic,
    Name,
    Negative,
    Not,
    Number,
    OutputOf,
    Tree,
    Truth,
)

CLOCK = "minute_of_day"


def number_of(text: str, scope: Scope) -> Node:
    """Return the graph of an expression that must be a number."""
    return Resolver(scope).wanted(parse(text), NUMBER)


def condition_of(text: str, scope: Scope) -> Node:
    """Return the graph of an expression that must be a condition."""
    return Resolver(scope).wanted(parse(text), CONDITION)


class Resolver:
    """Resolves trees in one scope; `pending` are the variables being resolved."""

    def __init__(self, scope: Scope, pending: tuple[str, ...] = ()) -> None:
        self.scope = scope
        self.pending = pending
        self._known: dict[int, tuple[Tree, Node]] = {}  # by identity: a tree is resolved once

    def wanted(self, tree: Tree, kind: str) -> Node:
        """Return the graph of a tree that must be of a kind."""
        made = self.resolve(tree)
        if made.kind == kind:
            return made
        remedy = "write 1 if ... else 0" if kind == NUMBER else "compare it, such as x > 0"
        raise ExpressionError(f"expected {kind}, found {made.kind}; {remedy}", tree.at)

    def number(self, tree: Tree) -> Node:
        """Return the graph of a tree that must be a number."""
        return self.wanted(tree, NUMBER)

    def condition(self, tree: Tree) -> Node:
        """Return the graph of a tree that must be a condition."""
        return self.wanted(tree, CONDITION)

    def resolve(self, tree: Tree) -> Node:
        """Return the graph of a tree."""
        if id(tree) not in self._known:
            self._known[id(tree)] = (tree, self._resolved(tree))
        return self._known[id(tree)][1]

    def _resolved(self, tree: Tree) -> Node:
        match tree:
            case Number(value):
                return number(value)
            case Truth(value):
                return Node("truth", value=value, kind=CONDITION)
            case Name(name):
                return self.name(name, tree.at)
            case Negative(operand):
                return node("negative", self.number(operand), at=tree.at)
            case Arithmetic(operator, left, right):
                return node(operator, self.number(left), self.number(right), at=tree.at)
            case Comparison():
                return self.comparison(tree)
            case Logic(operator, operands):
                return condition(operator, *map(self.condition, operands), at=tree.at)
            case Not(operand):
                return condition("not", self.condition(operand), at=tree.at)
            case Choice(asked, yes, no):
                first = self.resolve(yes)
                parts = (self.condition(asked), first, self.wanted(no, first.kind))
                return node("choice", *parts, kind=first.kind, at=tree.at)
            case Call():
                return calls.call(self, tree)
            case OutputOf(Call() as feature, output):
                return calls.indicator(self, feature, output)
            case OutputOf(Name(name), _):
                raise ExpressionError(
                    f"{name!r} has no outputs; a call has them, such as bollinger(20).lower",
                    tree.at,
                )
            case Clock():
                raise ExpressionError(
                    'a time of day such as "09:30" is compared with time, or stands in between',
                    tree.at,
                )
            case _:
                raise AssertionError(tree)

    def name(self, name: str, at: int) -> Node:
        """Return what a bare name stands for."""
        scope = self.scope
        if name in scope.params:
            return Node("param", value=scope.params[name].field)
        if name in scope.variables:
            return self.variable(name, at)
        if name in scope.features:
            return Node("feature", value=Ready(scope.features[name]))
        if name in COLUMNS or name in ALIASES:
            return Node("column", value=ALIASES.get(name, name))
        if name == "position":
            return Node("position")
        raise ExpressionError(f"no {name!r} is known{scope.hint(name)}", at)

    def variable(self, name: str, at: int) -> Node:
        """Return the graph of a variable; an error in its text tells the variable's place."""
        if name in self.pending:
            circle = " -> ".join((*self.pending[self.pending.index(name) :], name))
            raise ExpressionError(f"variables refer to each other in a circle: {circle}", at)
        found = self.scope.variables[name]
        if name not in found.scope.known:
            try:
                made = Resolver(found.scope, (*self.pending, name)).resolve(parse(found.text))
            except ExpressionError as error:
                raise error if error.place else error.at(found.place) from None
            found.scope.known[name] = made
        return found.scope.known[name]

    def comparison(self, tree: Comparison) -> Node:
        """Return the condition that every step of a chain holds."""
        operands = self.times(tree.operands)
        steps = [
            condition(operator, left, right, at=tree.at)
            for operator, left, right in zip(tree.operators, operands, operands[1:], strict=False)
        ]
        return steps[0] if len(steps) == 1 else all_of(steps)

    def times(self, trees: tuple[Tree, ...]) -> list[Node]:
        """Return numbers that are compared; a time of day only beside the clock."""
        made = [
            number(tree.minutes) if isinstance(tree, Clock) else self.number(tree) for tree in trees
        ]
        clock = next((tree for tree in trees if isinstance(tree, Clock)), None)
        others = [m for m, t in zip(made, trees, strict=True) if not isinstance(t, Clock)]
        if clock and not (others and all(o == Node("column", value=CLOCK) for o in others)):
            raise ExpressionError(
                'a time of day is compared with time alone, such as time >= "09:30"', clock.at
            )
        return made
