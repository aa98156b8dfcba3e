"""The equality tests have teeth: a fault in a copy of a driver is caught, and named.

Each fault is put into the drivers of this process while a test runs. All ways of running the
bars then use them, and are compared by the functions the product uses; a fault must be caught
by exactly the ways that can see it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from admf_fast.parity import ways
from admf_fast.parity.compare import Difference, first_difference
from admf_fast.parity.sample import plain_sample
from admf_fast.runners.setup import Setup
from admf_kernels import drivers
from admf_kernels.codegen import run_state
from admf_kernels.compiler import build, cache, toolchain
from admf_kernels.compiler.folding import NO_FACTS
from admf_kernels.errors import KernelError, RuleError
from admf_kernels.execution.terms import (
    FRACTION,
    PERCENT,
    SAME_CLOSE,
    Account,
    Exits,
    Instrument,
    Terms,
)
from admf_kernels.execution.uses import make_terms
from admf_kernels.plan import Plan
from admf_kernels.registry import indicator, strategy
from admf_kernels.testing import random_bars
from tests.engine import faulty_kernels as faulty
from tests.engine.kit import bars_of, block_of, follow_volume, in_parts, setup_of
from tests.engine.mutants import mutant

BARS = block_of(random_bars(400, 2))
ACCOUNT = Account(sizing=PERCENT, sizing_value=0.2)
INSTRUMENT = Instrument(fee_rate=0.0007, fee_fixed=1.1, slippage_rate=0.0001)
COSTS = make_terms(ACCOUNT, INSTRUMENT)
TRAILING = make_terms(ACCOUNT, INSTRUMENT, x=Exits(trail=FRACTION, trail_value=0.03))
MANY_CUTS = 193  # a seed that cuts these bars into 13 blocks, two of them behind an order
EDGES = {"random blocks", "live", "restored"}
COPIES = {"lane", "plain Python"}
PLAIN = {"plain Python"}  # one compiled edition serves all other ways
Source = Callable[[str], str]


def the_setup(terms: Terms = COSTS) -> Setup:
    kernel = setup_of("sma_cross").strategy
    return setup_of(kernel, kernel.checked(fast=3, slow=11), terms=terms)


def differences(setup: Setup) -> dict[str, Difference]:
    """Return the first difference of every way that does not equal one block."""
    expected = ways.one_block(setup, BARS)
    logs = {
        "random blocks": ways.random_blocks(setup, BARS, MANY_CUTS),
        "live": ways.bar_by_bar(setup, BARS),
        "restored": in_parts(setup, BARS, range(7, 400, 7)),
        "lane": ways.lane(setup, BARS, 4),
    }
    found = {name: first_difference(name, expected, log) for name, log in logs.items()}
    found["plain Python"] = plain_sample(setup, BARS, expected, 5)[1]
    return {name: difference for name, difference in found.items() if difference}


@dataclass(frozen=True)
class Fault:
    """Which driver gets which fault, which ways must see it, and where."""

    driver: str
    seen_by: set[str]
    layer: str
    field: str | None = None  # None where the ways differ in it
    source: Source = lambda text: text
    step: str = ""  # the name in the driver's source that means another function
    function: Callable[..., Any] | None = None
    engine: tuple[str, str, str] | None = None  # module of the engine, a text in it, another


def _reset(pattern: str) -> Source:
    """Replace what a driver loads before its first bar by zeros."""

    def mutated(text: str) -> str:
        loaded = re.search(rf"^    {pattern} = (\w+)\((.*)\)$", text, re.MULTILINE)
        assert loaded
        zeros = ("0.0" if "_f[" in value else "0" for value in loaded[2].split(", "))
        return text.replace(loaded[0], f"    {pattern} = {loaded[1]}({', '.join(zeros)})")

    return mutated


def _drop_working_order(text: str) -> str:
    place = run_state.offsets(setup_of("sma_cross").strategy)["slots"]
    dropped = f"    state_i[{place}] = 0\n    intent.working = 0\n"
    return text.replace("    status = 0\n", f"{dropped}    status = 0\n", 1)


def _forget_orders(text: str) -> str:
    forget = "    if before < d.log.order_count and d.book.sequence > 40:\n"
    forget += "        d.log.order_count = before\n"
    text = text.replace("    return 4 if", f"{forget}    return 4 if")
    return text.replace("    if op == 0:\n", "    before = d.log.order_count\n    if op == 0:\n")


def _fill_at_once(text: str) -> str:
    decide = "        decide(terms, d, bar, from_bits(word))\n"
    return text.replace(decide, f"{decide}        close_bar(terms, d, bar)\n")


FAULTS = {
    "two additions of a moving sum swapped": Fault(
        "scan_hashed_sma", {"plain Python"}, "state", "checksum",
        step="step", function=faulty.sma_in_another_order,
    ),
    "two subtractions of the cash swapped": Fault(
        "engine", PLAIN, "equity", "cash",
        engine=(
            "costs", "cash - lots * worth * price - fee", "cash - fee - lots * worth * price",
        ),
    ),
    "state of an indicator reset at a block's edge": Fault(
        "scan_hashed_sma", EDGES, "state", "checksum", source=_reset("s"),
    ),
    "running sums reset at a block's edge": Fault(
        "run_", EDGES, "state", "checksum", source=_reset("curve"),
    ),
    "a working order lost at a block's edge": Fault(
        "run_", EDGES, "fills", source=_drop_working_order,
    ),
    "a feature of the next bar": Fault(
        "run_", EDGES | COPIES, "signals",
        source=lambda text: text.replace("feature_fast[t]", "feature_fast[t + 1]"),
    ),
    "a fill on the bar that made the order": Fault(
        "engine", PLAIN, "fills", "ts", source=_fill_at_once,
        engine=("bar", "    if t.a.fill != SAME_CLOSE or t.uses.venue:\n        return\n", ""),
    ),
    "no fee on closing": Fault(
        "engine", PLAIN, "equity", "cash",
        engine=(
            "fills", "cash_after(cash, lots, bar.worth, at, fee)",
            "cash_after(cash, lots, bar.worth, at, 0.0 if trade.lots != 0.0 else fee)",
        ),
    ),
    "one bit of the state": Fault(
        "run_", COPIES, "state", "checksum", step="mark_bar", function=faulty.mark_one_ulp_off,
    ),
    "an event that is not written": Fault(
        "engine", PLAIN, "orders", source=_forget_orders,
    ),
    "a signal one bar late": Fault(
        "run_", COPIES, "signals",
        source=lambda text: text.replace("feature_fast[t]", "feature_fast[t - 1]"),
    ),
}  # fmt: skip


def forget() -> None:
    """Let every driver be asked for anew."""
    kinds = (
        drivers.for_indicator, drivers.for_strategy, drivers.for_lanes, drivers.engine_for,
        drivers.brief_for,
    )  # fmt: skip
    for cached in kinds:
        cached.cache_clear()


@pytest.fixture
def put_in(monkeypatch, tmp_path) -> Iterator[Callable[[Fault], None]]:
    """Put a fault into every driver of a kind, with a cache of its own, while a test runs."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    honest = drivers.native

    def put(fault: Fault) -> None:
        def native(name, source, functions, names, facts=NO_FACTS):
            if name.startswith(fault.driver):
                given = source
                source = fault.source(source)
                if fault.function:
                    functions = [*functions, fault.function]
                    names = {**names, fault.step: fault.function}
                if fault.engine:
                    module, old, new = fault.engine
                    found = mutant(module, (old, new))
                    functions = [found.get(f.__name__, f) for f in functions]
                    names = {**names, **found}
                changed = source != given or fault.function or fault.engine
                assert changed, "the fault did not reach the driver"
            return honest(name, source, functions, names, facts)

        monkeypatch.setattr(drivers, "native", native)
        forget()

    yield put
    monkeypatch.undo()
    forget()


