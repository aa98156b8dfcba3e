"""From a configuration to a monitor that watches: what `admf live` calls."""

import time
from collections.abc import Callable
from pathlib import Path

from admf_fast.config import Config, MonitorSpec
from admf_fast.monitor.alerter import DivergenceAlerter
from admf_fast.monitor.alerts import AlertLimiter
from admf_fast.monitor.baseline_file import find_baseline
from admf_fast.monitor.channels import Channel, FileChannel, LogChannel, apprise_channels
from admf_fast.monitor.exporter import Exporter
from admf_fast.monitor.read_run import lot_values
from admf_fast.monitor.secret import secret_of_file, secret_of_variable
from admf_fast.monitor.sender import AlertSender
from admf_fast.monitor.server import Page, PageServer, health_page, metrics_page, token_of_folder
from admf_fast.monitor.tally import DayTally
from admf_fast.monitor.watch import ProductionMonitor

ALERTS = "alerts.jsonl"


def open_monitor(
    config: Config, folder: Path, timeframe_ns: int, *,
    clock_ns: Callable[[], int] = time.time_ns,
) -> ProductionMonitor:  # fmt: skip
    """Return the watcher of a run in `folder`, by the section `monitor`; `close` it at the end.

    It writes ``alerts.jsonl``, ``monitor.json`` and, if it serves, ``monitor.token``. Raises
    ConfigError or StateError for what cannot be had: a baseline, an address, a port, a package.
    """
    spec = config.monitor
    sender = open_sender(config, folder)
    alerter = DivergenceAlerter(spec.threshold, sender.send)
    if spec.baseline:
        alerter.establish_baseline(find_baseline(Path(config.resolve(spec.baseline)), spec))
    monitor = ProductionMonitor(
        config.name, DayTally(config.account.cash, lot_values(config)), alerter,
        timeframe_ns=timeframe_ns, stale_bars=spec.stale_bars, sender=sender, folder=folder,
        clock_ns=clock_ns,
    )  # fmt: skip
    server = _serve(monitor, spec, folder)
    if server is not None:
        monitor.closes.append(server.close)
        monitor.port = server.port
    return monitor


def open_sender(config: Config, folder: Path) -> AlertSender:
    """Return a sender to the run's file and log, and to all addresses of the configuration."""
    spec = config.monitor.alerts
    channels: list[Channel] = [FileChannel(folder / ALERTS), LogChannel()]
    if spec.urls_env:
        channels += apprise_channels(secret_of_variable(spec.urls_env), config.name)
    if spec.urls_file:
        path = Path(config.resolve(spec.urls_file))
        channels += apprise_channels(secret_of_file(path), config.name)
    limiter = AlertLimiter(spec.per_hour, spec.burst, spec.repeat_minutes, time.monotonic_ns)
    return AlertSender(channels, limiter, spec.queue)


def _serve(monitor: ProductionMonitor, spec: MonitorSpec, folder: Path) -> PageServer | None:
    if not spec.serve:
        return None
    token = None
    if spec.serve.token == "required":  # noqa: S105  a choice
        named = spec.serve.token_env
        token = secret_of_variable(named) if named else token_of_folder(folder)
    pages: dict[str, Page] = {
        "/health": health_page(monitor.health),
        "/metrics": metrics_page(Exporter(monitor.picture).text),
    }
    return PageServer(spec.serve.port, pages, token)
