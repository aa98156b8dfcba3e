"""What the tests of the monitor share: days of a known process, and a run told bar by bar."""

from typing import Any

import numpy as np

from admf_fast.config import MonitorSpec
from admf_fast.events import TradeEvent, make_event
from admf_fast.monitor import LiveStatus
from admf_fast.monitor.alerts import Alert
from admf_fast.monitor.figures import COLUMNS, Matrix

QUICK = MonitorSpec(window_days=10, horizon_days=30, replicates=200, false_alarms=0.05)


def some_days(count: int, seed: int = 1, **change: float) -> Matrix:
    """Return days with trades on about half of them, whose values depend on those before."""
    chance = np.random.default_rng(seed)
    rows = np.zeros((count, len(COLUMNS)))
    level = 0.0
    for k in range(count):
        level = 0.6 * level + chance.standard_normal()
        traded = float(level > 0.0)
        row = {
            "day": k, "bars": 10, "in_market": 5 + 3 * traded, "signals": 2 * traded,
            "wanted": traded, "strength": traded * 0.7, "trades": traded,
            "wins": traded * (chance.random() < 0.5), "costed": traded,
            "cost": traded * (change.get("cost", 4.0) + chance.random()),
            "equity": 1.0, "gain": change.get("scale", 0.01) * chance.standard_normal(),
        }  # fmt: skip
        rows[k] = [row[name] for name in COLUMNS]
    return rows


def status(ts_ns: int, **fields: Any) -> LiveStatus:
    return LiveStatus(**{"ts_ns": ts_ns, "symbol": "X", "equity": 100.0, **fields})


def trade(ts_ns: int, sequence: int, **fields: Any) -> TradeEvent:
    given = {
        "source": "run", "symbol": "X", "ts_ns": ts_ns, "sequence": sequence, "entry_ts_ns": 1,
        "lots": 10, "entry_price": 50.0, "exit_price": 51.0, "pnl": 1.0, "fees": 0.5,
        "reason": "signal", "bars": 1, "mae": 0.0, "mfe": 0.0,
    }  # fmt: skip
    return TradeEvent(**{**given, **fields})


class Told:
    """Keeps alerts, in place of a sender."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def __call__(self, alert: Alert) -> bool:
        self.alerts.append(alert)
        return True

    @property
    def keys(self) -> list[str]:
        return [alert.key for alert in self.alerts]


def watch_run(observer: Any, config: Any) -> Any:
    """Run a configuration bar by bar and tell an observer of everything; returns the result."""
    from admf_fast.feeds import replay
    from admf_fast.jobs import open_source
    from admf_fast.runners.live import run_live
    from admf_fast.runners.setup import prepare

    source = open_source(config)

    def observe(runner: Any, ts_ns: int, step: Any) -> None:
        for table, values in step.events:
            observer.on_event(make_event(table, "run", (source.symbol,), ts_ns, values[1:]))
        program = runner.program
        row = program.cursor - 1
        told = status(
            ts_ns, symbol=source.symbol, equity=float(program.per_bar["equity"][row]),
            lots=int(program.per_bar["lots"][row]), step_ns=1000, journal_sequence=row,
        )  # fmt: skip
        observer.on_bar(told)

    return run_live(prepare(config), replay(source.blocks()), observe=observe)
