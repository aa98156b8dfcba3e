"""`parity` on kernels that plain Python cannot run: a difference like any other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from admf_fast.events import FillEvent, TradeEvent
from admf_fast.parity.compare import Difference
from admf_fast.parity.proving import earliest

Admf = Callable[..., Any]
HEAD = """\
import math
from admf_kernels import strategy
from admf_kernels.indicators import sma

@strategy()
def go(open, close, volume):
"""


@pytest.mark.parametrize(
    ("module", "body", "error", "remedy"),
    [
        (
            "admf_fault_division",
            "    x = volume / (close - close)\n    return 1.0 if x > 2.0 else 0.0\n",
            "ZeroDivisionError",
            "guard the division",
        ),
        (
            "admf_fault_root",
            "    x = math.sqrt(-close)\n    return 1.0 if x > 2.0 else 0.0\n",
            "ValueError",
            "guard the operation",
        ),
    ],
)
def test_an_exception_of_a_kernel_in_plain_python_is_a_difference(
    admf: Admf, config: Path, module: str, body: str, error: str, remedy: str
) -> None:
    path = config.parent / f"{module}.py"
    path.write_text(HEAD + body)
    text = config.read_text().replace("sma_cross, params: {fast: 5, slow: 20}", f'"{module}:go"')
    config.write_text(text)
    ran = admf("parity", config)
    assert ran.code == 6
    (line,) = ran.err.splitlines()
    assert line.startswith("admf: error: run 'plain Python' differs first in state.step at bar 0 ")
    assert f"found {error} (" in line
    assert f"in {path}:7; " in line
    assert line.endswith(remedy)


def test_a_difference_of_the_figures_hides_none_of_a_bar() -> None:
    figures = Difference("one", "metrics", -1, -1, "sharpe", "1", "2")
    bar = Difference("two", "signals", 7, 700, "signal", "1", "2")
    earlier = bar._replace(run="three", bar=3, ts_ns=300)

    assert earliest([figures, bar, earlier]) == earlier
    assert earliest([figures]) == figures
    assert earliest([]) is None


def test_ids_of_a_trade_and_of_the_fill_that_closed_it_differ() -> None:
    where = {"source": "run", "symbol": "X", "ts_ns": 5, "sequence": 9}
    fill = FillEvent(
        **where, order_id=8, status="filled", role="signal", lots=-1, price=1.0, fee=0.0,
        liquidity="taker",
    )  # fmt: skip
    trade = TradeEvent(
        **where, entry_ts_ns=4, lots=1, entry_price=1.0, exit_price=1.0, pnl=0.0, fees=0.0,
        reason="signal", bars=1, mae=0.0, mfe=0.0,
    )  # fmt: skip
    assert (fill.id, trade.id) == ("run-5-9", "run-5-9-trade")
    assert trade.to_json()["id"] == "run-5-9-trade"