def test_without_a_fault_nothing_differs():
    assert differences(the_setup()) == {}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_driver_is_caught_and_named(put_in, name):
    fault = FAULTS[name]
    honest = ways.one_block(the_setup(), BARS)
    put_in(fault)
    found = differences(the_setup())

    assert set(found) == fault.seen_by
    for difference in found.values():
        assert difference.layer == fault.layer
        assert fault.field in (None, difference.field)
    if "plain Python" in found:
        against_honest = first_difference("honest", ways.one_block(the_setup(), BARS), honest)
        assert against_honest is not None
        assert against_honest[1:5] == found["plain Python"][1:5]


def test_one_bit_of_the_state_is_seen_on_its_very_bar(put_in):
    put_in(FAULTS["one bit of the state"])

    assert {d.bar for d in differences(the_setup()).values()} == {faulty.ULP_BAR}


# What takes eight bars at a time, with one mistake in it.
EIGHTS = {
    "a mark of another sum": (
        "sum_returns = load_eight(sums, 0)", "sum_returns = load_eight(sums, 8)"
    ),
    "a return of the bar before": ("shifted(equities, equity_before)", "shifted(equities, cash)"),
    "a lost row behind a fill": ("row = last + 1", "row = last + 2 if last < 7 else 8"),
    "a peak that is not seen": (
        "bits_in(equities >= peak) != 0", "bits_in(equities >= peak * 2.0) != 0"
    ),
    "an old position on the rows after a fill": (
        "equities = select(later, cash + units * closes, equities)", "equities = equities"
    ),
    "extremes of rows before a position": (
        "unseen = t + 1 if span.bars < 2 else unseen", "unseen = unseen"
    ),
    "extremes that are not seen": ("if units != 0.0 and unseen < t:", "if False:"),
    "bars that are not counted": ("span.bars += quiet_bars", "span.bars += quiet_bars - 1"),
    "a wish of the last row that is not seen": (
        "bits_in(wished != shifted(wished, wanted))",
        "bits_in(wished != shifted(wished, wanted)) & 127",
    ),
    "wishes of whole eights that are not seen": (
        "load_eight(wishes_here, base) == wanted",
        "load_eight(wishes_here, base) == load_eight(wishes_here, base)",
    ),
}  # fmt: skip


