"""Containers by one call, and runs of them: the same bars as history, and as if they were live."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from admf_fast.config import Config, load_config, parse_config
from admf_fast.containers.container import Container
from admf_fast.containers.kinds import (
    BacktestContainer,
    LiveContainer,
    PaperContainer,
    ShadowContainer,
)
from admf_fast.data import BarBlock, open_bars
from admf_fast.errors import ConfigError, ContainerError
from admf_fast.events import BarsEvent, Event
from admf_fast.feeds.as_events import events_of_bars, events_of_blocks
from admf_fast.runners.result import RunResult

AnyConfig = Config | Mapping[str, Any] | str | Path


def config_from(config: AnyConfig) -> Config:
    """Return a configuration: as it is, from a file's path, or from sections as plain values."""
    if isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        # JSON is YAML; so the sections are held to the rules of a file.
        try:
            text = json.dumps({"name": "unnamed", **config}, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"config: expected sections of plain values: {error}") from error
        return parse_config(text, name="config", format="yaml")
    return load_config(config)


def create_backtest_container(config: AnyConfig, **given: Any) -> BacktestContainer:
    """Return a container that takes history in blocks, not initialized yet.

    `config` is a Config, a path or sections as plain values; `given` are the keyword arguments
    of the container. So it is with the other kinds.
    """
    return BacktestContainer(config_from(config), **given)


def create_paper_container(config: AnyConfig, **given: Any) -> PaperContainer:
    """Return a container that takes closed bars, on a simulated account."""
    return PaperContainer(config_from(config), **given)


def create_shadow_container(config: AnyConfig, **given: Any) -> ShadowContainer:
    """Return a container that runs beside another one and can send nothing anywhere."""
    return ShadowContainer(config_from(config), **given)


def create_live_container(config: AnyConfig, **given: Any) -> LiveContainer:
    """Return a container that takes closed bars and may be given a venue."""
    return LiveContainer(config_from(config), **given)


def run_backtest(container: BacktestContainer, data: object | None = None) -> RunResult:
    """Run a container over history and return its result; it is initialized if it is not yet.

    `data` is a BarBlock, an iterable of them or an Arrow object; the bars of the configuration
    if left out.
    """
    return _run(container, BacktestContainer, data)


def run_simulated_live(container: PaperContainer, data: object | None = None) -> RunResult:
    """Run a container over the same bars one by one, as if they came live; see `run_backtest`."""
    return _run(container, PaperContainer, data)


def _run(container: Container, kind: type[Container], data: object | None) -> RunResult:
    if not isinstance(container, kind):
        raise ContainerError(
            f"{container.container_id}: expected a {kind.__name__}, "
            f"found {type(container).__name__}"
        )
    if not container.is_running:
        container.initialize()
    for event in events_for(container, blocks_of(container, data)):
        container.process_event(event)
    return container.result()


def blocks_of(container: Container, data: object | None) -> Iterator[BarBlock]:
    """Yield bars as blocks, those of the container's configuration if `data` is None."""
    if isinstance(data, BarBlock):
        yield data
    elif isinstance(data, list | tuple) and all(isinstance(block, BarBlock) for block in data):
        yield from data
    else:
        config = container.config
        base = Path(config.source.base_dir or ".")
        yield from open_bars(config.bars, data, base_dir=base).blocks()


def events_for(container: Container, blocks: Iterable[BarBlock]) -> Iterator[Event]:
    """Yield blocks as the events that a container takes."""
    made = events_of_blocks if container.takes is BarsEvent else events_of_bars
    return made(blocks, container.symbol)
