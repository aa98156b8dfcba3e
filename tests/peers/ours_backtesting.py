"""What `backtesting` is told, told to our engine: the mapping of docs/peers.md, as code.

Shares of the liquidity become the units that the peer made of them; instructions that run into
a difference which stays are taken out, each under the name of its difference.
"""

from collections import Counter
from dataclasses import dataclass, field, fields, replace
from math import copysign, isnan
from typing import Any

import numpy as np

from tests.peers import ours
from tests.peers.cases_backtesting import Case
from tests.peers.compare import Apart, apart
from tests.peers.kinds import Bars, Floats, Instructions, PeerResult, PeerTrade
from tests.peers.model_backtesting import Model, _Order
from tests.peers.round_trips import round_trips


@dataclass
class _Told:
    """What became of an instructed order: where and how it was executed."""

    bar: int
    price: float
    units: float  # made of its size
    opened: bool
    refused: bool  # there was more to open than money for it
    overdrawn: bool  # it cost more than there was


@dataclass
class Watched(Model):
    """The model of the peer, keeping for every instructed order what became of it."""

    orders_told: dict[int, _Told] = field(default_factory=dict)

    def _decide(self, bar: int) -> None:
        super()._decide(bar)
        if self.told.size[bar]:
            self.orders[-1].told_at = bar  # type: ignore[attr-defined]

    def _execute(self, order: _Order, price: float, stamp: int, market: bool, bar: int) -> bool:
        units = order.size
        adjusted = price * (1 + copysign(self.spread, order.size))
        if abs(units) < 1:
            unit = adjusted + self._fee(order.size, price) / abs(order.size)
            money = self._available(bar) / self.margin
            units = copysign(int(money * abs(units) // unit), units)
        held = sum(lot.units for lot in self.lots)
        cost = abs(units) * adjusted + self._fee(units, adjusted)
        overdrawn = not self.lots and cost > self._available(bar) / self.margin
        opened = super()._execute(order, price, stamp, market, bar)
        at: int = order.told_at  # type: ignore[attr-defined]
        refused = not opened and (held + units) * units > 0
        self.orders_told[at] = _Told(bar, price, units, opened, refused, opened and overdrawn)
        return opened


def watched(bars: Bars, told: Instructions, options: dict[str, Any]) -> tuple[Watched, PeerResult]:
    """Run the watched model of the peer."""
    rest = {k: v for k, v in options.items() if k != "commission"}
    given = options.get("commission", 0.0)
    fixed, relative = given if isinstance(given, tuple) else (0.0, given)
    model = Watched(bars, told, fixed=fixed, relative=relative, **rest)
    return model, model.run()


def comparable(case: Case) -> tuple[Case, Counter[str]]:
    """Return the case without shares and without what runs into a difference, and those by name."""
    told = Instructions(**{f.name: getattr(case.told, f.name).copy() for f in fields(case.told)})
    case = replace(case, told=told)
    out: Counter[str] = Counter()
    case = _without_spread(case, out)
    if case.options.get("on_close"):
        # Ours are filled at this close; the peer would fill them on a bar that never comes.
        out["order at the last close"] += int(told.size[-1] != 0 or told.close[-1] != 0)
        told.size[-1] = told.close[-1] = 0.0
    for bar, name in _known_beforehand(case):
        out[name] += 1
        _take_out(told, bar)
    _in_units(case)
    while found := _differences(case):
        for bar, name in found.items():
            out[name] += 1
            _take_out(told, bar)
    return case, +out


def _without_spread(case: Case, out: Counter[str]) -> Case:
    """Drop the spread where the peer takes it from limits, or from a part of an order."""
    if not case.options.get("spread"):
        return case
    if not np.isnan(case.told.limit).all():
        out["limit with slippage"] += 1
    elif not case.options.get("exclusive", True):
        out["turning order with slippage"] += 1
    else:
        return case
    return replace(case, options={**case.options, "spread": 0.0})


def _take_out(told: Instructions, bar: int) -> None:
    """Leave of an order only that it closes the position and cancels what waits."""
    told.size[bar] = 0.0
    told.close[bar] = 1.0
    told.cancel[bar] = True
    for levels in (told.limit, told.stop, told.sl, told.tp):
        levels[bar] = np.nan


def _in_units(case: Case) -> None:
    """Replace shares by the units they meant where they were executed."""
    model, _ = watched(case.bars, case.told, case.options)
    for bar in np.flatnonzero((np.abs(case.told.size) < 1) & (case.told.size != 0)):
        done = model.orders_told.get(int(bar))
        if done is None:
            case.told.size[bar] = copysign(1.0, case.told.size[bar])
        elif done.units:
            case.told.size[bar] = done.units
        else:
            _take_out(case.told, int(bar))


def _known_beforehand(case: Case) -> list[tuple[int, str]]:
    """Return instructions that no run is needed for to say in what they differ."""
    told, found = case.told, []
    for bar in np.flatnonzero(~np.isnan(told.stop)):
        side = copysign(1.0, told.size[bar])
        stop, limit = told.stop[bar], told.limit[bar]
        if (stop - case.bars.close[bar]) * side <= 0:
            found.append((int(bar), "stop on the wrong side"))
        elif not isnan(limit):
            name = _stop_limit(case.bars, int(bar), stop, limit, side)
            found += [(int(bar), name)] if name else []
    return found


def _stop_limit(bars: Bars, at: int, stop: float, limit: float, side: float) -> str:
    """Name what sets a stop-limit apart on the bar that first reaches its stop, if anything."""
    reach = (bars.high if side > 0 else bars.low)[at + 1 :]
    for bar in at + 1 + np.flatnonzero((reach - stop) * side >= 0)[:1]:
        if (bars.open[bar] - stop) * side > 0:
            return "stop-limit with a gap"
        if limit == stop:
            return "stop and limit at one price"
        after = bars.low[bar] if side > 0 else bars.high[bar]
        # Of a bar that opens at the stop all of it comes later, of another only the close.
        later = after if bars.open[bar] == stop else bars.close[bar]
        if (limit - stop) * side < 0 and (limit - later) * side >= 0:
            return "stop-limit that comes back"
    return ""


def _differences(case: Case) -> dict[int, str]:
    """Return instructions that run into a difference which stays, by its name."""
    model, result = watched(case.bars, case.told, case.options)
    told, bars, found = case.told, case.bars, {}
    opened = {}
    for at, done in model.orders_told.items():
        side = copysign(1.0, told.size[at])
        stop, limit = float(told.stop[at]), float(told.limit[at])
        gap = not isnan(stop) and (bars.open[done.bar] - stop) * side > 0
        if not done.opened:
            if done.refused and not case.options.get("exclusive", True):
                found[at] = "margin by the close to come"
            elif done.refused and side < 0:
                found[at] = "short without money"
            continue
        if done.overdrawn and side > 0 and case.options.get("margin", 1.0) == 1.0:
            found[at] = "fee without the spread"
        opened[done.bar if not model.on_close else done.bar - 1, done.units] = at
        resting = not (isnan(stop) and isnan(limit))
        if (
            resting
            and (gap or done.price == bars.open[done.bar])
            and _in_reach(told, bars, at, done)
        ):
            found[at] = "resting order filled at the open"
    for trade in result.trades:
        at = opened.get((trade.entry_bar, trade.units))
        if at is not None and _target_at_open(told, bars, at, trade):
            found[at] = "target passed at the open"
        before = trade.exit_bar - 1
        parts = [t for t in result.trades if t[:2] == trade[:2]]
        if 0 < told.close[before] < 1 and len(parts) > 1 and parts[0][4] == parts[1][4]:
            found[before] = "part closed and stop at one open"
    return found


def _in_reach(told: Instructions, bars: Bars, at: int, done: _Told) -> bool:
    low, high = bars.low[done.bar], bars.high[done.bar]
    sl, tp = (told.sl[at], told.tp[at]) if done.units > 0 else (told.tp[at], told.sl[at])
    return bool(low <= sl or high >= tp)  # either may be NaN


def _target_at_open(told: Instructions, bars: Bars, at: int, trade: PeerTrade) -> bool:
    open_ = bars.open[trade.exit_bar]
    beyond = (open_ - told.tp[at]) * trade.units >= 0
    return bool(beyond and trade.exit_price != open_)


def config_of(options: dict[str, Any]) -> str:
    """Return our configuration of a run of the peer; see docs/peers.md."""
    given = options.get("commission", 0.0)
    fixed, relative = given if isinstance(given, tuple) else (0.0, given)
    exclusive = str(options.get("exclusive", True)).lower()
    leverage = 1.0 / options.get("margin", 1.0)
    if leverage > 1.0 and (fixed or relative or options.get("spread")):
        leverage = 1_000.0  # the peer's costs are paid by leverage as well; units are given
    return f"""\
strategy: {{kernel: "tests.peers.told:told_orders", params: {{exclusive: {exclusive}}}}}
account: {{cash: {options["cash"]}, leverage: {leverage}}}
execution:
  fill: {"same_close" if options.get("on_close") else "next_open"}
  limit_fill: touch
  both_hit: stop_first
  entry_bar: next_bar
  unaffordable: reject
costs:
  fee_bps: {relative * 10_000!r}
  fee_fixed: {fixed!r}
  slippage_bps: {options.get("spread", 0.0) * 10_000!r}
  slippage_on: entries
"""


def run_ours(case: Case) -> PeerResult:
    """Run the told strategy through our engine."""
    setup = ours.setup_of(config_of(case.options))
    result = ours.run(setup, case.bars, _columns(case.told))
    return ours.as_peer(setup, result, case.bars)


def _columns(told: Instructions) -> dict[str, Floats]:
    names = ("size", "limit", "stop", "sl", "tp", "move_sl")
    columns = {name: np.nan_to_num(getattr(told, name)) for name in names}
    return {**columns, "part": told.close, "cancel": told.cancel.astype(np.float64)}


def how_far(case: Case, found: PeerResult, peer: PeerResult) -> Apart:
    """Compare trades and equity, as far as both mean the same by them."""
    pieces = _merged(round_trips(found.fills, case.bars.close)[0]), _merged(peer.trades)
    our_equity, their_equity = found.equity, peer.equity
    if case.options.get("on_close"):
        # The peer books what is filled at a close only on the next bar.
        quiet = np.ones(len(our_equity), np.bool_)
        quiet[[fill.bar for fill in found.fills]] = False
        our_equity, their_equity = our_equity[quiet], their_equity[quiet]
    fixed = case.options["commission"][0] > 0
    if not case.options.get("exclusive", True) and not case.only_flat:
        # Several lots, each a trade, and a fixed fee for each: the money is the same without it.
        pieces = [], []
        if fixed:
            return Apart()
    result = apart(*pieces, our_equity, their_equity)
    parts = (case.told.close > 0) & (case.told.close < 1)
    # A fixed fee is shown again with every part; cash paid it once.
    return result._replace(pnl=0.0, commission=0.0) if fixed and parts.any() else result


def _merged(trades: list[PeerTrade]) -> list[PeerTrade]:
    """Join records of one entry that left at one price in one bar, in the order of time."""
    found: dict[tuple[int, int, float, bool], PeerTrade] = {}
    for t in sorted(trades, key=lambda t: (t.exit_bar, t.entry_bar)):
        key = (t.entry_bar, t.exit_bar, t.exit_price, t.units > 0)
        old = found.get(key)
        found[key] = t if old is None else old._replace(
            units=old.units + t.units, pnl=old.pnl + t.pnl, commission=old.commission + t.commission
        )  # fmt: skip
    return list(found.values())
