"""A picture of a run in the text format of Prometheus."""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

from admf_fast.errors import ConfigError
from admf_fast.monitor.picture import Picture

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Gauge = tuple[str, str, Callable[[Picture], float]]
GAUGES: tuple[Gauge, ...] = (
    ("healthy", "1 if /health says ok", lambda p: p.health.ok),
    ("last_bar_age_seconds", "Since the last bar came", lambda p: p.health.last_bar_age_seconds),
    ("last_bar_timestamp_seconds", "Its close", lambda p: p.health.last_bar_ns / 1e9),
    ("journal_sequence", "Last record on disk", lambda p: p.health.journal_sequence),
    ("diverged", "1 after a logic divergence", lambda p: bool(p.health.divergence)),
    ("equity", "In account currency", lambda p: p.status.equity if p.status else 0.0),
    ("position_lots", "Of the last symbol", lambda p: p.status.lots if p.status else 0),
    ("signal", "Wanted exposure", lambda p: p.status.signal if p.status else 0.0),
)  # fmt: skip
COUNTERS: tuple[Gauge, ...] = (
    ("bars", "Bars taken since the start", lambda p: p.bars),
    ("days", "Days compared", lambda p: p.days),
    ("steps", "Bars whose time was taken", lambda p: p.steps),
    ("step_seconds", "Time the run took over them", lambda p: p.step_seconds),
    ("monitor_errors", "Errors inside the monitor", lambda p: p.errors),
    ("alerts_sent", "Alerts that went through all channels", lambda p: p.alerts_sent),
    ("alerts_suppressed", "Alerts held back by limits", lambda p: p.alerts_suppressed),
    ("alerts_dropped", "Alerts dropped as the queue was full", lambda p: p.alerts_dropped),
    ("alerts_failed", "Alerts that a channel did not take", lambda p: p.alerts_failed),
    ("cusum_alarms", "Cumulative sums that passed a limit", lambda p: p.cusum_alarms),
)  # fmt: skip


class Exporter:
    """Writes pictures as text; raises ConfigError where prometheus_client is not installed."""

    def __init__(self, picture: Callable[[], Picture]) -> None:
        try:
            client: Any = importlib.import_module("prometheus_client")
            core: Any = importlib.import_module("prometheus_client.core")
        except ImportError:
            raise ConfigError(
                "monitor.serve: /metrics needs the package prometheus_client, which is not "
                "installed; pip install 'admf-fast[metrics]'"
            ) from None
        self._picture = picture
        self._client = client
        self._core = core
        self._registry = client.CollectorRegistry()  # not the process's own
        self._registry.register(self)

    def text(self) -> bytes:
        """Return the page."""
        made: bytes = self._client.generate_latest(self._registry)
        return made

    def describe(self) -> Iterator[Any]:
        """Return nothing: names are not looked for before the first picture."""
        return iter(())

    def collect(self) -> Iterator[Any]:
        """Yield the families of one picture."""
        picture = self._picture()
        for name, text, value in GAUGES:
            yield self._core.GaugeMetricFamily(f"admf_{name}", text, float(value(picture)))
        for name, text, count in COUNTERS:
            yield self._core.CounterMetricFamily(f"admf_{name}", text, count(picture))
        yield from self._labelled(picture)

    def _labelled(self, picture: Picture) -> Iterator[Any]:
        gauge, counter = self._core.GaugeMetricFamily, self._core.CounterMetricFamily
        found = gauge("admf_figure", "Of the window of production", labels=["figure"])
        expected = gauge("admf_figure_baseline", "Of the backtest", labels=["figure"])
        outside = gauge("admf_figure_outside", "1 outside its band", labels=["figure"])
        for name, value in picture.figures.items():
            found.add_metric([name], value)
            outside.add_metric([name], float(name in picture.outside))
        for name, value in picture.baseline.items():
            expected.add_metric([name], value)
        sums = gauge("admf_cusum", "Cumulative sum over its limit", labels=["figure", "side"])
        for name, (up, down, limit) in picture.sums.items():
            for side, value in (("up", up), ("down", down)):
                sums.add_metric([name, side], value / limit if limit else 0.0)
        state = gauge("admf_state", "1 for the present one", labels=["mode", "state", "feed"])
        h = picture.health
        state.add_metric([h.mode, h.state, h.feed], 1.0)
        notes = counter("admf_notes", "Notes of the journal", labels=["rule"])
        for rule, count in picture.notes.items():
            notes.add_metric([rule], count)
        counts = counter("admf_counts", "Counters of the run", labels=["name"])
        for name, count in (picture.status.counts if picture.status else {}).items():
            counts.add_metric([name], count)
        yield from (found, expected, outside, sums, state, notes, counts)
