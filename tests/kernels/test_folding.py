"""A folded kernel answers what the kernel does wherever the facts hold, and asks for less."""

import ast
import dis
import inspect
import linecache
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import drivers
from admf_kernels.compiler import closure
from admf_kernels.compiler.folding import Folded
from admf_kernels.errors import KernelError
from admf_kernels.execution.terms import TARGETS_MAX, Uses
from admf_kernels.execution.uses import EDITIONS, edition_of, left_out


class Parts(NamedTuple):
    """What a kernel may use."""

    waits: bool = False
    places: int = 0
    extra: bool = True


class Rules(NamedTuple):
    """Terms of a run: parts, and a number."""

    parts: Parts
    fee: float


OFF = {"waits": False, "places": 0}
LIMIT = 3
_names = count()


def function_of(body: str, first: str = "t: Rules", **names: Any) -> Callable[..., Any]:
    """Return the function ``kernel(t, a, b)`` of these lines, with a source to be read."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    text = f"def kernel({first}, a: float, b: int):\n{lines}\n"
    file = f"<kernel {next(_names)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    scope = {"Rules": Rules, "Parts": Parts, "LIMIT": LIMIT, **names, "__name__": __name__}
    exec(compile(text, file, "exec"), scope)
    return scope["kernel"]


def folded(function: Callable[..., Any]) -> Callable[..., Any]:
    return Folded({Parts: OFF})(function)


def asks(function: Any) -> set[str]:
    """Return the attributes that a function reads."""
    return {i.argval for i in dis.get_instructions(function) if i.opname == "LOAD_ATTR"}


LEAVES = ["a", "b", "t.fee", "t.parts.waits", "t.parts.places", "t.parts.extra", "LIMIT", "0", "1",
          "2.5", "x", "True", "False"]  # fmt: skip
CONDITIONS = ["{} and {}", "{} or {}", "{} < {}", "{} == {}", "{} >= {}"]
SUMS = ["{} + {}", "{} - {}", "{} * {}"]
UNARY = ["not {}", "-{}", "abs({})", "int({})", "bool({})"]


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(st.sampled_from(CONDITIONS + SUMS), inner, inner)
    choice = st.tuples(inner, inner, inner)
    return st.one_of(
        pair.map(lambda p: "(" + p[0].format(p[1], p[2]) + ")"),
        st.tuples(st.sampled_from(UNARY), inner).map(lambda p: "(" + p[0].format(p[1]) + ")"),
        choice.map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        choice.map(lambda p: f"({p[0]} < {p[1]} <= {p[2]})"),
    )


EXPRESSIONS = st.recursive(st.sampled_from(LEAVES), _larger, max_leaves=8)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(EXPRESSIONS, inner, inner)
    return st.one_of(
        pairs.map(lambda p: f"if {p[0]}:\n{_indented(p[1])}\nelse:\n{_indented(p[2])}"),
        st.tuples(st.sampled_from(["t.parts.places", "2", "0, t.parts.places", "1, b"]), inner).map(
            lambda p: f"for _ in range({p[0]}):\n{_indented(p[1])}"
        ),
        st.tuples(inner, inner).map("\n".join),
    )


SIMPLE = st.one_of(
    EXPRESSIONS.map(lambda e: f"x = {e}"),
    EXPRESSIONS.map(lambda e: f"x += {e}"),
    EXPRESSIONS.map(lambda e: f"y = {e}"),
    EXPRESSIONS.map(lambda e: f"return {e}"),
)
BODIES = st.recursive(SIMPLE, _blocks, max_leaves=6)
VALUES = st.tuples(st.sampled_from([0.0, -0.0, 1.5, -2.0]), st.integers(-2, 3))


@given(BODIES, VALUES, st.booleans())
def test_a_folded_function_answers_the_same(body, values, extra):
    function = function_of(f"x = 1.0\n{body}\nreturn x")
    rules = Rules(Parts(extra=extra), 0.25)
    expected, found = function(rules, *values), folded(function)(rules, *values)

    assert (type(found), repr(found)) == (type(expected), repr(expected))


COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@pytest.mark.parametrize("sign", [*COMPARISONS, "+", "-", "*", "&", "|", "//"])
def test_what_is_known_is_computed_as_python_does(sign):
    pairs = [(x, y) for x in ("t.parts.places", "1", "LIMIT") for y in ("-1", "1", "3", "2.5")]
    pairs = [p for p in pairs if not (sign in "&|" and "." in p[1])]
    texts = [f"{x} {sign} {y}" for x, y in pairs]
    if sign in COMPARISONS:
        texts += [f"{text} {sign} {x}" for text, (x, _) in zip(texts, pairs, strict=True)]
    for text in texts:
        function = function_of(f"return {text}")
        expected, found = function(Rules(Parts(), 0.0), 0.0, 0), folded(function)
        assert repr(found(Rules(Parts(), 0.0), 0.0, 0)) == repr(expected)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("return a if t.parts.waits else t.fee", {"fee"}),
        ("if t.parts.waits and a > t.fee:\n    return a\nreturn 0.0", set()),
        ("late = t.parts.places > 0 or t.parts.waits\nif late:\n    return t.fee\nreturn a", set()),
        ("for k in range(t.parts.places):\n    a += k * t.fee\nreturn a", set()),
        ("if not t.parts.waits:\n    return a\nreturn t.fee", set()),
        ("return t.fee if t.parts.extra else a", {"fee", "parts", "extra"}),
        ("x = 0\nif a > 1.0:\n    x = t.parts.places\nreturn x", set()),
    ],
)
def test_what_is_off_is_asked_for_no_more(body, left):
    assert asks(folded(function_of(body))) == left


def test_what_a_function_calls_is_folded_with_it():
    inner = function_of("return t.parts.places + LIMIT")
    deep = function_of("return a if inner(t, a, b) > LIMIT else t.fee", inner=inner)
    outer = function_of("return deep(t, a, b)", deep=deep)
    new = folded(outer)

    assert new(Rules(Parts(), 0.5), 2.0, 1) == outer(Rules(Parts(), 0.5), 2.0, 1) == 0.5
    assert new is not outer
    # A function that always gives the same number is not called any more.
    assert {f.__name__ for f in closure.reachable([new])} == {"kernel"}
    assert len(closure.reachable([new])) == 2 < len(closure.reachable([outer])) == 3


def test_a_function_that_only_hands_its_terms_on_calls_what_is_folded():
    inner = function_of("return a if t.parts.waits else t.fee")
    outer = function_of("return inner(t, a, b)", first="t", inner=inner)

    assert folded(outer)(Rules(Parts(), 0.5), 2.0, 1) == 0.5
    assert not any("waits" in asks(f) for f in closure.reachable([folded(outer)]))


@pytest.mark.parametrize(
    "body",
    [
        "for k in items(t.parts.places):\n    a += k\nreturn a",
        "for _ in range(t.parts.places):\n    return 1.0\nelse:\n    return 7.0",
        "match b:\n    case x:\n        pass\nreturn x",
        "x = 5\nmatch b:\n    case x:\n        pass\nreturn x",
        "int = bool\nreturn int(t.parts.places + 3)",
        "return a if t.parts.extra else int(NAN)",
        "x = 1\ndel x\nreturn a",
        "x = (y := t.parts.places) + 1\ny = 3\nreturn x + y",
        "x = 1.0\nfor _ in range(b):\n    x = 2.0\nreturn x",
        "while not t.parts.waits:\n    return a\nreturn b",
    ],
)
def test_what_kernels_do_not_write_is_not_changed_either(body):
    function = function_of(body, items=lambda n: [n + 10.0, n + 50.0], NAN=float("nan"))
    rules = Rules(Parts(), 0.25)

    assert repr(folded(function)(rules, 2.0, 1)) == repr(function(rules, 2.0, 1))


def test_a_function_that_calls_itself_is_left_to_the_compiler():
    function = function_of("return a if b <= 0 else kernel(t, a, b - 1) + t.parts.places")
    function.__globals__["kernel"] = function

    assert folded(function)(Rules(Parts(), 0.0), 2.0, 3) == 2.0


def test_annotations_may_be_anything():
    function = function_of("return a", first="t: {'unit': 'USD'}")

    assert folded(function) is function


@pytest.mark.parametrize("text", ["", "def kernel(t: Rules, a: float, b: int):\n    return a * 2\n",
                                  "# one more line\n{}", "def kernel(:"])  # fmt: skip
def test_a_function_whose_source_has_changed_stays_what_was_imported(text):
    """Otherwise code that nobody has loaded would be run, and kept under another's key."""
    function = function_of("return a if t.parts.waits else t.fee")
    file = function.__code__.co_filename
    size, time_s, lines, name = linecache.cache[file]
    text = text.format("".join(lines))
    linecache.cache[file] = (size, time_s, text.splitlines(True), name)

    assert folded(function) is function


