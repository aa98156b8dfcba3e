"""Single pieces of the engine in plain Python: a desk, a bar, an order to try them on."""

from typing import Any

from admf_kernels.execution.log import PlainLog
from admf_kernels.execution.orders import places
from admf_kernels.execution.records import (
    OWN,
    SHARED,
    Bar,
    Desk,
    Exposure,
    Now,
    Order,
    Plain,
    expose,
)
from admf_kernels.execution.terms import Uses


def desk_of(
    *, cash: float = 100_000.0, lots: float = 0.0, price: float = 1.0, uses: Uses | None = None
) -> Any:
    """Return a desk that holds `lots`, its exposure at `price`."""
    records = {n: Plain(cls) for n, cls in {**SHARED, **OWN}.items()}
    records["wallet"].cash = cash
    q = records["q"]
    q.lots, q.entry_lots, q.entry_value = lots, abs(lots), abs(lots) * price
    slots = [Plain(Order) for _ in range(places(uses or Uses()))]
    desk = Desk(**records, now=Plain(Now), e=Plain(Exposure), slots=slots, log=PlainLog())
    expose(desk.e, desk.wallet, desk.q, 1.0, price)
    return desk


def bar_at(price: float, worth: float = 1.0, **more: float) -> Bar:
    """Return a bar on which nothing moves."""
    return Bar(1, 60_000_000_000, price, price, price, price, 0.0, worth)._replace(**more)
