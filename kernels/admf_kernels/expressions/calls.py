"""Calls in an expression: the functions, and the indicators by their registered names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from admf_kernels import registry
from admf_kernels.contract import Composite, Indicator
from admf_kernels.errors import KernelError
from admf_kernels.expressions.errors import ExpressionError, nearest
from admf_kernels.expressions.graph import (
    NUMBER,
    Node,
    Recipe,
    Source,
    condition,
    feature,
    is_constant,
    node,
    number,
)
from admf_kernels.expressions.names import FUNCTIONS, indicators
from admf_kernels.expressions.sources import source_of
from admf_kernels.expressions.tree import Call, Clock, Tree, Truth
from admf_kernels.layout import Field, fields_of

if TYPE_CHECKING:
    from admf_kernels.expressions.resolve import Resolver


def call(resolver: Resolver, tree: Call) -> Node:
    """Return what a call stands for: a function of the language, or an indicator."""
    if tree.name in FUNCTIONS:
        return _function(resolver, tree)
    return indicator(resolver, tree, "")


def _function(resolver: Resolver, tree: Call) -> Node:
    names, least, make = _FUNCTIONS[tree.name]
    shown = f"{tree.name}({', '.join(names)}{', ...' if tree.name in ('min', 'max') else ''})"
    most = 100 if tree.name in ("min", "max") else len(names)
    if tree.keywords:
        raise ExpressionError(f"expected {shown}, values by place; found a name=", tree.at)
    if not least <= len(tree.arguments) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        count = f"{least} or more" if most == 100 else count
        raise ExpressionError(
            f"expected {shown}, {count} values; found {len(tree.arguments)}", tree.at
        )
    return make(resolver, tree)


def _folded(op: str) -> Callable[[Resolver, Call], Node]:
    def made(resolver: Resolver, tree: Call) -> Node:
        first, *others = map(resolver.number, tree.arguments)
        for other in others:
            first = node(op, first, other, at=tree.at)
        return first

    return made


def _abs(resolver: Resolver, tree: Call) -> Node:
    return node("abs", resolver.number(tree.arguments[0]), at=tree.at)


def _clip(resolver: Resolver, tree: Call) -> Node:
    value, low, high = map(resolver.number, tree.arguments)
    return node("max", low, node("min", value, high, at=tree.at), at=tree.at)


def _between(resolver: Resolver, tree: Call) -> Node:
    value, low, high = resolver.times(tree.arguments)
    from_low = condition(">=", value, low, at=tree.at)
    to_high = condition("<=", value, high, at=tree.at)
    clocks = [t.minutes for t in tree.arguments[1:] if isinstance(t, Clock)]
    over_midnight = len(clocks) == 2 and clocks[0] > clocks[1]
    return condition("or" if over_midnight else "and", from_low, to_high, at=tree.at)


def _lagged(made: Node, bars: Node, at: int) -> Node:
    """Return a number `bars` bars earlier; a constant is the same at all times."""
    if is_constant(made):
        return made
    shift = registry.get("shift")
    assert isinstance(shift, Indicator)
    return feature(Recipe(shift, (("bars", bars),), (source_of(made, at),)), at)


def _settled(made: Node, at: int) -> Node:
    """Return a number as the column whose earlier values are read beside it."""
    if is_constant(made):
        return made
    source = source_of(made, at)
    return Node("column", value=source) if isinstance(source, str) else feature(source, at)


def _pair(resolver: Resolver, tree: Call) -> tuple[Node, Node]:
    """Return a number and a constant count of bars, 1 where none is given."""
    value = resolver.number(tree.arguments[0])
    if len(tree.arguments) == 1:
        return value, number(1)
    bars = resolver.number(tree.arguments[1])
    if not is_constant(bars):
        raise ExpressionError(
            f"expected a constant number of bars in {tree.name}; found one that changes",
            tree.arguments[1].at,
        )
    return value, bars


def _lag(resolver: Resolver, tree: Call) -> Node:
    value, bars = _pair(resolver, tree)
    return _tried(resolver, _lagged(value, bars, tree.at), tree)


def _change(resolver: Resolver, tree: Call) -> Node:
    value, bars = _pair(resolver, tree)
    value = _settled(value, tree.at)
    before = _tried(resolver, _lagged(value, bars, tree.at), tree)
    return node("-", value, before, at=tree.at)


def _extreme(kernel: str) -> Callable[[Resolver, Call], Node]:
    def made(resolver: Resolver, tree: Call) -> Node:
        value, bars = _pair(resolver, tree)
        return _tried(resolver, _over(kernel, value, bars, tree.at), tree)

    return made


def _over(kernel: str, value: Node, bars: Node, at: int) -> Node:
    if is_constant(value):
        return value
    found = registry.get(kernel)
    assert isinstance(found, Indicator | Composite)
    return feature(Recipe(found, (("period", bars),), (source_of(value, at),)), at)


def _monotone(kernel: str, comparison: str) -> Callable[[Resolver, Call], Node]:
    def made(resolver: Resolver, tree: Call) -> Node:
        value, bars = _pair(resolver, tree)
        value = _settled(value, tree.at)
        before = _over(kernel, _lagged(value, number(1), tree.at), bars, tree.at)
        return condition(comparison, value, _tried(resolver, before, tree), at=tree.at)

    return made


def _crossing(*sides: tuple[str, str]) -> Callable[[Resolver, Call], Node]:
    def made(resolver: Resolver, tree: Call) -> Node:
        a, b = (_settled(resolver.number(t), t.at) for t in tree.arguments)
        before = [_lagged(x, number(1), tree.at) for x in (a, b)]
        found = [
            condition("and", condition(now, a, b), condition(then, *before), at=tree.at)
            for now, then in sides
        ]
        return found[0] if len(found) == 1 else condition("or", *found, at=tree.at)

    return made


def _bars_since(resolver: Resolver, tree: Call) -> Node:
    return node("since", resolver.condition(tree.arguments[0]), at=tree.at)


def _tried(resolver: Resolver, made: Node, tree: Call) -> Node:
    """Return a feature's node, made once with the configured parameters to see that it can be."""
    if made.op == "feature":
        values = {p.field: p.value for p in resolver.scope.params.values()}
        try:
            made.value.build(values)
        except ExpressionError:
            raise
        except KernelError as error:
            kernel = made.value.kernel.name
            text = str(error).replace(f"{kernel}: ", f"{tree.name}: ", 1)
            raise ExpressionError(text, tree.at) from error
    return made


