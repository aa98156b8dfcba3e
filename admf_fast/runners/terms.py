"""From a configuration to the constants of the kernels: units, modes, and what is used."""

from decimal import ROUND_FLOOR, Decimal, localcontext
from types import FunctionType
from typing import Any

from msgspec import UnsetType

from admf_fast.config import (
    AllInSizing,
    AnyDistance,
    Config,
    CostsSpec,
    FixedSizing,
    InstrumentSpec,
    KellySizing,
    KernelSizing,
    PercentSizing,
    RiskSizing,
    VolatilitySizing,
    costs_of,
)
from admf_fast.errors import ConfigError
from admf_kernels import registry
from admf_kernels.execution import reasons, terms
from admf_kernels.execution.costs import standard_fee
from admf_kernels.execution.terms import (
    LOTS_MAX,
    NO_DISTANCE,
    Account,
    Entry,
    Exits,
    Instrument,
    Limits,
    Terms,
)
from admf_kernels.execution.uses import make_terms, no_size

BPS = 1e-4
FILLS = {"next_open": terms.NEXT_OPEN, "same_close": terms.SAME_CLOSE}
BOTH_HIT = {
    "stop_first": terms.STOP_FIRST,
    "target_first": terms.TARGET_FIRST,
    "nearest_open": terms.NEAREST_OPEN,
}
ENTRY_BARS = {
    "pessimistic": terms.PESSIMISTIC,
    "next_bar": terms.NEXT_BAR,
    "none": terms.NO_EXITS,
}
SLIPPAGE_ON = {
    "every_fill": terms.EVERY_FILL,
    "no_brackets": terms.NO_BRACKETS,
    "entries": terms.ENTRIES,
}
UNITS = {
    "percent": terms.FRACTION,
    "amount": terms.AMOUNT,
    "ticks": terms.AMOUNT,
    "atr": terms.ATR,
}
MEMORY_ALL, MEMORY_NONE = -1, 0
# How near to a whole number the ticks in a price of 1 are taken to be that number.
_SNAP = 1e-9


def account_of(config: Config, instrument: InstrumentSpec) -> Account:
    """Return the account constants; a fixed size is counted in the lots of the instrument."""
    account, execution = config.account, config.execution
    return Account(
        cash=account.cash,
        fill=FILLS[execution.fill],
        long_allowed=config.direction != "short_only",
        short_allowed=config.direction != "long_only",
        both_hit=BOTH_HIT[execution.both_hit],
        entry_bar=ENTRY_BARS[execution.entry_bar],
        touch=execution.limit_fill == "touch",
        participation=_fraction(execution.max_volume_percent),
        leverage=account.leverage,
        maintenance=account.maintenance_percent / 100.0,
        interest_rate=account.interest_percent / 100.0,
        reject=execution.unaffordable == "reject",
        exit_first=execution.reversal == "two_orders",
        size_at_fill=getattr(config.sizing, "at", "close") == "fill",
        **_sizing_of(config, instrument),
    )


def _sizing_of(config: Config, instrument: InstrumentSpec) -> dict[str, Any]:
    sizing = config.sizing
    found: dict[str, Any] = {}
    if isinstance(sizing, FixedSizing):
        lots = _whole_lots(config, sizing.quantity, instrument)
        found = {"sizing": terms.FIXED, "sizing_value": lots}
    elif isinstance(sizing, PercentSizing):
        found = {"sizing": terms.PERCENT, "sizing_value": sizing.percent / 100.0}
    elif isinstance(sizing, AllInSizing):
        found = {"sizing": terms.ALL_IN}
    else:
        found["sizing_most"] = sizing.most_percent / 100.0
    if isinstance(sizing, RiskSizing):
        found.update(sizing=terms.RISK, sizing_value=sizing.percent / 100.0)
    elif isinstance(sizing, VolatilitySizing):
        periods = config.metrics.periods_per_year
        assert periods != "counted"
        found.update(sizing=terms.VOLATILITY, sizing_value=sizing.percent / 100.0)
        found.update(sizing_periods=periods)
    elif isinstance(sizing, KellySizing):
        found.update(sizing=terms.KELLY, sizing_value=sizing.fraction)
        found.update(sizing_trades=float(sizing.trades))
        found.update(sizing_before=sizing.before_percent / 100.0)
    elif isinstance(sizing, KernelSizing):
        found.update(sizing=terms.CUSTOM)
    return found


def _whole_lots(config: Config, quantity: float, instrument: InstrumentSpec) -> float:
    lots = quantity / instrument.lot_size
    if not lots <= LOTS_MAX:
        raise ConfigError(
            f"{config.where('sizing', 'quantity')}: expected at most {LOTS_MAX:.0f} lots of "
            f"{instrument.lot_size!r}; found {quantity!r}"
        )
    return float(round(lots))


