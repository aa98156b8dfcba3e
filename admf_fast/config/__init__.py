"""Configuration: strict YAML or TOML, a typed model, one digest, a schema for editors."""

from admf_fast.config.load import SIZE_MAX_BYTES, load_config, parse_config, validate
from admf_fast.config.model import (
    AccountSpec,
    AllInSizing,
    Config,
    ExecutionSpec,
    FeatureSpec,
    FixedSizing,
    MetricsSpec,
    PercentSizing,
    Sizing,
    StrategySpec,
)
from admf_fast.config.render import canonical, config_digest, contents, to_yaml
from admf_fast.config.schema import json_schema
from admf_fast.config.source import Problems, Source, nearest
from admf_fast.config.strategy import (
    EnsembleSpec,
    MemberSpec,
    RegimesSpec,
    SideSpec,
    StateSpec,
)

__all__ = [
    "SIZE_MAX_BYTES",
    "AccountSpec",
    "AllInSizing",
    "Config",
    "EnsembleSpec",
    "ExecutionSpec",
    "FeatureSpec",
    "FixedSizing",
    "MemberSpec",
    "MetricsSpec",
    "PercentSizing",
    "Problems",
    "RegimesSpec",
    "SideSpec",
    "Sizing",
    "Source",
    "StateSpec",
    "StrategySpec",
    "canonical",
    "config_digest",
    "contents",
    "json_schema",
    "load_config",
    "nearest",
    "parse_config",
    "to_yaml",
    "validate",
]
