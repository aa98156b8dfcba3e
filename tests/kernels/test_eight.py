"""Eight numbers at once: every compiled form beside the same line in NumPy and plain Python."""

import functools
import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import drivers, select
from admf_kernels.codegen.eight import WIDTH
from admf_kernels.execution import metrics
from tests.kernels.strategies import quick

CALLED = (metrics.per, metrics.gain_of, metrics.gain_on, metrics.loss_of)
# a, b and c are eight numbers, x, y and z are one; c and z are never NaN.
EIGHTS = (
    "a + b", "a - b", "a * b", "a / b", "a + x", "x - a", "a * x", "a / x", "x * a - y",
    "abs(a)", "eight_of(x)", "load_eight(rows, place)", "shifted(a, x)", "shifted(a, b)",
    "highest_so_far(c)",
    "select(a < b, a, b)", "select(a < x, y, b)", "select(mask_of(bits), a, y)",
    "select(mask_of(bits), x, y)", "select(x < y, a, b)", "select(x < y, a, 0.0)",
    "per(a)", "gain_of(a, b)", "gain_of(shifted(a, y), a)", "gain_of(x, a)",
    "gain_on(abs(a) + 1.0, b)", "loss_of(a)",
)  # fmt: skip
# Of zeros with both signs neither is the highest.
NUMBERS = (
    "element(a, place)", "highest_of(c + 0.0)", "lowest_of(c + 0.0)",
    "per(x)", "gain_of(x, y)", "gain_on(abs(x) + 1.0, y)", "loss_of(x)",
)  # fmt: skip
WORDS = (
    *(
        f"bits_in({left} {sign} {right})"
        for sign in ("<", "<=", ">", ">=", "==", "!=")
        for left, right in (("a", "b"), ("a", "x"), ("x", "a"))
    ),
    "bits_in((a < b) & (b < c))", "bits_in((a < b) | (b < c))", "bits_in(~(a < b))",
    "bits_in(mask_of(bits))", "lowest_bit(bits)", "select(rarely(x < y), 1, 0)",
)  # fmt: skip
PLAIN = {
    "load_eight": lambda rows, row: rows[row : row + WIDTH],
    "eight_of": lambda value: np.full(WIDTH, value),
    "shifted": lambda values, first: np.array([np.ravel(first)[-1], *values[:-1]]),
    "element": lambda values, place: values[place],
    "highest_so_far": lambda values: [*itertools.accumulate(values, lambda m, v: max(v, m))],
    "highest_of": np.max,
    "lowest_of": np.min,
    "mask_of": lambda bits: np.array([bits >> k & 1 == 1 for k in range(WIDTH)]),
    "bits_in": lambda mask: sum(int(truth) << k for k, truth in enumerate(mask)),
    "lowest_bit": lambda bits: next((k for k in range(64) if bits >> k & 1), 64),
    "rarely": lambda truth: truth,
    "select": np.where,
    **{f.__name__: np.vectorize(f, otypes=[np.float64]) for f in CALLED},
}
FIRST = 3  # where the parts of a sum begin
NEAR = [0.0, -0.0, 1.0, 5e-324, np.inf, -np.inf]

numbers = st.one_of(st.sampled_from(NEAR), st.floats(0.5, 2.0), st.floats(allow_nan=False))
rows = st.builds(
    lambda any_, never_nan: np.array([*any_, *never_nan]),
    st.lists(numbers | st.just(np.nan), min_size=2 * WIDTH + 2, max_size=2 * WIDTH + 2),
    st.lists(numbers, min_size=WIDTH + 1, max_size=WIDTH + 1),
)
words = st.one_of(st.sampled_from([0, 1, 255, -(2**63)]), st.integers(-(2**63), 2**63 - 1))
places = st.integers(0, WIDTH - 1)


def named(rows):
    """Return what the lines call the numbers of `rows`, float64 (27,)."""
    a, b, c = rows[:8], rows[8:16], rows[18:26]
    x, y, z = rows[[16, 17, 26]].tolist()
    return {"rows": rows, "a": a, "b": b, "c": c, "x": x, "y": y, "z": z}


@functools.cache
def _driver():
    lines = [
        "rows, own = floats_at(table[0]), words_at(table[1])",
        "a, b, c = load_eight(rows, 0), load_eight(rows, 8), load_eight(rows, 18)",
        "x, y, z = rows[16], rows[17], rows[26]",
        "bits, place = own[0], own[1]",
        "eights, numbers, words = floats_at(table[2]), floats_at(table[3]), words_at(table[4])",
        *(f"store_eight(eights, {WIDTH * k}, {text})" for k, text in enumerate(EIGHTS)),
        *(f"numbers[{k}] = {text}" for k, text in enumerate(NUMBERS)),
        *(f"words[{k}] = {text}" for k, text in enumerate(WORDS)),
        "store_eight(floats_at(table[5]), place, a)",
        f"add_to_part(floats_at(table[6]), {FIRST}, place, z)",
        "return 0",
    ]
    source = "\n    ".join(["def drive(table, start, stop):", *lines]) + "\n"
    names = {f.__name__: f for f in (*CALLED, select, metrics.add_to_part)}
    return drivers.native("eight", source, CALLED, names).caller()


def compiled(rows, bits, place, stored=None, sums=None):
    """Return what the lines of `EIGHTS`, `NUMBERS` and `WORDS` come to."""
    found = np.empty((len(EIGHTS), WIDTH)), np.empty(len(NUMBERS)), np.empty(len(WORDS), np.int64)
    own = np.array([bits, place])
    arrays = [rows, own, *found, *(np.empty(2 * WIDTH) if o is None else o for o in (stored, sums))]
    table = np.array([array.ctypes.data for array in arrays])
    _driver()(table.ctypes.data, 0, 1)
    return dict(zip((*EIGHTS, *NUMBERS, *WORDS), itertools.chain(*found), strict=True))


def raw(values):
    """Return bytes; a NaN is a NaN, as no rule says which of two an operation gives on."""
    values = np.asarray(values, np.float64)
    return np.where(np.isnan(values), np.nan, values).tobytes()


@quick(300)
@given(rows, words, places)
def test_every_line_is_the_same_compiled_and_plain(rows, bits, place):
    names = {**PLAIN, **named(rows), "bits": bits, "place": place}
    for text, found in compiled(rows, bits, place).items():
        with np.errstate(all="ignore"):
            expected = eval(text, names)
        assert raw(found) == raw(expected), text


@quick(100)
@given(rows, places)
def test_eight_rows_are_written_bit_for_bit_and_no_others(rows, place):
    stored = np.arange(2.0 * WIDTH)
    expected = stored.copy()
    rows.view(np.int64)[1] = 0x7FF8_0000_0000_BEEF  # a NaN with something to lose
    expected[place : place + WIDTH] = rows[:WIDTH]
    compiled(rows, 0, place, stored=stored)
    assert stored.tobytes() == expected.tobytes()


@quick(100)
@given(rows, places)
def test_one_part_is_added_to_and_all_others_stay(rows, place):
    sums = np.arange(2.0 * WIDTH)
    sums[FIRST : FIRST + WIDTH] = named(rows)["c"] + 0.0  # no part is ever -0.0
    expected = sums.copy()
    with np.errstate(all="ignore"):
        metrics.add_to_part(expected, FIRST, place, named(rows)["z"])
    compiled(rows, 0, place, sums=sums)
    assert raw(sums) == raw(expected)
