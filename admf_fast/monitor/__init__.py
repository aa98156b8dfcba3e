"""Production beside its backtest: baseline, comparison, alerts, pages for readers."""

from admf_fast.monitor.alerter import Deviation, DivergenceAlerter
from admf_fast.monitor.alerts import Alert, AlertLimiter
from admf_fast.monitor.baseline import Band, Baseline, make_baseline
from admf_fast.monitor.baseline_file import (
    baseline_of_run,
    find_baseline,
    load_baseline,
    save_baseline,
)
from admf_fast.monitor.observer import LiveObserver, LiveStatus
from admf_fast.monitor.open_monitor import open_monitor
from admf_fast.monitor.sender import AlertSender
from admf_fast.monitor.watch import ProductionMonitor

__all__ = [
    "Alert",
    "AlertLimiter",
    "AlertSender",
    "Band",
    "Baseline",
    "Deviation",
    "DivergenceAlerter",
    "LiveObserver",
    "LiveStatus",
    "ProductionMonitor",
    "baseline_of_run",
    "find_baseline",
    "load_baseline",
    "make_baseline",
    "open_monitor",
    "save_baseline",
]