# The same of one whose stop follows the price.
EIGHTS_TRAILING = {
    "extremes of rows that were taken": ("rows & (row_highs > highs)", "(row_highs > highs)"),
    "a stop behind the other extreme": ("best = row_highs if units", "best = row_lows if units"),
}
FAULTS_OF_EIGHTS = [
    *((EIGHTS[name], COSTS) for name in EIGHTS),
    *((EIGHTS_TRAILING[name], TRAILING) for name in EIGHTS_TRAILING),
]


@pytest.mark.parametrize(("fault", "terms"), FAULTS_OF_EIGHTS, ids=[*EIGHTS, *EIGHTS_TRAILING])
def test_a_fault_in_what_takes_eight_bars_is_caught_by_the_twin(put_in, fault, terms):
    old, new = fault
    put_in(Fault("lanes_", set(), "", source=lambda text: text.replace(old, new)))

    with pytest.raises(KernelError, match="two lanes with equal parameters differ"):
        ways.lane(the_setup(terms), BARS, 4)


# The short way of an order that fills at the close that made it, with one mistake in it.
BRIEF = {
    "an equity at another price": ("d.q, bar.worth, bar.close)", "d.q, bar.worth, 0.999)"),
    "a fill at another time": ("bar.ts_ns = ", "bar.ts_ns = 1 + "),
    "a fill of another price": ("bar.close = ", "bar.close = 1.0001 * "),
    "events before it that are not counted": (
        "decide(terms, d,", "d.book.sequence = 1\n    decide(terms, d,"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BRIEF.values(), ids=BRIEF)
def test_a_fault_in_the_brief_engine_is_caught_by_the_twin(put_in, fault):
    old, new = fault
    account = Account(fill=SAME_CLOSE, sizing=PERCENT, sizing_value=0.4)
    setup = the_setup(make_terms(account, INSTRUMENT))
    honest = ways.lane(setup, BARS, 4)
    assert first_difference("lane", ways.one_block(setup, BARS), honest) is None
    put_in(Fault("brief", set(), "", source=lambda text: text.replace(old, new)))

    with pytest.raises(KernelError, match="two lanes with equal parameters differ"):
        ways.lane(setup, BARS, 4)


def test_a_margin_call_that_lanes_do_not_feel_is_caught(put_in):
    """Without waiting orders, what is not another wish is looked for apart."""
    account = Account(
        fill=SAME_CLOSE, sizing=PERCENT, sizing_value=4.0, leverage=5.0, maintenance=0.2
    )
    setup = setup_of(follow_volume, terms=make_terms(account))
    close = 100.0 * 0.999 ** np.maximum(np.arange(160.0) - 20.0, 0.0)
    bars = bars_of((price, price, 8.0) for price in close.tolist())
    honest = ways.lane(setup, bars, 4)
    assert first_difference("lane", ways.one_block(setup, bars), honest) is None
    assert "liquidation" in honest.tables["orders"]["role"].cast(pa.string()).to_pylist()
    put_in(Fault("lanes_", set(), "", source=lambda text: text.replace("loud |= felt", "pass")))

    with pytest.raises(KernelError, match="two lanes with equal parameters differ"):
        ways.lane(setup, bars, 4)


def test_a_lag_off_by_one_is_caught(monkeypatch):
    honest = Plan.inputs

    def inputs(self, feature):
        found = honest(self, feature)
        return {name: (column, lag + (lag > 0)) for name, (column, lag) in found.items()}

    monkeypatch.setattr(Plan, "inputs", inputs)
    found = differences(the_setup())

    assert found["plain Python"][1:2] + found["plain Python"][4:5] == ("state", "checksum")


@indicator(inputs={"close": "close", "open": "open"}, warmup_bars=1)
def weighted(close: float, open: float) -> float:
    """A sum of products: what a compiler allowed to contract rounds once instead of twice."""
    return close * 0.1 + open * 0.7


@strategy(features=lambda p: {"level": weighted()})
def above_weighted(close: float, level: float) -> float:
    """Want more the further the close is above the level."""
    share = close / (close + level)
    return share * 0.3 + share * share * 0.1


@pytest.fixture
def contracting(monkeypatch, tmp_path) -> Iterator[None]:
    """Let the compiler contract products and sums, as fastmath would."""
    import numba

    strict = numba.njit
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    monkeypatch.setattr(
        numba, "njit", lambda *given, **more: strict(*given, **more, fastmath={"contract"})
    )
    monkeypatch.setattr(drivers, "_loaded", {})
    monkeypatch.setattr(drivers, "_failed", {})
    forget()
    yield
    monkeypatch.undo()
    forget()


def test_contraction_is_refused_when_a_driver_is_compiled(contracting):
    with pytest.raises(RuleError, match="was allowed 'contract"):
        ways.one_block(setup_of(above_weighted, terms=COSTS), BARS)


@pytest.mark.skipif("+fma," not in toolchain.cpu()["features"], reason="the CPU cannot contract")
def test_contraction_would_have_been_caught(contracting, monkeypatch):
    """With the refusal taken out, the bits differ, and the comparison says so."""
    monkeypatch.setattr(build, "_check_code", lambda name, text: None)
    setup = setup_of(above_weighted, terms=COSTS)
    _, difference = plain_sample(setup, BARS, ways.one_block(setup, BARS), 5)

    # Which sum of products is the first to show it, is the compiler's choice.
    assert difference is not None
