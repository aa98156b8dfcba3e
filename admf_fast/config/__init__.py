"""Configuration: strict YAML or TOML, a typed model, one digest, a schema for editors."""

from admf_fast.config.account import AccountSpec
from admf_fast.config.changes import MISSING, Change, changes
from admf_fast.config.costs import CostsSpec, OwnCostsSpec, TierSpec
from admf_fast.config.distance import AnyDistance, DistanceSpec, OffsetSpec
from admf_fast.config.exits import (
    BreakEvenSpec,
    ExitsSpec,
    SessionEndSpec,
    TargetSpec,
    TrailingSpec,
)
from admf_fast.config.feed import FeedSpec
from admf_fast.config.instrument import ActionsSpec, InstrumentSpec, MarketSpec
from admf_fast.config.live import LimitsSpec, LiveSpec
from admf_fast.config.load import (
    SIZE_MAX_BYTES,
    config_of,
    load_config,
    parse_config,
    validate,
)
from admf_fast.config.model import (
    Config,
    FeatureSpec,
    MetricsSpec,
    costs_of,
    instruments_of,
)
from admf_fast.config.monitor import AlertsSpec, MonitorSpec, ServeSpec
from admf_fast.config.orders import EntrySpec, ExecutionSpec
from admf_fast.config.render import canonical, config_digest, contents, to_yaml
from admf_fast.config.risk import RiskSpec
from admf_fast.config.schema import json_schema
from admf_fast.config.sizing import (
    AllInSizing,
    FixedSizing,
    KellySizing,
    KernelSizing,
    PercentSizing,
    RiskSizing,
    Sizing,
    VolatilitySizing,
)
from admf_fast.config.source import Problems, Source, nearest
from admf_fast.config.splits import (
    SPLITS,
    HoldoutSpec,
    KFoldSpec,
    Split,
    SplitSpec,
    WalkForwardSpec,
)
from admf_fast.config.strategy import (
    EnsembleSpec,
    MemberSpec,
    RegimesSpec,
    SideSpec,
    StateSpec,
    StrategySpec,
)
from admf_fast.config.sweep import SampleSpec, SearchSpec, SweepSpec, axes_of

__all__ = [
    "MISSING",
    "SIZE_MAX_BYTES",
    "SPLITS",
    "AccountSpec",
    "ActionsSpec",
    "AlertsSpec",
    "AllInSizing",
    "AnyDistance",
    "BreakEvenSpec",
    "Change",
    "Config",
    "CostsSpec",
    "DistanceSpec",
    "EnsembleSpec",
    "EntrySpec",
    "ExecutionSpec",
    "ExitsSpec",
    "FeatureSpec",
    "FeedSpec",
    "FixedSizing",
    "HoldoutSpec",
    "InstrumentSpec",
    "KFoldSpec",
    "KellySizing",
    "KernelSizing",
    "LimitsSpec",
    "LiveSpec",
    "MarketSpec",
    "MemberSpec",
    "MetricsSpec",
    "MonitorSpec",
    "OffsetSpec",
    "OwnCostsSpec",
    "PercentSizing",
    "Problems",
    "RegimesSpec",
    "RiskSizing",
    "RiskSpec",
    "SampleSpec",
    "SearchSpec",
    "ServeSpec",
    "SessionEndSpec",
    "SideSpec",
    "Sizing",
    "Source",
    "Split",
    "SplitSpec",
    "StateSpec",
    "StrategySpec",
    "SweepSpec",
    "TargetSpec",
    "TierSpec",
    "TrailingSpec",
    "VolatilitySizing",
    "WalkForwardSpec",
    "axes_of",
    "canonical",
    "changes",
    "config_digest",
    "config_of",
    "contents",
    "costs_of",
    "instruments_of",
    "json_schema",
    "load_config",
    "nearest",
    "parse_config",
    "to_yaml",
    "validate",
]
