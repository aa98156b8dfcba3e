"""Conditions on parameter sets, such as ``fast < slow``: read by the parser of expressions."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from admf_kernels.expressions import ExpressionError
from admf_kernels.expressions.parse import parse
from admf_kernels.expressions.tree import (
    Arithmetic,
    Choice,
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

Set = Sequence[Any]
Term = Callable[[Set], Any]
Find = Callable[[str], Term]

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class NotInForce(Exception):  # noqa: N818 - no error: the condition does not apply
    """A parameter that a condition speaks of is not in force in this set."""


def condition(text: str, find: Find) -> Callable[[Set], bool]:
    """Return the test of a set that `text` means; `find` has the value of a name.

    A condition holds where a parameter that it names is not in force.
    Raises ExpressionError with the column.
    """
    term = _term(parse(text), find)

    def holds(values: Set) -> bool:
        try:
            return bool(term(values))
        except NotInForce:
            return True
        except ZeroDivisionError:
            return False
        except TypeError:
            raise ExpressionError(f"{text}: its parameters are not all numbers") from None

    return holds


def _term(tree: Tree, find: Find) -> Term:
    match tree:
        case Number(value) | Truth(value):
            return lambda values: value
        case Name() | OutputOf():
            return find(_dotted(tree))
        case Negative(operand):
            inner = _term(operand, find)
            return lambda values: -inner(values)
        case Not(operand):
            inner = _term(operand, find)
            return lambda values: not inner(values)
        case Arithmetic(sign, left, right):
            return _applied(_OPERATORS[sign], _term(left, find), _term(right, find))
        case Comparison(signs, operands):
            terms = [_term(o, find) for o in operands]
            pairs = zip(signs, terms, terms[1:], strict=False)
            return _all([_applied(_OPERATORS[sign], a, b) for sign, a, b in pairs])
        case Logic(word, operands):
            terms = [_term(o, find) for o in operands]
            return _all(terms) if word == "and" else _any(terms)
        case Choice(when, yes, no):
            test, left_term, right_term = (_term(t, find) for t in (when, yes, no))
            return lambda values: left_term(values) if test(values) else right_term(values)
        case _:
            raise ExpressionError("expected parameters, numbers and comparisons only", tree.at)


def _applied(function: Callable[[Any, Any], Any], left: Term, right: Term) -> Term:
    return lambda values: function(left(values), right(values))


def _all(terms: Sequence[Term]) -> Term:
    return lambda values: all(term(values) for term in terms)


def _any(terms: Sequence[Term]) -> Term:
    return lambda values: any(term(values) for term in terms)


def _dotted(tree: Tree) -> str:
    match tree:
        case Name(name):
            return name
        case OutputOf(feature, output):
            return f"{_dotted(feature)}.{output}"
        case _:
            raise ExpressionError("expected the name of a parameter", tree.at)
