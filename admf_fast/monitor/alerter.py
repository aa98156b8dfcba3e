"""Production beside its baseline: which figures have left their bands, and who is told."""

import math
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from admf_fast.config import MonitorSpec
from admf_fast.errors import ConfigError
from admf_fast.metrics.sums import mean_of
from admf_fast.monitor.alerts import Alert, Severity
from admf_fast.monitor.baseline import Baseline
from admf_fast.monitor.baseline_file import find_baseline
from admf_fast.monitor.cusum import Cusum
from admf_fast.monitor.figures import FIGURES, day_values, figures_of
from admf_fast.monitor.tally import Row

Send = Callable[[Alert], object]
Detector = Literal["threshold", "band", "cusum"]


class Deviation(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of production that is not as the backtest's.

    `value` is what was found: the figure of the window, or the sum of `cusum`, below 0 for a
    fall. `expected` is the backtest's figure, `low` and `high` are the limits it passed.
    """

    figure: str
    detector: Detector
    value: float
    expected: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """One sentence for a person."""
        if self.detector == "cusum":
            way = "risen above" if self.value > 0.0 else "fallen below"
            return (
                f"{self.figure} has lastingly {way} the {self.expected:.6g} of the baseline: "
                f"cumulative sum {abs(self.value):.6g}, limit {self.high:.6g}"
            )
        if self.detector == "band":
            return (
                f"{self.figure} is {self.value:.6g}, outside {self.low:.6g} to {self.high:.6g}; "
                f"baseline {self.expected:.6g}"
            )
        share = _deviation(self.value, self.expected)
        return (
            f"{self.figure} is {self.value:.6g} and deviates by {share:.2%} from the "
            f"{self.expected:.6g} of the baseline"
        )


class DivergenceAlerter:
    """Alerts when production differs from what a backtest led to expect.

    With a `Baseline`, a figure deviates when it is outside its alarm band by more than
    `threshold` of the backtest's figure, and days are watched by cumulative sums besides. With
    plain figures, when it deviates by more than `threshold` of the backtest's figure (or by more
    than `threshold` where that is 0). An alert is sent when a figure begins to deviate, and when
    it is as expected again; not in between.

    Parameters
    ----------
    threshold : float
        A fraction, 0.01 for 1 %.
    send : function of Alert, optional
        Who is told, such as `AlertSender.send`; without, `send_alert` keeps the last 100 in
        `alerts`.
    """

    def __init__(self, threshold: float = 0.01, send: Send | None = None) -> None:
        if not (math.isfinite(threshold) and threshold >= 0.0):
            raise ConfigError(f"threshold: expected a fraction of at least 0, found {threshold!r}")
        self.threshold = threshold
        self.alerts: deque[Alert] = deque(maxlen=100)
        self.baseline: Baseline | None = None
        self.baseline_metrics: dict[str, float] = {}
        self.outside: dict[str, Deviation] = {}
        self.cusum_alarms = 0
        self._send = send
        self._rows: deque[Row] = deque(maxlen=1)
        self._cusums: dict[str, Cusum] = {}

    def establish_baseline(
        self, results: Baseline | str | Path | Mapping[str, Any], spec: MonitorSpec | None = None
    ) -> None:
        """Take what is expected.

        `results` is a `Baseline`, the path of one or of a run directory, or plain results with
        ``signals`` (values), ``bars`` (their number) and ``risk_metrics`` (figures by name).
        """
        self.outside.clear()
        self._cusums.clear()
        if isinstance(results, str | Path):
            results = find_baseline(Path(results), spec or MonitorSpec())
        if not isinstance(results, Baseline):
            self.baseline, self.baseline_metrics = None, _plain_figures(results)
            return
        self.baseline = results
        self._rows = deque(maxlen=results.window_days)
        figures = results.figures.items()
        self.baseline_metrics = {n: b.value for n, b in figures if b.value is not None}
        for name, band in figures:
            if band.cusum_limit is not None and band.mean is not None and band.deviation:
                self._cusums[name] = Cusum(
                    band.mean, band.deviation, results.cusum_shift, band.cusum_limit
                )

    def check_day(self, row: Row) -> list[Deviation]:
        """Take a day of production that ended (`figures.COLUMNS`), and compare.

        The window's figures are compared from its first full window on, the sums at once.
        """
        self._rows.append(row)
        found = self._check_sums(row)
        if self.baseline is not None and len(self._rows) == self._rows.maxlen:
            found += self.check_production(self.window_figures())
        return found

    def window_figures(self) -> dict[str, float]:
        """Return the figures of the last days, at most `window_days`; none before the first."""
        if not self._rows:
            return {}
        figures = figures_of(np.array(self._rows))
        return dict(zip(FIGURES, figures.tolist(), strict=True))

    def check_production(self, production_metrics: Mapping[str, Any]) -> list[Deviation]:
        """Compare figures with the baseline; returns those that deviate, and alerts of changes.

        A figure that is missing is an error of the caller, NaN or None is one without an
        observation, which is not compared.
        """
        if not self.baseline_metrics:
            raise ConfigError(
                "check_production: expected a baseline; call establish_baseline first"
            )
        given = _flat(production_metrics)
        missing = [name for name in self.baseline_metrics if name not in given]
        if missing:
            raise ConfigError(
                f"check_production: expected {', '.join(self.baseline_metrics)}; "
                f"{', '.join(missing)} missing; NaN stands for nothing observed"
            )
        found = []
        for name, expected in self.baseline_metrics.items():
            value = given[name]
            deviation = self._compared(name, value, expected) if math.isfinite(value) else None
            if deviation:
                found.append(deviation)
            self._tell(name, deviation, value)
        return found

    def _compared(self, name: str, value: float, expected: float) -> Deviation | None:
        if self.baseline is None:
            if _deviation(value, expected) <= self.threshold:
                return None
            slack = self.threshold * (abs(expected) or 1.0)
            low, high = expected - slack, expected + slack
            return Deviation(
                figure=name, detector="threshold", value=value, expected=expected, low=low,
                high=high,
            )  # fmt: skip
        band = self.baseline.figures[name]
        if band.alarm_low is None or band.alarm_high is None:
            return None
        slack = self.threshold * abs(expected)
        low, high = band.alarm_low - slack, band.alarm_high + slack
        if low <= value <= high:
            return None
        return Deviation(
            figure=name, detector="band", value=value, expected=expected, low=low, high=high
        )

    def _check_sums(self, row: Row) -> list[Deviation]:
        if not self._cusums:
            return []
        values = dict(zip(FIGURES, day_values(np.array([row]))[0].tolist(), strict=True))
        found = []
        for name, cusum in self._cusums.items():
            passed = cusum.add(values[name])
            if passed:
                found.append(
                    Deviation(
                        figure=name, detector="cusum", value=passed, expected=cusum.mean,
                        low=-cusum.limit, high=cusum.limit,
                    )
                )  # fmt: skip
                self.cusum_alarms += 1
                self.send_alert(found[-1].text, key=f"cusum {name}")
        return found

    def _tell(self, name: str, deviation: Deviation | None, value: float) -> None:
        if not math.isfinite(value):
            return  # nothing observed: it stays as it was
        before = self.outside.pop(name, None)
        if deviation:
            self.outside[name] = deviation
            if before is None:
                self.send_alert(deviation.text, key=f"figure {name}")
        elif before is not None:
            text = f"{name} is {value:.6g}, as expected again"
            self.send_alert(text, key=f"figure {name}", severity="info")

    def send_alert(
        self, text: str, *, key: str = "divergence", severity: Severity = "warning"
    ) -> None:
        """Tell whoever is to be told, and keep the alert in `alerts`."""
        alert = Alert(key=key, text=text, severity=severity)
        self.alerts.append(alert)
        if self._send is not None:
            self._send(alert)

    def sums(self) -> dict[str, tuple[float, float, float]]:
        """Return upper sum, lower sum and limit of every figure that has one."""
        return {name: (c.up, c.down, c.limit) for name, c in self._cusums.items()}

    def state(self) -> dict[str, Any]:
        """Return the window and the sums, as plain data."""
        sums = {name: [c.up, c.down] for name, c in self._cusums.items()}
        return {"rows": [list(r) for r in self._rows], "sums": sums, "outside": [*self.outside]}

    def restore(
        self, rows: list[list[float]], sums: dict[str, list[float]], outside: list[str]
    ) -> None:
        """Go on from a state; what was outside then is not told again."""
        self._rows.extend(tuple(row) for row in rows)
        for name, (up, down) in sums.items():
            if name in self._cusums:
                self._cusums[name].up, self._cusums[name].down = up, down
        figures = self.window_figures()
        for name in outside:
            value, expected = figures.get(name, math.nan), self.baseline_metrics.get(name)
            if expected is None or not math.isfinite(value):
                continue
            if found := self._compared(name, value, expected):
                self.outside[name] = found


def _deviation(value: float, expected: float) -> float:
    """Return the deviation as a fraction of what is expected; absolute where that is 0."""
    return abs(value - expected) / (abs(expected) or 1.0)


def _plain_figures(results: Mapping[str, Any]) -> dict[str, float]:
    try:
        signals = np.asarray(results["signals"], np.float64)
        bars = int(results["bars"])
        risk = results["risk_metrics"]
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            "establish_baseline: expected a Baseline, a path, or signals (numbers), bars (a "
            f"number) and risk_metrics (numbers by name); found {error!r}"
        ) from None
    if bars < 1 or signals.ndim != 1:
        raise ConfigError("establish_baseline: expected at least 1 bar and a row of signals")
    made = {
        "avg_signal_strength": mean_of(signals),
        "signal_frequency": len(signals) / bars,
        **_flat({"risk_metrics": risk}),
    }
    return {name: value for name, value in made.items() if math.isfinite(value)}


def _flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return numbers by name; those inside another mapping as ``outer.inner``."""
    made: dict[str, float] = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            made |= _flat(value, f"{prefix}{name}.")
        else:
            made[f"{prefix}{name}"] = math.nan if value is None else float(value)
    return made
