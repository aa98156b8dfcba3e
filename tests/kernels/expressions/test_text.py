"""The language: what is read, what is written, and what is refused with which words."""

import ast
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels.expressions import ExpressionError, Rules, Side, feature_of, strategy_of
from admf_kernels.expressions.names import Scope
from admf_kernels.expressions.parse import parse
from admf_kernels.expressions.resolve import condition_of, number_of
from admf_kernels.expressions.tree import (
    Arithmetic,
    Call,
    Choice,
    Clock,
    Comparison,
    Logic,
    Name,
    Not,
    Number,
    OutputOf,
    Truth,
    text_of,
)
from tests.kernels.expressions.trees import conditions, numbers
from tests.kernels.strategies import quick


@quick(300)
@given(numbers() | conditions())
def test_what_is_written_reads_back_as_the_same_tree(tree):
    assert parse(text_of(tree)) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("close", Name("close")),
        ("20", Number(20.0)),
        ("1.5e-3", Number(0.0015)),
        ("true", Truth(True)),
        ("a - b - c", Arithmetic("-", Arithmetic("-", Name("a"), Name("b")), Name("c"))),
        ("a + b * c", Arithmetic("+", Name("a"), Arithmetic("*", Name("b"), Name("c")))),
        ("a < b <= c", Comparison(("<", "<="), (Name("a"), Name("b"), Name("c")))),
        ("not a < b", Not(Comparison(("<",), (Name("a"), Name("b"))))),
        ("a or b and c", Logic("or", (Name("a"), Logic("and", (Name("b"), Name("c")))))),
        ("1 if a else 2", Choice(Name("a"), Number(1.0), Number(2.0))),
        ('time >= "09:45"', Comparison((">=",), (Name("time"), Clock(585)))),
        ("sma(20, of=volume)", Call("sma", (Number(20.0),), (("of", Name("volume")),))),
        ("bollinger(20).lower", OutputOf(Call("bollinger", (Number(20.0),)), "lower")),
        ("(a)\n  +\tb", Arithmetic("+", Name("a"), Name("b"))),
    ],
)
def test_the_grammar(text, tree):
    assert parse(text) == tree
    assert parse(text_of(tree)) == tree


