"""One row a day of a run that is under way: as it happens, in constant memory."""

from collections.abc import Mapping

import msgspec

from admf_fast.monitor.figures import AT, BPS, COLUMNS, day_of

Row = tuple[float, ...]


class TallyState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a tally goes on from."""

    day: int
    row: list[float]
    equity_before: float
    last_ts_ns: dict[str, int]
    sequence: int
    trade_sequence: int


class DayTally:
    """Counts bars, signals and trades of the day under way, and hands over days that ended.

    A bar that is not later than the last of its instrument, and an event whose sequence was
    seen, count for nothing: what a restart replays is not counted twice.

    Parameters
    ----------
    start_equity : float
        What the first day's return is measured from.
    lot_values : mapping of float
        Account currency that a price of 1 means for one lot, by symbol; 0 where it changes:
        such trades have no costs in basis points. The empty symbol stands for all others.
    """

    def __init__(self, start_equity: float, lot_values: Mapping[str, float]) -> None:
        self._lot_values = dict(lot_values)
        self._other_value = self._lot_values.get("", 0.0)
        self._row = [0.0] * len(COLUMNS)
        self._day = -1
        self._equity_before = start_equity
        self._last_ts_ns: dict[str, int] = {}
        self._sequence = 0
        self._trade_sequence = 0

    def bar(self, ts_ns: int, symbol: str, lots: int, equity: float) -> Row | None:
        """Count a bar by what held after it; returns the day that ended with it, if one did."""
        if ts_ns <= self._last_ts_ns.get(symbol, -1):
            return None
        self._last_ts_ns[symbol] = ts_ns
        ended = self._enter(ts_ns)
        row = self._row
        row[AT["bars"]] += 1.0
        row[AT["in_market"]] += 1.0 if lots else 0.0
        row[AT["equity"]] = equity
        return ended

    def signal(self, ts_ns: int, sequence: int, value: float) -> Row | None:
        """Count a SIGNAL event."""
        if sequence <= self._sequence:
            return None
        self._sequence = sequence
        ended = self._enter(ts_ns)
        row = self._row
        row[AT["signals"]] += 1.0
        if value:
            row[AT["wanted"]] += 1.0
            row[AT["strength"]] += abs(value)
        return ended

    def trade(
        self, ts_ns: int, sequence: int, symbol: str, lots: int, entry_price: float, pnl: float,
        fees: float,
    ) -> Row | None:  # fmt: skip
        """Count a TRADE event."""
        if sequence <= self._trade_sequence:
            return None
        self._trade_sequence = sequence
        ended = self._enter(ts_ns)
        row = self._row
        row[AT["trades"]] += 1.0
        row[AT["wins"]] += 1.0 if pnl > 0.0 else 0.0
        value = abs(lots) * self._lot_values.get(symbol, self._other_value) * entry_price
        if value > 0.0:
            row[AT["costed"]] += 1.0
            row[AT["cost"]] += fees / value * BPS
        return ended

    def _enter(self, ts_ns: int) -> Row | None:
        day = day_of(ts_ns)
        if day == self._day:
            return None
        ended = self.close()
        self._day = day
        self._row[AT["day"]] = float(day)
        return ended

    def close(self) -> Row | None:
        """End the day under way; returns its row, None if it had no bar."""
        row = self._row
        made = None
        if row[AT["bars"]]:
            equity = row[AT["equity"]]
            row[AT["gain"]] = gain(equity, self._equity_before)
            self._equity_before = equity
            made = tuple(row)
        self._row = [0.0] * len(COLUMNS)
        self._day = -1
        return made

    def state(self) -> TallyState:
        """Return all that a restart needs."""
        return TallyState(
            day=self._day, row=list(self._row), equity_before=self._equity_before,
            last_ts_ns=dict(self._last_ts_ns), sequence=self._sequence,
            trade_sequence=self._trade_sequence,
        )  # fmt: skip

    def restore(self, state: TallyState) -> None:
        """Go on from a state."""
        self._day, self._row = state.day, list(state.row)
        self._equity_before = state.equity_before
        self._last_ts_ns = dict(state.last_ts_ns)
        self._sequence, self._trade_sequence = state.sequence, state.trade_sequence


def gain(equity: float, before: float) -> float:
    """Return the day's return; a return on nothing, or on debt, is 0, as in a run's figures."""
    return equity / before - 1.0 if before > 0.0 else 0.0
