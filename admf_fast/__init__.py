"""Trading strategies written once: backtest and live run share one compiled kernel.

``from admf_fast import load_config, backtest, prove`` is the way in from Python; everything
is imported when it is first used.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_EXPORTS = {
    "backtest": "admf_fast.jobs",
    "live": "admf_fast.jobs",
    "load_config": "admf_fast.config",
    "parse_config": "admf_fast.config",
    "Config": "admf_fast.config",
    "prove": "admf_fast.parity",
    "load_calendar": "admf_fast.calendars",
    "open_bars": "admf_fast.data",
    "BarSpec": "admf_fast.data",
    "sweep": "admf_fast.sweep",
    "DivergenceAlerter": "admf_fast.monitor",
    "ProductionMigration": "admf_fast.rollout",
    "BacktestContainer": "admf_fast.containers",
    "LiveContainer": "admf_fast.containers",
}
__all__ = ["__version__", *_EXPORTS]  # noqa: PLE0604  names of the table above


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'admf_fast' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