def test_the_key_of_a_driver_knows_facts_and_where_they_hold():
    function = function_of("return a if t.parts.waits else t.fee")
    keys = [drivers.key_of("", [function], {}, facts) for facts in ({}, {Parts: OFF}, {Parts: {}})]
    function.__annotations__["t"] = Parts

    assert len({*keys, drivers.key_of("", [function], {}, {Parts: OFF})}) == 4


def test_uses_that_no_edition_has_are_refused():
    with pytest.raises(KernelError, match="an edition of the engine"):
        edition_of(Uses(targets=TARGETS_MAX + 1))


def test_a_function_without_a_fact_stays_itself():
    function = function_of("return a * b")
    plain = Folded({Uses: left_out(EDITIONS[0])})(function)

    assert plain is function


def test_a_folded_function_is_found_in_the_source_it_was_made_of():
    function = drivers.ENGINE[0]
    new = Folded({Uses: left_out(EDITIONS[0])})(function)

    assert new is not function
    assert inspect.getsource(new) == inspect.getsource(function)


def _reads_of_uses(function: Any) -> Iterator[str]:
    """Yield the fields of `Uses` that a function's code reads after ``.uses``."""
    before = ""
    for instruction in dis.get_instructions(function):
        if instruction.opname == "LOAD_ATTR":
            if before == "uses":
                yield instruction.argval
            before = instruction.argval
        elif instruction.opname not in ("CACHE", "COPY", "SWAP"):
            before = ""


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_edition_of_the_engine_asks_for_nothing_that_it_leaves_out(edition):
    off = left_out(edition)
    fold = Folded({Uses: off})
    reached = closure.reachable([fold(f) for f in drivers.ENGINE])

    assert not [f.__name__ for f in reached if off.keys() & set(_reads_of_uses(f))]


def test_the_smallest_edition_is_the_smaller_part_of_the_engine():
    whole = closure.reachable(drivers.ENGINE)
    fold = Folded({Uses: left_out(EDITIONS[0])})
    smallest = closure.reachable([fold(f) for f in drivers.ENGINE])

    assert len(smallest) < len(whole) / 2
    assert "place_exits" not in {f.__name__ for f in smallest}


def test_every_kernel_of_the_engine_says_whose_fields_it_reads():
    """An argument without its class would not be folded, which only time would show."""
    for function in closure.reachable(drivers.ENGINE):
        tree = ast.parse(inspect.getsource(function))
        read = {
            n.value.id for n in ast.walk(tree)
            if isinstance(n, ast.Attribute) and n.attr == "uses" and isinstance(n.value, ast.Name)
        }  # fmt: skip
        assert all(function.__annotations__[name].__name__ == "Terms" for name in read)