def instrument_of(config: Config, instrument: InstrumentSpec) -> Instrument:
    """Return what the instrument is and what its fills cost.

    A constant rate of exchange is part of `lot_value`; a rate that is another instrument's
    price is not.
    """
    costs = costs_of(config, instrument)
    size = instrument.tick_size or 0.0
    execution = config.execution
    crossing = execution.cross_ticks - 0.5 if execution.limit_fill == "cross" else 0.0
    rate = instrument.fx_rate or 1.0
    return Instrument(
        lot_size=instrument.lot_size,
        lot_value=instrument.lot_size * instrument.multiplier * rate,
        ticks=ticks_in_one(size) if size else 0.0,
        cross=_ticks(crossing, size),
        fee_per_unit=costs.fee_per_share,
        fee_fixed=costs.fee_fixed,
        fee_minimum=costs.fee_minimum,
        slippage_rate=(costs.slippage_bps + costs.spread_bps / 2.0) * BPS,
        slippage_amount=_ticks(costs.slippage_ticks + costs.spread_ticks / 2.0, size),
        slippage_impact=costs.impact_percent / 100.0,
        slippage_on=SLIPPAGE_ON[costs.slippage_on],
        borrow_rate=instrument.borrow_percent / 100.0,
        funding_rate=instrument.funding_percent / 100.0,
        **_rates_of(costs),
    )


def _rates_of(costs: CostsSpec) -> dict[str, Any]:
    maker = costs.fee_bps if isinstance(costs.maker_bps, UnsetType) else costs.maker_bps
    rates = {"fee_rate": costs.fee_bps * BPS, "fee_rate_maker": maker * BPS}
    for k, tier in enumerate(costs.tiers, start=1):
        rates[f"fee_from_{k}"] = tier.from_turnover
        rates[f"fee_rate_{k}"] = tier.bps * BPS
    return {**rates, "fee_tiers": len(costs.tiers)}


def ticks_in_one(tick_size: float) -> float:
    """Return the ticks in a price of 1: a whole number wherever one is meant."""
    ticks = 1.0 / tick_size
    whole = float(round(ticks))
    return whole if abs(ticks - whole) <= _SNAP * ticks else ticks


def _ticks(count: float, tick_size: float) -> float:
    """Return a number of ticks in price units; 3 ticks of 0.1 are 0.3, as 3 * 0.1 is not."""
    if not tick_size:
        return 0.0
    per = ticks_in_one(tick_size)
    return count / per if per.is_integer() else count * tick_size


def entry_of(config: Config, instrument: InstrumentSpec) -> Entry:
    """Return the order that a signal becomes.

    The limit of a stop-limit order is configured beyond its stop; here it is below the close.
    """
    entry = config.entry
    limit_unit, limit = distance_of(entry.limit, instrument)
    stop_unit, stop = distance_of(entry.stop, instrument)
    assert NO_DISTANCE in (limit_unit, stop_unit) or limit_unit == stop_unit
    return Entry(
        kind=reasons.KINDS.index(entry.order),
        tif=reasons.TIMES_IN_FORCE.index(entry.time_in_force),
        unit=limit_unit or stop_unit,
        limit=-(stop + limit) if entry.order == "stop_limit" else limit,
        stop=stop,
        bars=float(entry.bars or 0),
    )


def exits_of(config: Config, instrument: InstrumentSpec) -> Exits:
    """Return when a position is left besides by signal."""
    exits = config.exits
    stop, stop_value = distance_of(exits.stop_loss, instrument)
    trail, trail_value = distance_of(exits.trailing_stop, instrument)
    even, even_value = distance_of(exits.break_even, instrument)
    found: dict[str, Any] = {}
    for k, target in enumerate(exits.targets, start=1):
        found["target"], found[f"target_{k}"] = distance_of(target, instrument)
        found[f"part_{k}"] = target.part / 100.0
    if exits.trailing_stop:
        start = exits.trailing_stop.start
        found["trail_start"] = _converted(exits.trailing_stop.unit, start, instrument)
        found["trail_close"] = exits.trailing_stop.follow == "close"
    if exits.break_even:
        offset = exits.break_even.offset
        found["even_offset"] = _converted(exits.break_even.unit, offset, instrument)
    if exits.session_end:
        found["session_minutes"] = exits.session_end.minutes
    return Exits(
        stop=stop,
        stop_value=stop_value,
        trail=trail,
        trail_value=trail_value,
        even=even,
        even_value=even_value,
        max_bars=float(exits.max_bars or 0),
        session_end=bool(exits.session_end),
        from_close=exits.base == "close",
        memory=_memory_of(config),
        **found,
    )