_UP, _DOWN = (">", "<="), ("<", ">=")
# Argument names, how many must be given, and what is made of them.
_FUNCTIONS: dict[str, tuple[tuple[str, ...], int, Callable[[Resolver, Call], Node]]] = {
    "abs": (("x",), 1, _abs),
    "between": (("x", "low", "high"), 3, _between),
    "bars_since": (("condition",), 1, _bars_since),
    "change": (("x", "bars"), 1, _change),
    "clip": (("x", "low", "high"), 3, _clip),
    "crosses": (("a", "b"), 2, _crossing(_UP, _DOWN)),
    "crosses_above": (("a", "b"), 2, _crossing(_UP)),
    "crosses_below": (("a", "b"), 2, _crossing(_DOWN)),
    "falling": (("x", "bars"), 1, _monotone("rolling_min", "<")),
    "highest": (("x", "bars"), 2, _extreme("rolling_max")),
    "lag": (("x", "bars"), 1, _lag),
    "lowest": (("x", "bars"), 2, _extreme("rolling_min")),
    "max": (("a", "b"), 2, _folded("max")),
    "min": (("a", "b"), 2, _folded("min")),
    "rising": (("x", "bars"), 1, _monotone("rolling_max", ">")),
}


def indicator(resolver: Resolver, tree: Call, output: str) -> Node:
    """Return the feature that a call of an indicator means."""
    kernel = _kernel(resolver, tree)
    fields = {f.name: f for f in fields_of(kernel.params)}
    sources, by_place = _placed(resolver, tree, kernel)
    if len(by_place) > len(fields):
        raise ExpressionError(
            f"{tree.name} takes at most {len(fields)} parameters ({_listed(fields)}), "
            f"found {len(by_place)}",
            tree.at,
        )
    given: dict[str, Node | bool] = {}
    for field, argument in zip(fields.values(), by_place, strict=False):
        given[field.name] = _parameter(resolver, tree.name, field, argument)
    named: dict[str, Tree] = {}
    for key, argument in tree.keywords:
        if key in fields:
            if key in given:
                raise ExpressionError(f"{tree.name}: {key} is given twice", argument.at)
            given[key] = _parameter(resolver, tree.name, fields[key], argument)
        elif key == "of" or key in kernel.sources:
            named[key] = argument
        else:
            known = [*fields, *kernel.sources, "of"]
            raise ExpressionError(
                f"{tree.name} has no parameter {key!r}{nearest(key, known)} "
                f"(parameters: {_listed(fields)}; sources: {', '.join(kernel.sources)})",
                argument.at,
            )
    read = _sources(resolver, tree, kernel, sources, named)
    recipe = Recipe(kernel, tuple(sorted(given.items())), read, _output(tree, kernel, output))
    return _tried(resolver, feature(recipe, tree.at), tree)


