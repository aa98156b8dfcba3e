"""From a configuration to a program: kernels found, parameters checked, account made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from admf_fast.calendars import Calendar, load_calendar
from admf_fast.config import Config, FeatureSpec, instruments_of
from admf_fast.data import BarSpec, parse_timeframe
from admf_fast.data.spec import check_longer
from admf_fast.errors import ConfigError
from admf_fast.metrics.days import SessionDays, session_days
from admf_fast.runners.actions import ActionSource, actions_of
from admf_fast.runners.own_modules import own_modules
from admf_fast.runners.strategy import checked_params, kernel_of, strategy_of
from admf_fast.runners.terms import terms_of, volatility_bars_of
from admf_kernels.actions import Actions
from admf_kernels.clock import Clock
from admf_kernels.contract import (
    ADJUSTMENT,
    BAR_COLUMNS,
    CLOCK_COLUMNS,
    Composite,
    Indicator,
    Output,
    Strategy,
    on,
    output_of,
)
from admf_kernels.errors import KernelError
from admf_kernels.execution.terms import Terms
from admf_kernels.indicators import atr, ratio, roc, shift, stddev
from admf_kernels.plan import Plan
from admf_kernels.program import BLOCK_BARS, Program


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything a run needs besides its bars; the same for every mode."""

    config: Config
    strategy: Strategy
    params: Any
    terms: Terms
    inputs: Mapping[str, Output] = field(default_factory=dict)
    features: Mapping[str, Output] = field(default_factory=dict)
    symbols: tuple[str, ...] = ("",)
    calendar: Calendar | None = None
    action_source: ActionSource | None = None

    @property
    def clock(self) -> Clock | None:
        """The sessions and the local time of the calendar, as programs take them."""
        return self.calendar.clock if self.calendar else None

    @property
    def actions(self) -> Actions | None:
        """The splits and dividends, as programs take them."""
        return self.action_source.table if self.action_source else None

    def program(self, block_bars: int = BLOCK_BARS) -> Program:
        """Return a fresh program."""
        return Program(
            self.strategy,
            self.params,
            self.terms,
            inputs=self.inputs,
            features=self.features.values(),
            block_bars=block_bars,
            clock=self.clock,
            actions=self.actions,
        )

    @property
    def periods_per_year(self) -> float:
        """Bars per year; 0 to count them."""
        given = self.config.metrics.periods_per_year
        return 0.0 if given == "counted" else float(given)

    @property
    def session_days(self) -> SessionDays:
        """Where session days end, for figures per day."""
        return days_of([self.calendar], [self.config.bars])


def days_of(calendars: Sequence[Calendar | None], bars: Sequence[BarSpec]) -> SessionDays:
    """Return where session days end: by the calendar that all bars have, else at midnight UTC."""
    names = {calendar.name if calendar else "" for calendar in calendars}
    calendar = calendars[0] if len(names) == 1 else None
    declared = [parse_timeframe(spec.timeframe) for spec in bars if spec.timeframe]
    return session_days(calendar.clock if calendar else None, max(declared, default=0))


def prepare(config: Config) -> Setup:
    """Resolve the kernels of a configuration; raises ConfigError with file and line."""
    with own_modules(config.source.base_dir):
        features = named_features(config)
        strategy, params = strategy_of(config, features)
        instrument = instruments_of(config)[0]
        calendar = load_calendar(config.bars.calendar) if config.bars.calendar else None
        terms = terms_of(config, instrument, requests=strategy.orders, clock=calendar is not None)
    _check_times(
        config, calendar, Plan([*strategy.columns_for(params).values(), *features.values()])
    )
    symbols = (instrument.symbol,)
    inputs = engine_inputs(config, terms)
    path = ("instruments", 0) if config.instruments else ("instrument",)
    actions = actions_of(config, instrument, path, calendar)
    return Setup(config, strategy, params, terms, inputs, features, symbols, calendar, actions)


def named_features(config: Config) -> dict[str, Output]:
    """Return the features of a configuration by name, each made of those above it."""
    features: dict[str, Output] = {}
    for k, spec in enumerate(config.features):
        features[spec.name] = _feature(config, spec, k, features)
    return features


def _check_times(config: Config, calendar: Calendar | None, plan: Plan) -> None:
    """Refuse longer timeframes that do not fit the bars, and sessions without a calendar."""
    for timeframe in plan.by_timeframe:
        try:
            check_longer(timeframe, config.bars.timeframe)
        except ConfigError as error:
            raise ConfigError(f"{config.where('strategy', 'kernel')}: {error}") from error
    if plan.clock_reads and calendar is None:
        raise ConfigError(
            f"{config.where('bars')}: {', '.join(plan.clock_reads)} come from the sessions of a "
            "market; set bars.calendar to XNYS, XLON, XEUR, CME or 24/7"
        )


def engine_inputs(config: Config, terms: Terms) -> dict[str, Output]:
    """Return the features that the engine reads itself.

    Where prices are adjusted, an ATR is brought back to the units that the bar is traded in:
    the one before the bar too, since orders that fill on the bar are in these.
    """
    found: dict[str, Output] = {}
    if terms.uses.atr:
        seen = atr(config.exits.atr_period)
        found = {"atr": output_of(seen), "atr_before": output_of(shift(1, of=seen))}
        if terms.uses.actions:
            found = {n: output_of(ratio(of=(o, ADJUSTMENT))) for n, o in found.items()}
    if terms.uses.deviation:
        found["deviation"] = output_of(stddev(volatility_bars_of(config), of=roc(1)))
    return found


def _feature(config: Config, spec: FeatureSpec, index: int, known: Mapping[str, Output]) -> Output:
    """Return the column a feature of the configuration means; inputs may be earlier ones."""
    where = ("features", index)
    name, _, output = spec.kernel.partition(".")
    kernel = kernel_of(config, name, (*where, "kernel"), (Indicator, Composite))
    checked_params(config, kernel, spec.params, (*where, "params"))
    sources = [known.get(i, i) for i in spec.inputs]
    columns = (*BAR_COLUMNS[1:], *CLOCK_COLUMNS, ADJUSTMENT)
    unknown = [s for s in sources if isinstance(s, str) and s not in columns]
    if unknown:
        raise ConfigError(
            f"{config.where(*where, 'inputs')}: {unknown[0]!r} is neither a column of the bars "
            f"nor a feature above (columns: {', '.join(columns)})"
        )
    try:
        made = kernel(**spec.params, of=tuple(sources) or None)
        chosen = getattr(made, output) if output else output_of(made)
        return on(spec.timeframe, chosen) if spec.timeframe else chosen
    except (KernelError, AttributeError) as error:
        raise ConfigError(f"{config.where(*where)}: {error}") from error
