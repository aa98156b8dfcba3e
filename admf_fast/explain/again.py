"""Bars and kernels of a stored run, of one instrument or several, to be looked at again."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from admf_fast.config import instruments_of
from admf_fast.errors import StateError
from admf_fast.explain.panel_rerun import find_panel, look_again_at, rates_of
from admf_fast.explain.rerun import Found, find, look_again
from admf_fast.explain.seeing import Seen
from admf_fast.explain.stored import Row, StoredRun
from admf_fast.runners.panel_setup import PanelSetup
from admf_fast.runners.terms import account_of, entry_of, exits_of, instrument_of, limits_of
from admf_kernels.execution.terms import SAME_CLOSE, Terms
from admf_kernels.execution.uses import make_terms


class Again:
    """A stored run, and what it was made of where that was found: else `found` is None."""

    def __init__(self, run: StoredRun, base: Path | None) -> None:
        self.run = run
        self.found: Found | PanelSetup | None
        self.found = find_panel(run, base) if run.config.instruments else find(run, base)

    def terms(self, symbol: str) -> Terms:
        """Return the terms of an instrument, as far as they are known."""
        if isinstance(self.found, PanelSetup):
            return self.found.instruments[self.found.symbols.index(symbol)].terms
        return self.found.setup.terms if self.found else plain_terms(self.run, symbol)

    def look(self, wanted: Collection[int], windows: Iterable[tuple[int, int]]) -> dict[str, Seen]:
        """Run the bars up to the last wanted time; returns what was seen, by symbol."""
        assert self.found is not None
        if isinstance(self.found, PanelSetup):
            return look_again_at(self.run, self.found, wanted, windows)
        seen = look_again(self.run, self.found, wanted, windows)
        return dict.fromkeys(self.found.setup.symbols, seen)

    def worth_of(self, symbol: str) -> Callable[[Row, Row | None], float]:
        """Return what tells one lot's value at price 1 when a fill of an order happened.

        Raises StateError where that needs the rates of another instrument's bars.
        """
        lot_value: float = plain_terms(self.run, symbol).n.lot_value
        fx = next((s.fx for s in instruments_of(self.run.config) if s.symbol == symbol), None)
        if not (self.run.config.instruments and isinstance(fx, str)):
            return lambda fill, order: lot_value
        if self.found is None:
            raise StateError(
                f"{self.run.folder}: trades of {symbol} are in another currency, and the bars of "
                f"{fx}, whose prices convert it, were not found; name the folder that the paths "
                "start at with --base"
            )
        times, closes = self._rates[fx]
        at_close = self.terms(symbol).a.fill == SAME_CLOSE

        def worth(fill: Row, order: Row | None) -> float:
            fresh = order is not None and order["ts"] == fill["ts"] and order["kind"] == "market"
            # The rate of a moment is known at its close, and counts for what fills there.
            until: int = fill["ts"] + 1 if at_close and fresh else fill["ts"]
            row = int(times.searchsorted(until)) - 1
            return lot_value * (float(closes[row]) if row >= 0 else 0.0)

        return worth

    @cached_property
    def _rates(self) -> Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        assert isinstance(self.found, PanelSetup)
        return rates_of(self.found)


def plain_terms(run: StoredRun, symbol: str) -> Terms:
    """Return the terms of a run as far as they need none of its own modules."""
    config, instrument = run.config, run.instrument(symbol)
    return make_terms(
        account_of(config, instrument),
        instrument_of(config, instrument),
        entry_of(config, instrument),
        exits_of(config, instrument),
        limits_of(config, instrument),
        requests=int(any(o["role"] == "request" for o in run.events["orders"])),
    )
