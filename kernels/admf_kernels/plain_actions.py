"""The columns of splits and dividends of one bar in plain Python: what the driver is held to."""

from typing import NamedTuple

from admf_kernels.actions import ADJUSTED, Actions
from admf_kernels.errors import KernelError


class Before(NamedTuple):
    """What the bar before left behind."""

    ts_ns: int
    close: float
    adjustment: float
    units: float


class PlainActions:
    """Splits and dividends as lists; every bar is looked up on its own."""

    def __init__(self, actions: Actions) -> None:
        columns = (actions.ts_ns, actions.split, actions.dividend, actions.reference)
        self.rows = [*zip(*(c.tolist() for c in columns), strict=True)]

    def columns(self, before: Before | None, ts_ns: int, *prices: float) -> dict[str, float]:
        """Return the columns of a bar; `before` is None for the first of a run."""
        split, dividend = 1.0, 0.0
        if before is None:
            factor, units = self._start(ts_ns)
        else:
            factor, units, last = before.adjustment, before.units, before.close
            for at, ratio, paid, reference in self.rows:
                if before.ts_ns <= at < ts_ns:
                    factor *= _growth(ts_ns, ratio, paid, reference or last)
                    units *= ratio
                    dividend += split * paid
                    last = (last - paid) / ratio
                    split *= ratio
        *values, volume = prices
        seen = [*(price * factor for price in values), volume / units]
        made = {"split": split, "dividend": dividend, "adjustment": factor, "units": units}
        return made | dict(zip(ADJUSTED.values(), seen, strict=True))

    def _start(self, ts_ns: int) -> tuple[float, float]:
        """Return the factor and the units that the actions before a run's first bar give."""
        factor = units = 1.0
        for at, ratio, paid, reference in self.rows:
            if at < ts_ns:
                factor *= _growth(ts_ns, ratio, paid if reference else 0.0, reference or 1.0)
                units *= ratio
        return factor, units


def _growth(ts_ns: int, ratio: float, paid: float, price: float) -> float:
    """Return by what an action multiplies the factor."""
    if paid == 0.0:
        return ratio
    if paid >= price:
        raise KernelError(f"ts_ns {ts_ns}: a dividend of {paid} on a price of {price}")
    return ratio * (price / (price - paid))
