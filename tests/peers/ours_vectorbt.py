"""What `vectorbt` is told, told to our engine: the mapping of docs/peers.md, as code."""

from collections import Counter
from dataclasses import replace
from math import isinf, isnan

import numpy as np

from tests.peers import ours, ours_shared
from tests.peers.cases_vectorbt import OrderCase, SignalCase
from tests.peers.kinds import Bars, Floats, PeerResult
from tests.peers.model_vectorbt import Model
from tests.peers.round_trips import round_trips
from tests.peers.told import SIGNALS
from tests.peers.vectorbt_rules import Rules, Signals

FINE_LOT = 1e-10  # fractional units are counted in these

# Families that stay out, and why.
LEFT_OUT = {
    "locked_cash": "the cash of short sales is not locked",
    "stops_at_close": "a stop does not fill at the close of its bar",
}


def config_of(rules: Rules, kernel: str) -> str:
    """Return our configuration of a run of the peer; see docs/peers.md."""
    lot = FINE_LOT if isnan(rules.size_granularity) else rules.size_granularity
    at_open = rules.price == "open"
    base = "fill" if rules.stop_entry_price == "fillprice" else "close"
    slippage_on = "no_brackets" if rules.stop_exit_price == "stoplimit" else "every_fill"
    return f"""\
strategy: {{kernel: "tests.peers.told:{kernel}"{_params(rules, kernel)}}}
account: {{cash: {rules.cash!r}}}
instrument: {{lot_size: {lot!r}}}
sizing: {_sizing(rules, lot)}
exits: {{base: {base}, memory: none{_stops(rules)}}}
execution:
  fill: {"next_open" if at_open else "same_close"}
  limit_fill: touch
  both_hit: stop_first
  entry_bar: none
  unaffordable: {"reduce" if rules.allow_partial or isinf(rules.size) else "reject"}
costs:
  fee_bps: {rules.fees * 10_000!r}
  fee_fixed: {rules.fixed_fees!r}
  slippage_bps: {rules.slippage * 10_000!r}
  slippage_on: {slippage_on}
"""


def _params(rules: Rules, kernel: str) -> str:
    if kernel == "told_signals":
        stops = not (isnan(rules.sl_stop) and isnan(rules.tp_stop)) and rules.price == "close"
        given = {"close_only": rules.upon_opposite_entry == "close", "stops": stops}
        return f", params: {given}".replace("'", "").lower()
    if kernel == "told_amounts":
        side = {"longonly": 1, "shortonly": -1}.get(rules.direction, 0)
        target = str(rules.size_type in ("targetamount", "targetvalue")).lower()
        return f", params: {{target: {target}, side: {side}}}"
    if kernel == "told_shares":
        costs = {"fees": rules.fees, "fixed": rules.fixed_fees, "slippage": rules.slippage}
        return f", params: {costs}".replace("'", "")
    return f", params: {{size: {rules.size}}}" if kernel == "told_adding" else ""


def _sizing(rules: Rules, lot: float) -> str:
    if isinf(rules.size) or rules.size_type.startswith("target"):
        return "{kind: all_in}" if rules.cash_sharing else "{kind: all_in, at: fill}"
    if rules.size_type == "percent":
        return f"{{kind: percent, percent: {100 * rules.size!r}, at: fill}}"
    if rules.size_type == "value":
        return '{kind: kernel, kernel: "tests.peers.told:lots_for_2000"}'
    return f"{{kind: fixed, quantity: {rules.size // lot * lot if lot > 0.01 else rules.size!r}}}"


def _stops(rules: Rules) -> str:
    text = ""
    if not isnan(rules.sl_stop):
        name = "trailing_stop" if rules.sl_trail else "stop_loss"
        text += f", {name}: {{percent: {100 * rules.sl_stop!r}}}"
    if not isnan(rules.tp_stop):
        text += f", take_profit: {{percent: {100 * rules.tp_stop!r}}}"
    return text


def run_signals(case: SignalCase) -> PeerResult:
    """Run every column of a case as a run of its own."""
    kernel = "told_signals" if case.rules.accumulate == "disabled" else "told_adding"
    given = [
        {name: _moved(getattr(case.signals, name)[:, k], case.rules) for name in SIGNALS}
        for k in range(len(case.bars))
    ]
    run = ours_shared.run if case.rules.cash_sharing else _run
    return run(case.bars, config_of(case.rules, kernel), given)


def run_orders(case: OrderCase) -> PeerResult:
    """Run the only column of a case, or all with one account."""
    if case.rules.cash_sharing:
        return _run_shared_orders(case)
    rules, (bars,) = case.rules, case.bars
    sizes = case.sizes[:, 0]
    if rules.size_type == "targetpercent":
        given = {"value": np.where(np.isnan(sizes), 10.0, sizes)}
        return _run([bars], config_of(rules, "told_target"), [given])
    if rules.size_type == "percent":
        given = {"size": np.nan_to_num(sizes)}
        amounts = replace(rules, size_type="amount")
        return _run([bars], config_of(amounts, "told_shares"), [given])
    units = sizes / bars.close if "value" in rules.size_type else sizes
    units = -units if rules.direction == "shortonly" else units
    given = {"size": np.nan_to_num(units), "part": (~np.isnan(units)).astype(np.float64)}
    return _run([bars], config_of(replace(rules, size_type=_plain(rules)), "told_amounts"), [given])


