"""From a configuration of several instruments to a panel program."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from admf_fast.calendars import Calendar
from admf_fast.config import Config, InstrumentSpec, instruments_of
from admf_fast.errors import ConfigError
from admf_fast.metrics import SessionDays
from admf_fast.runners.actions import ActionSource, actions_of
from admf_fast.runners.own_modules import own_modules
from admf_fast.runners.panel_data import calendars_of
from admf_fast.runners.setup import days_of, engine_inputs, named_features
from admf_fast.runners.strategy import strategy_of
from admf_fast.runners.terms import terms_of
from admf_kernels.contract import Output, Strategy
from admf_kernels.errors import KernelError
from admf_kernels.execution.terms import Terms
from admf_kernels.panel_program import (
    PERIODS,
    Instruments,
    PanelProgram,
    Rotation,
    block_for,
    common_uses,
)
from admf_kernels.plan import Plan


@dataclass(frozen=True, slots=True)
class PanelSetup:
    """Everything a run of several instruments needs besides its bars; the same for every mode."""

    config: Config
    strategy: Strategy
    params: Any
    instruments: tuple[Instruments, ...]
    rotation: Rotation | None = None
    features: Mapping[str, Output] = field(default_factory=dict)
    calendars: tuple[Calendar | None, ...] = ()
    action_sources: tuple[ActionSource | None, ...] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the instruments, in order of rank."""
        return tuple(i.symbol for i in self.instruments)

    @property
    def terms(self) -> Terms:
        """The constants of the first instrument; those of the account are the same for all."""
        return self.instruments[0].terms

    def program(self, block_moments: int = 0, *, general: bool = False) -> PanelProgram:
        """Return a fresh program; `general` for the driver that leaves nothing out.

        `block_moments` is the most that one call takes, 0 for what suits the instruments.
        """
        return PanelProgram(
            self.strategy,
            self.params,
            self.instruments,
            rotation=self.rotation,
            block_moments=block_moments or block_for(len(self.instruments)),
            general=general,
        )

    @property
    def periods_per_year(self) -> float:
        """Moments per year; 0 to count them."""
        given = self.config.metrics.periods_per_year
        return 0.0 if given == "counted" else float(given)

    @property
    def session_days(self) -> SessionDays:
        """Where session days end, for figures per day."""
        return days_of(self.calendars, [i.bars for i in instruments_of(self.config)])


def prepare_panel(config: Config) -> PanelSetup:
    """Resolve the kernels of a configuration; raises ConfigError with file and line."""
    specs = instruments_of(config)
    with own_modules(config.source.base_dir):
        features = named_features(config)
        strategy, params = strategy_of(config, features)
        plan = Plan([*strategy.columns_for(params).values(), *features.values()])
        calendars = calendars_of(config, plan)
        made = [
            terms_of(config, s, requests=strategy.orders, clock=c is not None)
            for s, c in zip(specs, calendars, strict=True)
        ]
    actions = _actions(config, specs, calendars)
    made = _alike(config, made)
    numbers = {spec.symbol: k for k, spec in enumerate(specs)}
    sectors: dict[str, int] = {}
    found = [
        Instruments(
            spec.symbol,
            terms,
            engine_inputs(config, terms),
            calendar.clock if calendar else None,
            numbers[spec.fx] if isinstance(spec.fx, str) else -1,
            _sector(spec, k, sectors),
            source.table if (source := actions[k]) else None,
        )
        for k, (spec, terms, calendar) in enumerate(zip(specs, made, calendars, strict=True))
    ]
    setup = PanelSetup(
        config, strategy, params, tuple(found), _rotation(config), features, calendars, actions
    )
    try:
        setup.program(1)
    except KernelError as error:
        raise ConfigError(f"{config.where('instruments')}: {error}") from error
    return setup


def _alike(config: Config, each: Sequence[Terms]) -> list[Terms]:
    """Return the terms of all instruments, each made for what any of them uses."""
    try:
        uses = common_uses([terms.uses for terms in each])
    except KernelError as error:
        raise ConfigError(f"{config.where('instruments')}: {error}") from error
    return [terms._replace(uses=uses) for terms in each]


def _sector(spec: InstrumentSpec, number: int, sectors: dict[str, int]) -> int:
    """Return the number of an instrument's group; one without a sector is a group of its own."""
    name = spec.sector if isinstance(spec.sector, str) else f" {number}"
    return sectors.setdefault(name, len(sectors))


def _rotation(config: Config) -> Rotation | None:
    spec = config.rotation
    if spec is UNSET:
        return None
    if spec.hold + spec.short == 0 or spec.hold + spec.short > len(config.instruments):
        raise ConfigError(
            f"{config.where('rotation')}: expected 1 to {len(config.instruments)} instruments "
            f"held, as many as there are; found hold {spec.hold} + short {spec.short} = "
            f"{spec.hold + spec.short}"
        )
    if isinstance(spec.every, str):
        return Rotation(spec.hold, spec.short, PERIODS.index(spec.every), 1)
    return Rotation(spec.hold, spec.short, 0, spec.every)


def _actions(
    config: Config, specs: Sequence[InstrumentSpec], calendars: Sequence[Calendar | None]
) -> tuple[ActionSource | None, ...]:
    """Return the splits and dividends of every instrument; a rate of exchange has none."""
    rates = {spec.fx: spec.symbol for spec in specs if isinstance(spec.fx, str)}
    for k, spec in enumerate(specs):
        if spec.actions and spec.symbol in rates:
            raise ConfigError(
                f"{config.where('instruments', k, 'actions')}: expected none, as {spec.symbol} "
                f"converts the currency of {rates[spec.symbol]} (fx), and a rate of exchange has "
                "no splits or dividends"
            )
    return tuple(
        actions_of(config, spec, ("instruments", k), calendar)
        for k, (spec, calendar) in enumerate(zip(specs, calendars, strict=True))
    )