REFUSED = [
    # What other languages can do.
    ("__import__('os').system('x')", 12, "expected a time of day"),
    ("().__class__", 2, "found ')'"),
    ("close.__class__ > 1", 6, "'close' has no outputs"),
    ("sma(20).__class__ > 1", 1, "sma has no output '__class__'"),
    ("''.join", 1, "expected a time of day"),
    ("lambda: 1", 7, "':' is no part of an expression"),
    ("lambda x", 1, "found 'lambda'"),
    ("import os", 1, "found 'import'"),
    ("[x for x in y]", 1, "'[' is no part of an expression; an earlier value is lag(close, 1)"),
    ("close[1] > 2", 6, "an earlier value is lag(close, 1)"),
    ("{1: 2}", 1, "'{' is no part of an expression"),
    ("${fast} > 1", 1, "write the bare name of the parameter"),
    ("close ** 2 > 1", 7, "'**' is no part of an expression; write the product out"),
    ("close ^ 2 > 1", 7, "write the product out"),
    ("close // 2 > 1", 7, "'//' is no part of an expression"),
    ("close % 2 > 1", 7, "'%' is no part of an expression"),
    ("a := 1", 3, "name it under variables"),
    ("close > 1 & open > 1", 11, "write and"),
    ("close > 1 && open > 1", 11, "write and"),
    ("close > 1 AND open > 1", 11, "expected an operator or the end, found 'AND'"),
    ("!(close > 1)", 1, "write not"),
    ("close = 1", 7, "write == to compare"),
    ("close in open", 7, "write between(x, low, high)"),
    ("close is open", 7, "write =="),
    ("close > 1 # high", 11, "comments stand outside"),
    ("print(close)", 1, "no indicator or function is named 'print'"),
    ("eval(close) > 1", 1, "no indicator or function is named 'eval'"),
    ("open(close) > 1", 1, "no indicator or function is named 'open'"),
    ("close > 1; close", 10, "';' is no part of an expression"),
    ("close\x00> 1", 6, "'\\x00' is no part of an expression"),
    ("clöse > 1", 3, "'\\xf6' is no part of an expression"),
    # What is not finished or too much.
    ("", 1, "expected a number, a name, a feature or '(', found the end"),
    ("close >", 8, "found the end"),
    ("(close > 1", 11, "expected an operator or ')', found the end"),
    ("close > 1)", 10, "found ')'"),
    ("sma(20", 7, "expected ',' or ')', found the end"),
    ("sma(20,) > 1", 8, "found ')'"),
    ("sma(of=close, 20) > 1", 15, "values by place come first"),
    ("sma(20, of=close, of=open) > 1", 19, "of is given twice"),
    ("1 if close > 1", 15, "expected 'else' after 'if', found the end"),
    ("2x > 1", 1, "expected a number such as 20 or 0.5, found '2x'"),
    ("0x1F > 1", 1, "found '0x1F'"),
    ("1e999 > 1", 1, "expected a number below 1.8e308"),
    ("1_000 > 1", 1, "found '1_000'"),
    ("'09:30 > 1", 1, "expected a closing '"),
    ("(" * 41 + "1", 41, "nested deeper than 40 levels"),
    ("-" * 60 + "1", 41, "nested deeper than 40 levels"),
    ("not " * 60 + "true", 161, "nested deeper than 40 levels"),
    ("1" + "+1" * 60, 80, "nested deeper than 40 levels"),
    ("1 + " * 500 + "1", 1, "expected at most 2000 characters, found 2001"),
    # What does not fit together.
    ("close", 1, "expected a condition, found a number; compare it, such as x > 0"),
    ("close + (open > 1) > 2", 15, "expected a number, found a condition; write 1 if ... else 0"),
    ("(close > 1) == (open > 1)", 8, "expected a number, found a condition"),
    ("close and open > 1", 1, "expected a condition, found a number"),
    ("1 if close else 2 > 1", 6, "expected a condition, found a number"),
    ("close > 1 if open > 1 else 2", 28, "expected a condition, found a number"),
    ("clsoe > 1", 1, "no 'clsoe' is known; did you mean close?"),
    ("zzz > 1", 1, "no 'zzz' is known; expected a column (open, high, low, close, volume)"),
    ("ts_ns > 1", 1, "no 'ts_ns' is known"),
    ("smaa(20) > 1", 1, "no indicator or function is named 'smaa'; did you mean sma?"),
    ("sma > 1", 1, "no 'sma' is known; write sma(...)"),
    ("lag > 1", 1, "no 'lag' is known; write lag(...)"),
    ("sma_cross(1) > 1", 1, "'sma_cross'; that is a strategy"),
    ("close(1) > 1", 1, "no indicator or function is named 'close'"),
    ("sma(0) > 1", 1, "sma: period must be in [1, 100000], found 0"),
    ("sma(1.5) > 1", 1, "sma: period must be a finite int, found 1.5"),
    ("sma(20, 5) > 1", 1, "sma takes at most 1 parameters (period), found 2"),
    ("sma(20, perod=5) > 1", 15, "sma has no parameter 'perod'; did you mean period?"),
    ("sma(20, period=5) > 1", 16, "sma: period is given twice"),
    ("sma(20, close) > 1", 9, "sources come first, such as sma(close, 20)"),
    ("sma(close, 20, of=open) > 1", 19, "its source is given twice"),
    ("sma(close, open, 20) > 1", 5, "sma reads 1 sources (value), found 2"),
    ("atr(close, 14) > 1", 5, "atr reads 3 sources (high, low, close), found 1"),
    ("atr(14, of=close) > 1", 12, "atr reads 3 sources; name them: high=, low=, close="),
    ("sma(true) > 1", 5, "sma: period must be a number"),
    ("sma(of=5) > 1", 8, "must read a column or a feature; found a constant"),
    ("sma(close > open, 20) > 1", 11, "expected a number, found a condition"),
    ("sma(position, 20) > 1", 5, "position belongs to the strategy"),
    ("sma(bars_since(close > 1), 2) > 1", 5, "bars_since belongs to the strategy"),
    ("bollinger(20) > 1", 1, "several outputs; name one: .upper, .middle, .lower"),
    ("bollinger(20).lowest > 1", 1, "no output 'lowest'; did you mean lower?"),
    ("(close + 1).lower > 1", 12, "only a feature has outputs"),
    ("lag(close) > lag(close, -1)", 14, "lag: bars must be in [0, 100000], found -1"),
    ("lag(close, volume) > 1", 12, "expected a constant number of bars in lag"),
    ("highest(close) > 1", 1, "expected highest(x, bars), 2 values; found 1"),
    ("max(close) > 1", 1, "expected max(a, b, ...), 2 or more values; found 1"),
    ("clip(close, lo=1) > 1", 1, "expected clip(x, low, high), values by place"),
    ('close > "09:30"', 9, "a time of day is compared with time alone"),
    ('"09:30" < "10:30"', 1, "a time of day is compared with time alone"),
    ('time + "09:30" > 1', 8, "a time of day such as"),
    ('time > "25:00"', 8, "expected a time of day such as \"09:30\", found '25:00'"),
    ('time > "nine"', 8, "no other text can stand in an expression"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "reason"), REFUSED)
def test_each_refusal_is_one_clear_error(text, column, reason):
    with pytest.raises(ExpressionError) as caught:
        condition_of(text, Scope())

    assert caught.value.column == column
    assert reason in caught.value.reason
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"column {column}: ")


