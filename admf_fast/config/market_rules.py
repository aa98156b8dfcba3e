"""Rules of instruments and of what it costs to trade them."""

from decimal import ROUND_FLOOR, Decimal, localcontext

from msgspec import UNSET

from admf_fast.config.costs import TIERS_MAX, CostsSpec
from admf_fast.config.instrument import InstrumentSpec, MarketSpec
from admf_fast.config.markets import check_has_ticks, markets
from admf_fast.config.model import ConfigContent, costs_of
from admf_fast.config.section import given
from admf_fast.config.sizing import FixedSizing
from admf_fast.config.source import KeyPath, Problems, key_text, keys_text, nearest
from admf_kernels.timeframe import TIMEFRAMES

_FEE_KEYS = ("fee_bps", "maker_bps", "fee_per_share", "fee_fixed", "fee_minimum", "tiers")


def check_markets(config: ConfigContent, problems: Problems) -> None:
    """Note every rule of instruments and costs that is broken."""
    _check_symbols(config, problems)
    _check_declared(config, problems)
    found = len(problems)
    _check_costs(config.costs, ("costs",), problems)
    broken = len(problems) > found
    for key in ("slippage_ticks", "spread_ticks"):
        if getattr(config.costs, key):
            check_has_ticks(config, ("costs", key), problems, but_with_own=key)
    for path, market in markets(config):
        _check_currency(config, path, market, problems)
        if not broken:  # or the same would be told again for every instrument
            _check_own_costs(config, path, market, problems)
        if isinstance(config.sizing, FixedSizing):
            lots = (*path, "lot_size")
            _check_whole_lots(config.sizing.quantity, market.lot_size, lots, problems)
        most = config.risk.max_position
        if most and most < market.lot_size:
            text = (
                f"expected at least one lot ({key_text((*path, 'lot_size'))}), "
                f"{market.lot_size!r}; found {most!r}"
            )
            problems.add(("risk", "max_position"), text)


def _check_symbols(config: ConfigContent, problems: Problems) -> None:
    first: dict[str, int] = {}
    for index, instrument in enumerate(config.instruments):
        path, symbol = ("instruments", index), instrument.symbol
        if symbol in first:
            other = f"instruments[{first[symbol]}] has the same symbol {symbol}"
            problems.add((*path, "symbol"), f"expected a symbol used once; {other}")
        first.setdefault(symbol, index)
        own = instrument.bars.symbol
        if own not in ("", symbol):
            text = f"expected {symbol}, the symbol of the instrument, or nothing; found {own}"
            problems.add((*path, "bars", "symbol"), text)


def _check_declared(config: ConfigContent, problems: Problems) -> None:
    """Files of text say nothing about their bars: the configuration has to."""
    for index, instrument in enumerate(config.instruments):
        bars, path = instrument.bars, ("instruments", index, "bars")
        files = [bars.path] if isinstance(bars.path, str) else bars.path
        if bars.format == "csv" or (
            bars.format == "auto" and any(file.lower().endswith(".csv") for file in files)
        ):
            if not bars.timeframe:
                known = f"one of {' '.join(TIMEFRAMES)}"
                problems.missing((*path, "timeframe"), f"{known}, which CSV cannot say")
            if not bars.stamp:
                problems.missing((*path, "stamp"), "open or close, which CSV cannot say")


def _check_currency(
    config: ConfigContent, path: KeyPath, market: MarketSpec, problems: Problems
) -> None:
    ours = config.account.currency
    currency = given(market.currency, ours)
    if currency == ours:
        for key in ("fx", "fx_rate"):
            if getattr(market, key):
                text = f"expected nothing to convert; found a currency of {currency}"
                problems.add((*path, key), f"{text}, the same as account.currency")
    elif market.fx and market.fx_rate:
        text = f"expected fx or fx_rate; found both, {market.fx} and {market.fx_rate!r}"
        problems.add((*path, "fx"), f"{text}; keep one")
    elif market.fx:
        _check_fx(config, path, market.fx, problems)
    elif not market.fx_rate:
        text = f"expected fx or fx_rate to convert {currency} to account.currency {ours}"
        remedy = "name an instrument of this run as fx, or write a constant fx_rate"
        problems.add((*path, "currency"), f"{text}; found neither; {remedy}")


