"""The values of one swept key: a list, a range, or a stretch to draw from.

A text such as ``range(10, 50, 5)`` is read by the parser of expressions; nothing of it is
ever executed. Values are made when they are asked for, so the longest range costs nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from admf_kernels.expressions import ExpressionError
from admf_kernels.expressions.parse import parse
from admf_kernels.expressions.tree import Call, Negative, Number, Tree
from admf_kernels.numeric import exp, log

FORMS = (
    "range(first, last, step), linspace(first, last, count), logspace(first, last, count), "
    "uniform(low, high), loguniform(low, high)"
)


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a key.

    Attributes
    ----------
    count : int
        How many; 0 for a stretch of numbers, which can only be drawn from.
    at : function of int
        The value of a place.
    draw : function of float
        The value at a share in [0, 1) of the way.
    """

    count: int
    at: Callable[[int], Any]
    draw: Callable[[float], Any]


def values_of(given: Any) -> Values:
    """Return the values that a list, a text or a single value means; ValueError if none."""
    if isinstance(given, list | tuple):
        if not given:
            raise ValueError("expected 1 or more values; found an empty list")
        return listed(given)
    if isinstance(given, str) and "(" in given:
        return _from_text(given)
    return listed([given])


def _counted(count: int, at: Callable[[int], Any]) -> Values:
    return Values(count, at, lambda share: at(min(int(share * count), count - 1)))


def listed(given: Sequence[Any]) -> Values:
    """Return values that are all there."""
    return _counted(len(given), lambda k: given[k])


def _from_text(text: str) -> Values:
    try:
        tree = parse(text)
    except ExpressionError as error:
        raise ValueError(f"{error.text}; expected a list or {FORMS}") from error
    if not isinstance(tree, Call) or tree.keywords or tree.name not in _MAKERS:
        raise ValueError(f"expected a list or one of {FORMS}; found {text}")
    return _MAKERS[tree.name](text, [_number(a, text) for a in tree.arguments])


def _number(tree: Tree, text: str) -> float:
    match tree:
        case Number(value):
            return value
        case Negative(Number(value)):
            return -value
        case _:
            raise ValueError(f"expected numbers inside ( ); found {text}")


def _whole(value: float) -> float:
    """Return whole numbers as such: a period of 20.0 is 20."""
    return int(value) if value.is_integer() else value


def _range(text: str, given: list[float]) -> Values:
    if len(given) not in (2, 3):
        raise ValueError(f"expected range(first, last) or range(first, last, step); found {text}")
    # In decimals: range(0.1, 0.3, 0.1) ends with 0.3, which 0.1 + 0.1 + 0.1 is not.
    first, last, step = (Decimal(repr(v)) for v in [*given, 1.0][:3])
    if step == 0 or (last - first) / step < 0:
        raise ValueError(f"expected a step that leads from first to last; found {text}")
    count = int((last - first) / step) + 1
    return _counted(count, lambda k: _whole(float(first + k * step)))


def _linspace(text: str, given: list[float]) -> Values:
    first, last, count = _ends_and_count("linspace", text, given)
    part = (last - first) / max(count - 1, 1)
    return _counted(count, lambda k: _whole(last if k == count - 1 > 0 else first + part * k))


def _logspace(text: str, given: list[float]) -> Values:
    first, last, count = _ends_and_count("logspace", text, given)
    _require_positive(text, first, last)
    part = log(last / first) / max(count - 1, 1)

    def at(k: int) -> float:
        if k in (0, count - 1):
            return _whole(last if k else first)
        return float(first * exp(part * k))

    return _counted(count, at)


def _uniform(text: str, given: list[float]) -> Values:
    low, high = _ends("uniform", text, given)
    return _stretch(lambda share: low + (high - low) * share)


def _loguniform(text: str, given: list[float]) -> Values:
    low, high = _ends("loguniform", text, given)
    _require_positive(text, low, high)
    return _stretch(lambda share: float(low * exp(log(high / low) * share)))


def _stretch(draw: Callable[[float], float]) -> Values:
    return Values(0, lambda k: draw(0.0), draw)


def _ends_and_count(name: str, text: str, given: list[float]) -> tuple[float, float, int]:
    if len(given) != 3 or not given[2].is_integer() or given[2] < 1:
        raise ValueError(f"expected {name}(first, last, count) with a whole count; found {text}")
    return given[0], given[1], int(given[2])


def _ends(name: str, text: str, given: list[float]) -> tuple[float, float]:
    if len(given) != 2 or not given[0] < given[1]:
        raise ValueError(f"expected {name}(low, high) with low < high; found {text}")
    return given[0], given[1]


def _require_positive(text: str, *ends: float) -> None:
    if not all(end > 0.0 for end in ends):
        raise ValueError(f"expected ends above 0; found {text}")


_MAKERS: dict[str, Callable[[str, list[float]], Values]] = {
    "range": _range,
    "linspace": _linspace,
    "logspace": _logspace,
    "uniform": _uniform,
    "loguniform": _loguniform,
}
