"""How often the monitor alerts where nothing has changed, and how soon where something has.

``python -m bench.monitor_alarms`` makes histories of a known process (positions held for weeks,
volatility that persists, costs that vary), a baseline of each, and production of the same process
or of one with a change in it; it prints, for each figure and detector, the share of productions
with an alert within the horizon.
"""

import sys
from collections import Counter

import numpy as np

from admf_fast.config import MonitorSpec
from admf_fast.monitor import DivergenceAlerter, make_baseline
from admf_fast.monitor.figures import COLUMNS, FIGURES, Matrix

BARS = 390.0


def days(
    count: int, chance: np.random.Generator, *, stay: float = 15.0, leave: float = 10.0,
    won: float = 0.45, cost: float = 4.0, scale: float = 1.0, drift: float = 0.0005,
) -> Matrix:  # fmt: skip
    """Return days of a process: in the market for `stay` days, out of it for `leave`."""
    rows = np.zeros((count, len(COLUMNS)))
    held, log_volatility = False, 0.0
    for k in range(count):
        log_volatility = 0.95 * log_volatility + 0.1 * chance.standard_normal()
        row = dict.fromkeys(COLUMNS, 0.0) | {"day": float(k), "bars": BARS}
        if chance.random() < 1.0 / (stay if held else leave):
            held = not held
            row["signals"] = 1.0
            if held:
                row["wanted"], row["strength"] = 1.0, 0.5 + 0.5 * chance.random()
            else:
                row |= {"trades": 1.0, "wins": float(chance.random() < won), "costed": 1.0}
                row["cost"] = cost * (0.8 + 0.4 * chance.random())
        row["in_market"] = BARS if held else 0.0
        noise = 0.01 * np.exp(log_volatility) * chance.standard_t(5)
        row["gain"] = scale * (drift + noise) if held else 0.0
        rows[k] = [row[name] for name in COLUMNS]
    return rows


def alarms(baselines: int, productions: int, history: int, **change: float) -> dict[str, float]:
    """Return the share of productions with an alert, by figure and detector, and of any."""
    found: Counter[str] = Counter()
    spec = MonitorSpec()
    for number in range(baselines):
        chance = np.random.default_rng(number)
        baseline = make_baseline(days(history, chance), spec)
        for _ in range(productions):
            alerter = DivergenceAlerter(spec.threshold)
            alerter.establish_baseline(baseline)
            seen: set[str] = set()
            for row in days(spec.horizon_days, chance, **change):
                seen |= {f"{d.figure} {d.detector}" for d in alerter.check_day(tuple(row))}
            found.update([*seen, *(["any"] if seen else [])])
    return {name: count / (baselines * productions) for name, count in found.items()}


CHANGES: dict[str, dict[str, float]] = {
    "nothing": {},
    "half the time in the market": {"stay": 7.5, "leave": 20.0},
    "twice the costs": {"cost": 8.0},
    "twice the volatility": {"scale": 2.0},
    "0.3 % a day lost": {"drift": -0.003},
    "a fifth of the trades won": {"won": 0.2},
}


def main(baselines: int = 20, productions: int = 50, history: int = 1500) -> None:
    """Print a table for every change."""
    for name, change in CHANGES.items():
        found = alarms(baselines, productions, history, **change)
        print(f"{name}: any {found.pop('any', 0.0):.1%}")
        for figure in FIGURES:
            shares = [found.get(f"{figure} {detector}", 0.0) for detector in ("band", "cusum")]
            print(f"  {figure:18} band {shares[0]:6.1%}  cusum {shares[1]:6.1%}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