def _memory_of(config: Config) -> int:
    memory = config.exits.memory
    if isinstance(memory, str):
        return MEMORY_ALL if memory == "all" else MEMORY_NONE
    mask = 0
    for kind in memory:
        mask |= 1 << reasons.ROLES.index(kind)
    return mask


def distance_of(distance: AnyDistance | UnsetType, instrument: InstrumentSpec) -> tuple[int, float]:
    """Return unit and value of a distance: fractions for per cent, price units for ticks."""
    if isinstance(distance, UnsetType):
        return NO_DISTANCE, 0.0
    return UNITS[distance.unit], _converted(distance.unit, distance.value, instrument)


def _converted(unit: str, value: float, instrument: InstrumentSpec) -> float:
    if unit == "percent":
        return value / 100.0
    return _ticks(value, instrument.tick_size or 0.0) if unit == "ticks" else value


def limits_of(config: Config, instrument: InstrumentSpec) -> Limits:
    """Return what is denied, and when trading stops."""
    risk = config.risk
    return Limits(
        position=_fraction(risk.max_position_percent),
        position_lots=_lots_within(risk.max_position or 0.0, instrument.lot_size),
        gross=_fraction(risk.max_gross_percent),
        net=_fraction(risk.max_net_percent),
        sector=_fraction(risk.max_sector_percent),
        day_loss=_fraction(risk.max_daily_loss_percent),
        drawdown=_fraction(risk.max_drawdown_percent),
        day_orders=float(risk.max_orders_per_day or 0),
        day_trades=float(risk.max_trades_per_day or 0),
        flatten=risk.on_halt == "flatten",
    )


def _fraction(percent: float | UnsetType) -> float:
    return 0.0 if isinstance(percent, UnsetType) else percent / 100.0


def _lots_within(quantity: float, lot_size: float) -> float:
    """Return the whole lots in a quantity, in decimals: 0.29 has 29 lots of 0.01."""
    with localcontext() as context:
        context.prec = 700  # more than the digits between the largest and the smallest float64
        lots = Decimal(repr(quantity)) / Decimal(repr(lot_size))
        return min(float(lots.to_integral_value(ROUND_FLOOR)), LOTS_MAX)


def terms_of(
    config: Config, instrument: InstrumentSpec, *, requests: int = 0, clock: bool = False
) -> Terms:
    """Return the constants of an instrument's execution, with what a run of it uses.

    `requests` is how many orders the strategy makes itself; `clock` whether sessions come
    from a calendar. Raises ConfigError for a fee or sizing kernel that cannot be found.
    """
    fee, size = costs_of(config, instrument).fee_kernel, config.sizing
    return make_terms(
        account_of(config, instrument),
        instrument_of(config, instrument),
        entry_of(config, instrument),
        exits_of(config, instrument),
        limits_of(config, instrument),
        requests=requests,
        clock=clock,
        actions=bool(instrument.actions),
        fee_of=function_of(config, fee, "costs", "fee_kernel") if fee else standard_fee,
        size_of=(
            function_of(config, size.kernel, "sizing", "kernel")
            if isinstance(size, KernelSizing)
            else no_size
        ),
    )


def function_of(config: Config, name: str, *where: str) -> Any:
    """Return the plain function that ``module:name`` means; the engine is compiled with it."""
    module, _, attribute = name.partition(":")
    if not attribute:
        raise ConfigError(
            f"{config.where(*where)}: expected module:name of a function of your own; "
            f"found {name!r}"
        )
    found = getattr(registry.import_own(module, name), attribute, None)
    if not isinstance(found, FunctionType):
        raise ConfigError(
            f"{config.where(*where)}: expected {attribute} to be a plain function in {module}; "
            f"found {type(found).__name__}"
        )
    return found


def atr_period_of(config: Config) -> int:
    """Return the period of the ATR that distances are counted in; 0 if none is."""
    entry, exits = config.entry, config.exits
    found = (entry.limit, entry.stop, exits.stop_loss, exits.trailing_stop, exits.break_even)
    used = any(d.unit == "atr" for d in (*found, *exits.targets) if isinstance(d, AnyDistance))
    return exits.atr_period if used else 0


def volatility_bars_of(config: Config) -> int:
    """Return the bars that the volatility for sizing is measured over; 0 if it is not used."""
    return config.sizing.bars if isinstance(config.sizing, VolatilitySizing) else 0