def _kernel(resolver: Resolver, tree: Call) -> Indicator | Composite:
    known = indicators()
    if tree.name in known:
        found = registry.get(tree.name)
        assert isinstance(found, Indicator | Composite)
        return found
    scope = resolver.scope
    if tree.name in {*scope.features, *scope.variables, *scope.params}:
        raise ExpressionError(f"{tree.name} takes nothing; write it without (...)", tree.at)
    hint = nearest(tree.name, {*known, *FUNCTIONS})
    if tree.name in registry.names():
        hint = "; that is a strategy"
    raise ExpressionError(
        f"no indicator or function is named {tree.name!r}{hint or '; see admf kernels list'}",
        tree.at,
    )


def _listed(names: Any) -> str:
    return ", ".join(names) or "none"


def _placed(
    resolver: Resolver, tree: Call, kernel: Indicator | Composite
) -> tuple[list[Tree], list[Tree]]:
    """Return the arguments by place that are sources, and those that are parameters after."""
    constant = [_is_constant(resolver, argument) for argument in tree.arguments]
    count = constant.index(True) if True in constant else len(constant)
    if False in constant[count:]:
        late = tree.arguments[count + constant[count:].index(False)]
        raise ExpressionError(
            f"{tree.name}: expected a constant parameter; sources come first, such as "
            f"sma(close, 20), or by name, such as sma(20, of=close)",
            late.at,
        )
    if count and count != len(kernel.sources):
        raise ExpressionError(
            f"{tree.name} reads {len(kernel.sources)} sources ({_listed(kernel.sources)}), "
            f"found {count}; leave them out to read those columns",
            tree.arguments[0].at,
        )
    return list(tree.arguments[:count]), list(tree.arguments[count:])


def _is_constant(resolver: Resolver, tree: Tree) -> bool:
    return isinstance(tree, Truth) or is_constant(resolver.resolve(tree))


def _parameter(resolver: Resolver, name: str, field: Field, tree: Tree) -> Node | bool:
    if isinstance(tree, Truth):
        if field.kind != "bool":
            raise ExpressionError(f"{name}: {field.name} must be a number", tree.at)
        return tree.value
    made = resolver.resolve(tree)
    if made.kind != NUMBER or not is_constant(made) or field.kind == "bool":
        wanted = "true or false" if field.kind == "bool" else "a constant number"
        raise ExpressionError(f"{name}: {field.name} must be {wanted}", tree.at)
    return made


def _sources(
    resolver: Resolver,
    tree: Call,
    kernel: Indicator | Composite,
    by_place: list[Tree],
    named: dict[str, Tree],
) -> tuple[Source, ...]:
    """Return one source per declared column; none where all are the declared ones."""
    if by_place and named:
        at = next(iter(named.values())).at
        raise ExpressionError(f"{tree.name}: its source is given twice", at)
    if "of" in named and (len(kernel.sources) != 1 or len(named) > 1):
        raise ExpressionError(
            f"{tree.name} reads {len(kernel.sources)} sources; name them: "
            f"{', '.join(f'{n}=' for n in kernel.sources)}",
            named["of"].at,
        )
    if "of" in named:
        by_place = [named["of"]]
    if by_place:
        return tuple(source_of(resolver.number(t), t.at) for t in by_place)
    if not named:
        return ()
    return tuple(
        source_of(resolver.number(named[name]), named[name].at)
        if name in named
        else str(kernel.inputs[name])
        for name in kernel.sources
    )


def _output(tree: Call, kernel: Indicator | Composite, output: str) -> str:
    outputs = kernel.outputs
    if not output and len(outputs) > 1:
        raise ExpressionError(
            f"{tree.name} has several outputs; name one: {', '.join('.' + o for o in outputs)}",
            tree.at,
        )
    if output and output not in outputs:
        raise ExpressionError(
            f"{tree.name} has no output {output!r}{nearest(output, outputs)} "
            f"(outputs: {', '.join(outputs)})",
            tree.at,
        )
    return output if len(outputs) > 1 else ""
