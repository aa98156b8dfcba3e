"""From a configuration to a program: kernels found, parameters checked, account made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from admf_fast.calendars import Calendar, load_calendar
from admf_fast.config import AllInSizing, Config, FeatureSpec, FixedSizing, PercentSizing
from admf_fast.data.spec import check_longer
from admf_fast.errors import ConfigError
from admf_fast.runners.own_modules import own_modules
from admf_kernels import registry
from admf_kernels.clock import Clock
from admf_kernels.contract import (
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
from admf_kernels.execution import account as accounts
from admf_kernels.execution.account import Account
from admf_kernels.execution.costs import LOTS_MAX
from admf_kernels.plan import Plan
from admf_kernels.program import BLOCK_BARS, Program

FILLS = {"next_open": accounts.NEXT_OPEN, "same_close": accounts.SAME_CLOSE}
BPS = 1e-4


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything a run needs besides its bars; the same for every mode."""

    config: Config
    strategy: Strategy
    params: Any
    account: Account
    features: Mapping[str, Output] = field(default_factory=dict)
    calendar: Calendar | None = None

    @property
    def clock(self) -> Clock | None:
        """The sessions and the local time of the calendar, as programs take them."""
        return self.calendar.clock if self.calendar else None

    def program(self, block_bars: int = BLOCK_BARS) -> Program:
        """Return a fresh program."""
        return Program(
            self.strategy,
            self.params,
            self.account,
            features=self.features.values(),
            block_bars=block_bars,
            clock=self.clock,
        )

    @property
    def periods_per_year(self) -> float:
        """Bars per year; 0 to count them."""
        given = self.config.metrics.periods_per_year
        return 0.0 if given == "counted" else float(given)


def prepare(config: Config) -> Setup:
    """Resolve the kernels of a configuration; raises ConfigError with file and line."""
    with own_modules(config.source.base_dir):
        kernel = _kernel(config, config.strategy.kernel, ("strategy", "kernel"), Strategy)
        params = _checked(config, kernel, config.strategy.params, ("strategy", "params"))
        features: dict[str, Output] = {}
        for k, spec in enumerate(config.features):
            features[spec.name] = _feature(config, spec, k, features)
    calendar = load_calendar(config.bars.calendar) if config.bars.calendar else None
    plan = Plan([*kernel.columns_for(params).values(), *features.values()])
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
    return Setup(config, kernel, params, account_of(config), features, calendar)


def account_of(config: Config) -> Account:
    """Return the account constants that a configuration means."""
    made, costs, sizing = config.account, config.execution, config.sizing
    kind, value = accounts.ALL_IN, 1.0
    if isinstance(sizing, FixedSizing):
        kind, value = accounts.FIXED, _whole_lots(config, sizing.quantity)
    elif isinstance(sizing, PercentSizing):
        kind, value = accounts.PERCENT, sizing.percent / 100.0
    else:
        assert isinstance(sizing, AllInSizing)
    return Account(
        cash=made.cash,
        lot_size=made.lot_size,
        fee_rate=costs.fee_bps * BPS,
        fee_per_unit=costs.fee_per_share,
        fee_fixed=costs.fee_fixed,
        slippage_rate=costs.slippage_bps * BPS,
        slippage_amount=costs.slippage_ticks * made.tick_size,
        sizing=kind,
        sizing_value=value,
        fill=FILLS[costs.fill],
        long_allowed=config.direction != "short_only",
        short_allowed=config.direction != "long_only",
    )


def _whole_lots(config: Config, quantity: float) -> float:
    lots = quantity / config.account.lot_size
    if not lots <= LOTS_MAX:
        raise ConfigError(
            f"{config.where('sizing', 'quantity')}: expected at most {LOTS_MAX:.0f} lots of "
            f"{config.account.lot_size!r}; found {quantity!r}"
        )
    return float(round(lots))


def _kernel(config: Config, name: str, where: tuple[str | int, ...], kind: Any) -> Any:
    try:
        found = registry.get(name)
    except KernelError as error:
        raise ConfigError(f"{config.where(*where)}: {error}") from error
    if not isinstance(found, kind):
        wanted = "a strategy" if kind is Strategy else "an indicator"
        raise ConfigError(
            f"{config.where(*where)}: expected {wanted}, {name!r} is "
            f"{'a strategy' if isinstance(found, Strategy) else 'an indicator'}"
        )
    return found


def _checked(
    config: Config, kernel: Any, params: Mapping[str, Any], where: tuple[str | int, ...]
) -> Any:
    try:
        return kernel.checked(**params)
    except KernelError as error:
        raise ConfigError(f"{config.where(*where)}: {error}") from error


def _feature(config: Config, spec: FeatureSpec, index: int, known: Mapping[str, Output]) -> Output:
    """Return the column a feature of the configuration means; inputs may be earlier ones."""
    where = ("features", index)
    name, _, output = spec.kernel.partition(".")
    kernel = _kernel(config, name, (*where, "kernel"), (Indicator, Composite))
    _checked(config, kernel, spec.params, (*where, "params"))
    sources = [known.get(i, i) for i in spec.inputs]
    columns = (*BAR_COLUMNS[1:], *CLOCK_COLUMNS)
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
