"""Rules of the account, of sizing and of risk limits."""

from msgspec import UnsetType

from admf_fast.config.markets import lacking
from admf_fast.config.model import ConfigContent
from admf_fast.config.sizing import (
    AllInSizing,
    KellySizing,
    KernelSizing,
    PercentSizing,
    RiskSizing,
    VolatilitySizing,
)
from admf_fast.config.source import Problems

# A limit that another one keeps from ever being reached, and why.
_NEVER_REACHED = (
    ("max_position_percent", "max_gross_percent", "no position is more than all of them"),
    ("max_position_percent", "max_sector_percent", "no position is more than its sector"),
    ("max_sector_percent", "max_gross_percent", "no sector is more than all positions"),
    ("max_net_percent", "max_gross_percent", "net exposure is never more than gross"),
    ("max_daily_loss_percent", "max_drawdown_percent", "the drawdown would halt before"),
)


def check_risk(config: ConfigContent, problems: Problems) -> None:
    """Note every rule of account, sizing and limits that is broken."""
    account = config.account
    if account.maintenance_percent >= 100.0 / account.leverage:
        text = (
            f"expected less than 100 / account.leverage = {100.0 / account.leverage!r}"
            f"; found {account.maintenance_percent!r}, with a leverage of {account.leverage!r}"
        )
        problems.add(("account", "maintenance_percent"), f"{text}; it would close at once")
    _check_sizing(config, problems)
    _check_limits(config, problems)


def _check_sizing(config: ConfigContent, problems: Problems) -> None:
    sizing = config.sizing
    if isinstance(sizing, AllInSizing | PercentSizing) and sizing.at == "fill":
        if config.instruments:
            text = "expected only with one instrument; found fill, with instruments"
            problems.add(("sizing", "at"), text)
        if config.entry.order != "market":
            text = f"expected only with order market; found fill, with {config.entry.order}"
            problems.add(("sizing", "at"), text)
    if isinstance(sizing, PercentSizing):
        _check_buying_power(config, "percent", sizing.percent, problems)
    if isinstance(sizing, RiskSizing | VolatilitySizing | KellySizing | KernelSizing):
        _check_buying_power(config, "most_percent", sizing.most_percent, problems)
    if isinstance(sizing, KellySizing) and sizing.before_percent > sizing.most_percent:
        text = f"expected at most sizing.most_percent, {sizing.most_percent!r}"
        problems.add(("sizing", "before_percent"), f"{text}; found {sizing.before_percent!r}")
    if isinstance(sizing, RiskSizing) and not config.exits.stop_loss:
        text = "a distance such as {percent: 0.5}, for sizing of kind risk"
        problems.missing(("exits", "stop_loss"), text)
    if isinstance(sizing, VolatilitySizing) and config.metrics.periods_per_year == "counted":
        text = "expected a number such as 252, for sizing of kind volatility; found counted"
        problems.add(("metrics", "periods_per_year"), text)


def _check_buying_power(config: ConfigContent, key: str, percent: float, p: Problems) -> None:
    most = 100.0 * config.account.leverage
    if percent > most:
        text = f"expected at most 100 * account.leverage = {most!r}; found {percent!r}"
        p.add(("sizing", key), text)


def _check_limits(config: ConfigContent, problems: Problems) -> None:
    risk = config.risk
    for key, other, why in _NEVER_REACHED:
        limit, sooner = getattr(risk, key), getattr(risk, other)
        if isinstance(limit, UnsetType) or isinstance(sooner, UnsetType):
            continue
        if limit > sooner:
            text = f"expected at most risk.{other}, {sooner!r}; found {limit!r}"
            problems.add(("risk", key), f"{text}; {why}")
    sectors = lacking(config, "sector") if risk.max_sector_percent else ""
    if sectors:
        text = "expected every instrument to have a sector"
        problems.add(("risk", "max_sector_percent"), f"{text}; found none; add {sectors}")