def _check_fx(config: ConfigContent, path: KeyPath, name: str, problems: Problems) -> None:
    others: dict[str, InstrumentSpec] = {
        instrument.symbol: instrument
        for index, instrument in enumerate(config.instruments)
        if path != ("instruments", index)
    }
    ours = config.account.currency
    if name not in others:
        by_lower = {symbol.lower(): symbol for symbol in others}
        close = by_lower.get(nearest(name, by_lower) or "")
        hint = f"; did you mean {close}?" if close else ""
        known = keys_text(others) if others else "none; write a constant fx_rate"
        text = f"expected another instrument of this run; found {name}{hint} (others: {known})"
        problems.add((*path, "fx"), text)
    elif given(others[name].currency, ours) != ours:
        text = f"expected an instrument priced in account.currency {ours}"
        problems.add((*path, "fx"), f"{text}; found {name}, priced in {others[name].currency}")


def _check_own_costs(
    config: ConfigContent, path: KeyPath, market: MarketSpec, problems: Problems
) -> None:
    own = {key for key in market.costs.__struct_fields__ if getattr(market.costs, key) is not UNSET}
    if not own:
        return
    _check_costs(costs_of(config, market), (*path, "costs"), problems)
    for key in ("slippage_ticks", "spread_ticks"):
        if getattr(market.costs, key) and not market.tick_size:
            text = "expected a tick size to count in; found none"
            remedy = f"add {key_text((*path, 'tick_size'))}"
            problems.add((*path, "costs", key), f"{text}; {remedy}")


def _check_costs(costs: CostsSpec, path: KeyPath, problems: Problems) -> None:
    """The rules of one set of costs: of the run, or of an instrument with the run's filled in."""
    both = [key for key in _FEE_KEYS if getattr(costs, key)]
    if costs.fee_kernel and both:
        text = f"expected fee_kernel or {keys_text(both)}; found both"
        problems.add((*path, "fee_kernel"), f"{text}; the function says the whole fee")
    if costs.spread_bps and costs.spread_ticks:
        text = f"expected spread_bps or spread_ticks; found {costs.spread_bps!r} bps"
        text += f" and {costs.spread_ticks!r} ticks; set one to 0"
        problems.add((*path, "spread_bps"), text)
    against = costs.slippage_bps + costs.spread_bps / 2.0
    if against >= 10_000.0:
        text = (
            "expected slippage_bps + spread_bps / 2 < 10000; "
            f"found {costs.slippage_bps!r} + {costs.spread_bps!r} / 2 = {against!r}"
        )
        problems.add((*path, "slippage_bps"), text)
    if len(costs.tiers) > TIERS_MAX:
        text = f"expected at most {TIERS_MAX} tiers; found {len(costs.tiers)}"
        problems.add((*path, "tiers"), text)
    for k, (low, high) in enumerate(zip(costs.tiers, costs.tiers[1:], strict=False), start=1):
        if high.from_turnover <= low.from_turnover:
            text = f"expected more than the {low.from_turnover!r} of the tier before"
            problems.add((*path, "tiers", k, "from"), f"{text}; found {high.from_turnover!r}")


def _check_whole_lots(
    quantity: float, lot_size: float, lot_path: KeyPath, problems: Problems
) -> None:
    if is_multiple(quantity, lot_size):
        return
    nearby = " or ".join(_nearby_multiples(quantity, lot_size))
    text = (
        f"expected a whole multiple of {key_text(lot_path)}; "
        f"found {quantity!r}, with a lot size of {lot_size!r}; nearest: {nearby}"
    )
    problems.add(("sizing", "quantity"), text)


def is_multiple(value: float, step: float) -> bool:
    """Whether a value is a whole multiple of a step, both taken as the decimals they are read as.

    In binary 0.07 is no multiple of 0.01; in the shop it is.
    """
    value_top, value_bottom = Decimal(repr(value)).as_integer_ratio()
    step_top, step_bottom = Decimal(repr(step)).as_integer_ratio()
    return value_top * step_bottom % (step_top * value_bottom) == 0


def _nearby_multiples(value: float, step: float) -> list[str]:
    with localcontext() as context:
        context.prec = 700  # more than the digits between the largest and the smallest float64
        count = (Decimal(repr(value)) / Decimal(repr(step))).to_integral_value(ROUND_FLOOR)
        near = [float(count * Decimal(repr(step))), float((count + 1) * Decimal(repr(step)))]
    return [repr(multiple) for multiple in near if multiple > 0.0]
