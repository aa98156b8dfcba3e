"""Random expressions: trees of numbers and conditions, and a slow reading of what they mean."""

import math

from hypothesis import strategies as st

from admf_kernels.expressions.tree import (
    Arithmetic,
    Call,
    Choice,
    Comparison,
    Logic,
    Name,
    Negative,
    Not,
    Number,
    Truth,
)

COLUMNS = ("open", "high", "low", "close", "volume")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
literals = st.sampled_from((0.0, 1.0, 2.0, 0.5, 1e-9, 1e300, 20.0, 70.5)).map(Number)
columns = st.sampled_from(COLUMNS).map(Name)
bars = st.integers(1, 6).map(float).map(Number)


@st.composite
def numbers(draw, depth=3, inside=False):
    """A number; `inside` a feature there is no position and nothing with a state."""
    if depth == 0:
        return draw(columns | literals)
    kinds = ["leaf", "arithmetic", "negative", "choice", "abs", "fold", "clip", "feature"]
    kind = draw(st.sampled_from(kinds if inside else [*kinds, "position", "since"]))
    number = numbers(depth - 1, inside)
    match kind:
        case "leaf":
            return draw(columns | literals)
        case "arithmetic":
            return Arithmetic(draw(st.sampled_from("+-*/")), draw(number), draw(number))
        case "negative":
            return Negative(draw(number))
        case "choice":
            return Choice(draw(conditions(depth - 1, inside)), draw(number), draw(number))
        case "abs":
            return Call("abs", (draw(number),))
        case "fold":
            values = draw(st.lists(number, min_size=2, max_size=3))
            return Call(draw(st.sampled_from(("min", "max"))), tuple(values))
        case "clip":
            return Call("clip", (draw(number), Number(0.25), draw(number)))
        case "position":
            return Name("position")
        case "since":
            return Call("bars_since", (draw(conditions(depth - 1)),))
        case _:
            name = draw(st.sampled_from(("lag", "highest", "lowest", "change", "sma")))
            return Call(name, (draw(sources(depth - 1)), draw(bars)))


@st.composite
def sources(draw, depth=1):
    """A number that reads a column, as what a feature is made of must."""
    if depth <= 0 or draw(st.booleans()):
        return draw(columns)
    operator = draw(st.sampled_from("+-*/"))
    return Arithmetic(operator, draw(columns), draw(numbers(depth - 1, inside=True)))


@st.composite
def conditions(draw, depth=3, inside=False):
    if depth == 0:
        kinds = st.sampled_from(COMPARISONS).map(lambda o: (o,))
        return Comparison(draw(kinds), (draw(columns), draw(columns | literals)))
    number, condition = numbers(depth - 1, inside), conditions(depth - 1, inside)
    kinds = ["compare", "logic", "not", "between", "choice", "truth", "crosses", "monotone"]
    match draw(st.sampled_from(kinds)):
        case "compare":
            operators = draw(st.lists(st.sampled_from(COMPARISONS), min_size=1, max_size=2))
            operands = [draw(number) for _ in range(len(operators) + 1)]
            return Comparison(tuple(operators), tuple(operands))
        case "logic":
            operands = draw(st.lists(condition, min_size=2, max_size=3))
            return Logic(draw(st.sampled_from(("and", "or"))), tuple(operands))
        case "not":
            return Not(draw(condition))
        case "between":
            return Call("between", (draw(number), draw(number), draw(number)))
        case "choice":
            return Choice(draw(condition), draw(condition), draw(condition))
        case "truth":
            return Truth(draw(st.booleans()))
        case "crosses":
            name = draw(st.sampled_from(("crosses", "crosses_above", "crosses_below")))
            return Call(name, (draw(sources(depth - 1)), draw(sources(depth - 1) | literals)))
        case _:
            name = draw(st.sampled_from(("rising", "falling")))
            return Call(name, (draw(sources(depth - 1)), draw(bars)))


def _none_if_nan(*values):
    return any(math.isnan(v) for v in values)


class Reading:
    """What a tree means on bar `t` of columns: written for being obvious, not for speed."""

    def __init__(self, data):
        self.data = data

    def finite(self, tree, t):
        """A tree as the source of a feature: what is no finite number is 0."""
        value = self.at(tree, t)
        return value if isinstance(tree, Name) or math.isfinite(value) else 0.0

    def last(self, tree, t, count):
        return [self.finite(tree, k) for k in range(t - count + 1, t + 1)]

    def at(self, tree, t):
        match tree:
            case Number(value) | Truth(value):
                return value
            case Name(name):
                return self.data[name][t]
            case Negative(operand):
                return -self.at(operand, t)
            case Arithmetic("/", left, right):
                a, b = self.at(left, t), self.at(right, t)
                return math.nan if b == 0.0 else a / b
            case Arithmetic(operator, left, right):
                a, b = self.at(left, t), self.at(right, t)
                return {"+": a.__add__, "-": a.__sub__, "*": a.__mul__}[operator](b)
            case Comparison(operators, operands):
                values = [self.at(o, t) for o in operands]
                pairs = zip(operators, values, values[1:], strict=False)
                return all(self.compared(o, a, b) for o, a, b in pairs)
            case Logic(operator, operands):
                return {"and": all, "or": any}[operator]([self.at(o, t) for o in operands])
            case Not(operand):
                return not self.at(operand, t)
            case Choice(condition, yes, no):
                return self.at(yes, t) if self.at(condition, t) else self.at(no, t)
            case Call(name, arguments):
                return getattr(self, f"call_{name}")(t, *arguments)
        raise AssertionError(tree)

    @staticmethod
    def compared(operator, a, b):
        return {
            "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b,
        }[operator]  # fmt: skip

    def call_abs(self, t, x):
        return abs(self.at(x, t))

    def call_min(self, t, *parts):
        values = [self.at(p, t) for p in parts]
        return math.nan if _none_if_nan(*values) else min(values)

    def call_max(self, t, *parts):
        values = [self.at(p, t) for p in parts]
        return math.nan if _none_if_nan(*values) else max(values)

    def call_clip(self, t, x, low, high):
        values = [self.at(p, t) for p in (x, low, high)]
        return math.nan if _none_if_nan(*values) else max(values[1], min(values[0], values[2]))

    def call_between(self, t, x, low, high):
        value, least, most = (self.at(p, t) for p in (x, low, high))
        return least <= value <= most

    def call_lag(self, t, x, count):
        return self.finite(x, t - int(count.value))

    def call_change(self, t, x, count):
        return self.finite(x, t) - self.finite(x, t - int(count.value))

    def call_highest(self, t, x, count):
        return max(self.last(x, t, int(count.value)))

    def call_lowest(self, t, x, count):
        return min(self.last(x, t, int(count.value)))

    def call_rising(self, t, x, count):
        return self.finite(x, t) > max(self.last(x, t - 1, int(count.value)))

    def call_falling(self, t, x, count):
        return self.finite(x, t) < min(self.last(x, t - 1, int(count.value)))

    def call_crosses_above(self, t, a, b):
        now, before = ([self.finite(x, k) for x in (a, b)] for k in (t, t - 1))
        return now[0] > now[1] and before[0] <= before[1]

    def call_crosses_below(self, t, a, b):
        now, before = ([self.finite(x, k) for x in (a, b)] for k in (t, t - 1))
        return now[0] < now[1] and before[0] >= before[1]

    def call_crosses(self, t, a, b):
        return self.call_crosses_above(t, a, b) or self.call_crosses_below(t, a, b)