@quick(500)
@given(st.text("abcsmax019.,()+-*/<>=!&|'\": \n[]{}_%é\\", max_size=60))
def test_any_text_is_read_or_refused(text):
    """Nothing else is ever raised."""
    try:
        number_of(text, Scope())
    except ExpressionError as error:
        assert 1 <= error.column <= len(text) + 1  # noqa: PT017


@pytest.mark.parametrize(
    "variables",
    [
        {f"v{k}": f"v{k - 1} + v{k - 1}" if k else "close" for k in range(40)},
        {f"v{k}": f"lag(v{k - 1}, 1) + lag(v{k - 1}, 2)" if k else "close" for k in range(40)},
        {f"v{k}": f"sma(v{k - 1} * lag(v{k - 1}, 1), 3)" if k else "close" for k in range(40)},
    ],
)
def test_variables_that_double_are_refused_at_once(variables):
    started = time.process_time()

    with pytest.raises(ExpressionError, match="more than 2000 operations or 100 levels"):
        feature_of("v39", variables=variables)
    assert time.process_time() - started < 5.0


def test_nested_calls_are_read_once_each():
    text = "close"
    for _ in range(30):
        text = f"ema({text}, 3)"
    started = time.process_time()

    feature_of(text)
    assert time.process_time() - started < 5.0


def test_variables_see_each_other_in_any_order_but_not_in_a_circle():
    assert feature_of("b", variables={"b": "sma(a, 3)", "a": "high - low"}) == feature_of(
        "sma(high - low, 3)"
    )
    with pytest.raises(ExpressionError, match="in a circle: a -> b -> a") as caught:
        feature_of("a", variables={"a": "b + 1", "b": "a + 1"})
    assert caught.value.place == ("variables", "b")


@pytest.mark.parametrize(
    ("variables", "params", "place", "reason"),
    [
        ({"close": "1"}, {}, ("variables", "close"), "has a meaning of its own"),
        ({"lag": "1"}, {}, ("variables", "lag"), "has a meaning of its own"),
        ({"and": "1"}, {}, ("variables", "and"), "has a meaning of its own"),
        ({}, {"session": 1}, ("params", "session"), "has a meaning of its own"),
        ({"a": "1"}, {"a": 1}, ("variables", "a"), "is declared twice"),
        ({"a": "close >"}, {}, ("variables", "a"), "found the end"),
    ],
)
def test_names_must_be_new(variables, params, place, reason):
    with pytest.raises(ExpressionError, match=reason) as caught:
        feature_of("sma(3) + a", variables=variables, params=params)

    assert caught.value.place == place


@pytest.mark.parametrize(
    ("params", "place", "reason"),
    [
        ({"n": 2.5}, ("long", "enter"), "sma: period must be a finite int, found 2.5"),
        ({"n": 0}, ("long", "enter"), "sma: period must be in"),
        ({"n": 3, "unused": 1}, ("params", "unused"), "no expression uses this parameter"),
    ],
)
def test_parameters_must_fit_and_be_used(params, place, reason):
    with pytest.raises(ExpressionError, match=reason) as caught:
        strategy_of(Rules(long=Side(enter="close > sma(n)"), params=params))

    assert caught.value.place == place


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sma(20, of=volume)", "sma(volume, 20)"),
        ("sma(50, of=atr(14))", "sma(atr(14), 50)"),
        ("sma(period=20)", "sma(close, 20)"),
        ("sma(close - open, 20)", "sma(20, of=(close - open))"),
        ("highest(high, 20)", "rolling_max(20, of=high)"),
        ("lag(close)", "shift(1)"),
        ("atr(14, high=close)", "atr(close, low, close, 14)"),
        ("sma(10 * 2)", "sma(20)"),
    ],
)
def test_two_ways_to_say_the_same_feature(one, other):
    assert feature_of(one) == feature_of(other)


def test_equal_sources_share_one_kernel():
    first, second = feature_of("sma(close - open, 20)"), feature_of("ema(high - low, 20)")

    kernels = [f.feature.sources[0].feature.indicator for f in (first, second)]
    assert kernels[0] is kernels[1]
    assert kernels[0].reference.startswith("expression_")


def test_no_text_of_a_user_is_in_the_generated_source():
    """Only our own names and numbers are executed, whatever a user calls things."""
    import inspect

    made = strategy_of(
        Rules(
            long=Side(enter="evil > wicked * 2"),
            variables={"evil": "sma(wicked_period)"},
            params={"wicked": 3.5, "wicked_period": 4},
        )
    )
    source = inspect.getsource(made.step)

    assert "evil" not in source
    assert "wicked" not in source
    names = {n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)}
    assert names <= {"float", "select", "State", "c", "s", "f0"} | {
        n for n in names if n[0] in "tn" and n[1:].isdigit()
    }


def test_a_number_survives_to_the_last_digit():
    value = 0.1 + 0.2
    assert parse(repr(value)) == Number(value)
    assert parse(text_of(Number(math.pi * 1e17))) == Number(math.pi * 1e17)
