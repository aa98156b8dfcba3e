"""The tree of an expression as it is written, and its text.

Two trees are equal when they say the same; where they stood in a text does not count.
"""

from dataclasses import dataclass, field

from admf_kernels.expressions.errors import ExpressionError

DEPTH_MAX = 40


@dataclass(frozen=True, slots=True)
class Tree:
    """Any part of an expression: its column in the text, counted from 1, and its depth."""

    at: int = field(default=0, compare=False, repr=False, kw_only=True)
    depth: int = field(default=1, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Number(Tree):
    """A number; 20 and 20.0 are one."""

    value: float


@dataclass(frozen=True, slots=True)
class Clock(Tree):
    """A time of day, in minutes since midnight: ``"09:30"``."""

    minutes: int


@dataclass(frozen=True, slots=True)
class Truth(Tree):
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Name(Tree):
    """A column, a variable, a parameter, a feature."""

    name: str


@dataclass(frozen=True, slots=True)
class Negative(Tree):
    """``-x``."""

    operand: Tree


@dataclass(frozen=True, slots=True)
class Arithmetic(Tree):
    """``a + b``; the operator is one of ``+ - * /``."""

    operator: str
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Comparison(Tree):
    """``a < b <= c``: one operator fewer than operands."""

    operators: tuple[str, ...]
    operands: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Logic(Tree):
    """``a and b and c``, or the same with ``or``."""

    operator: str
    operands: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Not(Tree):
    """``not a``."""

    operand: Tree


@dataclass(frozen=True, slots=True)
class Choice(Tree):
    """``yes if condition else no``."""

    condition: Tree
    yes: Tree
    no: Tree


@dataclass(frozen=True, slots=True)
class Call(Tree):
    """``name(arguments, keyword=value)``."""

    name: str
    arguments: tuple[Tree, ...]
    keywords: tuple[tuple[str, Tree], ...] = ()


@dataclass(frozen=True, slots=True)
class OutputOf(Tree):
    """``bollinger(20).lower``: one output of a feature that has several."""

    feature: Tree
    output: str


def deeper(at: int, *parts: Tree) -> int:
    """Return the depth of a tree made of these parts; refuses one that is too deep."""
    depth = 1 + max((part.depth for part in parts), default=0)
    if depth > DEPTH_MAX:
        raise ExpressionError(
            f"nested deeper than {DEPTH_MAX} levels; name parts of it under variables", at
        )
    return depth


# How tightly each form binds: a part that binds more loosely than its place asks for
# is written in parentheses.
CHOICE, OR, AND, NOT, COMPARISON, SUM, PRODUCT, UNARY, ATOM = range(9)
_ARITHMETIC = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT}
_LOGIC = {"or": OR, "and": AND}


def text_of(tree: Tree) -> str:
    """Return the text of a tree; parsed again it gives an equal tree."""
    return _written(tree)[0]


def number_text(value: float) -> str:
    """Return a number as it is written: whole ones without a fraction."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _written(tree: Tree) -> tuple[str, int]:
    """Return a tree's text and how tightly it binds."""
    match tree:
        case Number(value):
            return number_text(value), ATOM
        case Clock(minutes):
            return f'"{minutes // 60:02}:{minutes % 60:02}"', ATOM
        case Truth(value):
            return str(value).lower(), ATOM
        case Name(name):
            return name, ATOM
        case Negative(operand):
            return f"-{_part(operand, UNARY)}", UNARY
        case Arithmetic(operator, left, right):
            level = _ARITHMETIC[operator]
            return f"{_part(left, level)} {operator} {_part(right, level + 1)}", level
        case Comparison(operators, operands):
            words = [_part(operands[0], SUM)]
            for operator, operand in zip(operators, operands[1:], strict=True):
                words += [operator, _part(operand, SUM)]
            return " ".join(words), COMPARISON
        case Logic(operator, operands):
            level = _LOGIC[operator]
            return f" {operator} ".join(_part(o, level + 1) for o in operands), level
        case Not(operand):
            return f"not {_part(operand, NOT)}", NOT
        case Choice(condition, yes, no):
            parts = (_part(yes, OR), "if", _part(condition, OR), "else", _part(no, CHOICE))
            return " ".join(parts), CHOICE
        case Call(name, arguments, keywords):
            shown = [text_of(a) for a in arguments]
            shown += [f"{key}={text_of(value)}" for key, value in keywords]
            return f"{name}({', '.join(shown)})", ATOM
        case OutputOf(feature, output):
            return f"{_part(feature, ATOM)}.{output}", ATOM
        case _:
            raise AssertionError(tree)


def _part(tree: Tree, level: int) -> str:
    text, bound = _written(tree)
    return text if bound >= level else f"({text})"
