"""An expression as the source of a feature: a generated indicator that keeps nothing."""

import functools

from admf_kernels.contract import Indicator
from admf_kernels.expressions.errors import ExpressionError
from admf_kernels.expressions.generate import class_of, digest_of, function_of
from admf_kernels.expressions.graph import LEAVES, NUMBER, Node, Recipe, Source
from admf_kernels.expressions.writer import Writer

REFUSED = {"position": "position", "since": "bars_since"}


def source_of(made: Node, at: int = 0) -> Source:
    """Return a number as the source of a feature; equal expressions share one kernel."""
    if made.op in LEAVES:
        return made.value  # type: ignore[no-any-return]  # a column's name, a feature's recipe
    if made.kind != NUMBER:
        raise ExpressionError("expected a number, found a condition; write 1 if ... else 0", at)
    for inner in made.walk():
        if inner.op in REFUSED:
            raise ExpressionError(
                f"{REFUSED[inner.op]} belongs to the strategy and cannot stand inside a feature",
                at,
            )
    leaves = list(dict.fromkeys(n for n in made.walk() if n.op in LEAVES))
    if not leaves:
        raise ExpressionError(
            "the source of a feature must read a column or a feature; found a constant", at
        )
    named = list(dict.fromkeys(n for n in made.walk() if n.op == "param"))
    places = {leaf: Node("column", value=f"x{k}") for k, leaf in enumerate(leaves)}
    places |= {param: Node("param", value=f"p{k}") for k, param in enumerate(named)}
    kernel = _kernel(_replaced(made, places), len(leaves), len(named))
    params = tuple((f"p{k}", param) for k, param in enumerate(named))
    return Recipe(kernel, params, tuple(leaf.value for leaf in leaves))


def _replaced(made: Node, places: dict[Node, Node]) -> Node:
    """Return the graph with every leaf and parameter under the name it has in the kernel."""
    if made in places:
        return places[made]
    parts = tuple(_replaced(part, places) for part in made.parts)
    return Node(made.op, parts, made.value, made.kind, made.size, made.depth)


@functools.cache
def _kernel(made: Node, leaves: int, named: int) -> Indicator:
    """Return the indicator that computes a graph over ``x0, x1 ...`` and ``p0, p1 ...``."""
    writer = Writer()
    writer.constants = {f"p{k}": k for k in range(named)}
    lines = [*_ends(writer, writer.value(made))]
    inputs = [f"x{k}" for k in range(leaves)]
    arguments = [*(["c"] if writer.reads_constants else []), *inputs]
    name = f"expression_{digest_of(arguments, *lines)}"
    params = class_of(f"Params_{name}", [(f"p{k}", float) for k in range(named)])
    step = function_of("step", arguments, lines, {})
    return Indicator(
        name, step, params, class_of("", ()), params, _same, (),
        dict.fromkeys(inputs, "close"), ("value",), 1, None,
    )  # fmt: skip


def _ends(writer: Writer, value: str) -> list[str]:
    return [*writer.lines, f"return or_zero({value})"]


def _same(p: object) -> object:
    return p