def _run_shared_orders(case: OrderCase) -> PeerResult:
    rules, sizes = case.rules, case.sizes
    told = ~np.isnan(sizes)
    if rules.size_type == "targetpercent":
        columns = [{"value": c} for c in np.where(told, sizes, 10.0).T]
        return ours_shared.run(case.bars, config_of(rules, "told_target"), columns)
    units, given = np.nan_to_num(sizes), told.astype(np.float64)
    columns = [{"size": u, "part": g} for u, g in zip(units.T, given.T, strict=True)]
    return ours_shared.run(case.bars, config_of(rules, "told_amounts"), columns)


def _plain(rules: Rules) -> str:
    return rules.size_type if rules.size_type.startswith("target") else "amount"


def _moved(flags: np.ndarray, rules: Rules) -> Floats:
    """Return the signals on the bar whose close decides them."""
    if rules.price == "close":
        return flags.astype(np.float64)
    return np.append(flags[1:], False).astype(np.float64)


def _run(bars: list[Bars], config: str, given: list[dict[str, Floats]]) -> PeerResult:
    setup = ours.setup_of(config)
    results = [
        ours.as_peer(setup, ours.run(setup, b, g), b) for b, g in zip(bars, given, strict=True)
    ]
    fills, trades = [], []
    for k, (result, b) in enumerate(zip(results, bars, strict=True)):
        own = [f._replace(column=k) for f in result.fills]
        fills += own
        trades += round_trips(own, b.close)[0]
    equity = np.sum([r.equity for r in results], axis=0)
    return PeerResult(trades, [], equity, float(equity[-1]), fills)


def comparable(case: SignalCase) -> tuple[SignalCase, Counter[str]]:
    """Return the case without signals that run into a difference which stays, and those by name."""
    flags = {name: getattr(case.signals, name).copy() for name in SIGNALS}
    case = replace(case, signals=Signals(**flags))
    out: Counter[str] = Counter()
    rules = case.rules
    if rules.price == "open":  # nothing is decided before the first bar
        out["signal at the first open"] = int(sum(flag[0].any() for flag in flags.values()))
        for flag in flags.values():
            flag[0] = False
    if rules.stop_exit_price == "stopmarket" and rules.slippage and not isnan(rules.tp_stop):
        out["target with slippage"] += 1
        case = replace(case, rules=replace(rules, tp_stop=np.nan))
    if not rules.allow_partial:
        again = flags["long_entry"][1:] & flags["long_entry"][:-1]
        out["refused entry told again at once"] = int(again.sum())
        flags["long_entry"][1:][again] = False
    if rules.cash_sharing:
        out += ours_shared.leave_out_signals(case)
    if isnan(rules.sl_stop) and isnan(rules.tp_stop):
        return case, +out
    while found := _differences(case):
        for (bar, column), name in found.items():
            out[name] += 1
            for flag in flags.values():
                flag[bar, column] = False
    return case, +out


def comparable_orders(case: OrderCase) -> tuple[OrderCase, Counter[str]]:
    """Return the case without orders that run into a difference which stays, and those by name."""
    if case.rules.size_type != "targetpercent":
        case, out = _without_dear_sales(case)
        return _sharing(case, out)
    more = np.abs(case.sizes) > 1
    out = Counter({"target above all there is": int(more.sum())})
    if case.rules.fees or case.rules.fixed_fees or case.rules.slippage:
        out["target percent with costs"] += 1
    free = replace(case.rules, fees=0.0, fixed_fees=0.0, slippage=0.0)
    return _sharing(replace(case, sizes=np.where(more, np.nan, case.sizes), rules=free), +out)


def _sharing(case: OrderCase, out: Counter[str]) -> tuple[OrderCase, Counter[str]]:
    if not case.rules.cash_sharing:
        return case, out
    case, more = ours_shared.leave_out_orders(case)
    return case, out + more


def _without_dear_sales(case: OrderCase) -> tuple[OrderCase, Counter[str]]:
    """Drop the sales that bring less than their fee."""
    sizes, out = case.sizes.copy(), Counter[str]()
    case = replace(case, sizes=sizes)
    while case.rules.fixed_fees:
        fills = run_orders(case).fills
        dear = [f for f in fills if f.units < 0 and -f.units * f.price < f.commission]
        if not dear:
            break
        for fill in dear:
            sizes[fill.bar, fill.column] = np.nan
        out["sale for less than its fee"] += len(dear)
    return case, out


def _differences(case: SignalCase) -> dict[tuple[int, int], str]:
    found: dict[tuple[int, int], str] = {}
    rules, result = case.rules, Model(case.bars, case.rules).run_signals(case.signals)
    for fill_trade in result.trades:
        bar, column = fill_trade.exit_bar, fill_trade.column
        bars = case.bars[column]
        at = (bar, column)
        told = any(getattr(case.signals, name)[at] for name in SIGNALS)
        price = float(getattr(bars, rules.price)[bar])
        slipped = {price * (1 + s * rules.slippage) for s in (-1, 1)}
        stopped = not told or fill_trade.exit_price not in slipped
        if rules.price == "open" and told and stopped:
            found[at] = "stop before a signal at the open"
        base = float(bars.close[fill_trade.entry_bar])
        if rules.stop_entry_price == "fillprice":
            base = fill_trade.entry_price
        side = 1.0 if fill_trade.units > 0 else -1.0
        beyond = (bars.open[bar] - base * (1 + side * rules.tp_stop)) * side >= 0
        if beyond and stopped and fill_trade.exit_price != bars.open[bar]:
            found[fill_trade.entry_bar, column] = "target passed at the open"
    return found
