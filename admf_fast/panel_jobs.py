"""Whole jobs of several instruments that share one account."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from admf_fast import __version__
from admf_fast.config import Config, canonical, config_digest
from admf_fast.data import BarSpec, Panel
from admf_fast.errors import ConfigError
from admf_fast.events import At, Event, events_of
from admf_fast.events.schemas import PANEL_SCHEMAS
from admf_fast.feeds import PanelLines, lines_of, open_feed, parse_feed, replay_panel
from admf_fast.jobs import Job, write_job
from admf_fast.runners.historical import Progress
from admf_fast.runners.panel_data import arriving_specs, open_panel
from admf_fast.runners.panel_runner import LivePanelRunner, run_panel
from admf_fast.runners.panel_setup import PanelSetup, prepare_panel
from admf_fast.runners.recorder import Sink, event_tuples
from admf_fast.runners.result import RunResult
from admf_fast.store import manifest_of
from admf_kernels import drivers
from admf_kernels.compiler import toolchain
from admf_kernels.execution.summary import summarize
from admf_kernels.panel_program import PanelProgram

OnEvent = Callable[[Event], None]


def backtest(
    config: Config, data: object | None = None, *, out: Path | None = None, write: bool = True,
    progress: Progress | None = None,
) -> Job:  # fmt: skip
    """Run a configuration of several instruments over history; see `jobs.backtest`."""
    if data is not None and not isinstance(data, Mapping):
        raise ConfigError(
            f"data: expected a mapping of symbols to bars, found {type(data).__name__}"
        )
    setup = prepare_panel(config)
    source = open_panel(config, data)

    def make(sink: Sink | None) -> RunResult:
        return run_panel(setup, source.blocks(), sink=sink, progress=progress)

    return _write(setup, source, make, out=out, write=write)


def live(
    config: Config, feed: str, *, out: Path | None = None, write: bool = True,
    on_event: OnEvent | None = None, progress: Progress | None = None,
) -> Job:  # fmt: skip
    """Run a configuration of several instruments moment by moment; see `jobs.live`.

    `feed` is ``replay:`` for the bars of the configuration, or one of JSON lines.
    """
    kind, path = parse_feed(feed)
    if kind == "replay" and path:
        raise ConfigError(
            f"--feed: expected replay: alone, found {feed!r}: the bars of several instruments "
            "are those of the configuration"
        )
    setup = prepare_panel(config)
    source: Panel = open_panel(config) if kind == "replay" else _lines(feed, arriving_specs(config))

    def make(sink: Sink | None) -> RunResult:
        runner = LivePanelRunner(setup, sink=sink)
        for ts_ns, bars in replay_panel(source.blocks()):
            runner.step(ts_ns, bars)
            for event in _events(runner, config.name) if on_event else ():
                assert on_event is not None
                on_event(event)
            if progress:
                progress(len(bars))
        return runner.finish()

    return _write(setup, source, make, out=out, write=write)


def _lines(feed: str, specs: tuple[BarSpec, ...]) -> PanelLines:
    return PanelLines(lines_of(open_feed(feed, specs)), specs)


def _events(runner: LivePanelRunner, name: str) -> Iterator[Event]:
    """Yield the events of the last moment, in order."""
    program = runner.program
    if not program.event_count:
        return
    ts_ns, symbols = int(program.ts_ns[0]), runner.setup.symbols
    columns = (program.positions[n].tolist() for n in ("instrument", "sequence", "lots"))
    bars = {
        number: At(name, symbols[number], ts_ns, sequence, lots)
        for number, sequence, lots in zip(*columns, strict=True)
    }
    yield from events_of(event_tuples(program), bars)


def _write(
    setup: PanelSetup, source: Panel, make: Callable[[Sink | None], RunResult], *,
    out: Path | None, write: bool,
) -> Job:  # fmt: skip
    def manifest(result: RunResult) -> dict[str, Any]:
        return _manifest(setup, source, result)

    return write_job(setup, make, manifest, PANEL_SCHEMAS, out=out, write=write)


def panel_code_digest(setup: PanelSetup, program: PanelProgram | None = None) -> str:
    """Return the digest of all code that decides what a run does; `program` is one of `setup`."""
    made = program or setup.program(1)
    indicators = [i for leg in made.legs for i in leg.plan.indicators]
    code = drivers.code_digest(
        setup.strategy, indicators, [summarize], form=made.form, made=setup.terms
    )
    return hashlib.sha256(f"{code} {made.source}".encode()).hexdigest()


def _manifest(setup: PanelSetup, source: Panel, result: RunResult) -> dict[str, Any]:
    program = setup.program(1)
    reports = [msgspec.to_builtins(report) for report in source.reports()]
    return manifest_of(
        mode=result.mode,
        config=msgspec.json.decode(canonical(setup.config)),
        config_digest=config_digest(setup.config),
        params=setup.params._asdict(),
        data=_joined(setup, reports),
        data_digest=source.digest(),
        code_digest=panel_code_digest(setup, program),
        plan_digest=hashlib.sha256(program.describe().encode()).hexdigest(),
        versions={"admf-fast": __version__, "pyarrow": pa.__version__, **toolchain.versions()},
        cpu=toolchain.cpu(),
        bars=result.bars,
        ready_bars=max(leg.ready_bars(leg.reads) for leg in program.legs),
        layers=result.layers,
        calendar={
            made.name: made.digest for made in setup.calendars if made is not None
        } or None,
        actions=_actions(setup),
    )  # fmt: skip


def _actions(setup: PanelSetup) -> dict[str, Any] | None:
    """Return the splits and dividends by symbol, and one digest of all; None without any."""
    found = {
        symbol: source.report()
        for symbol, source in zip(setup.symbols, setup.action_sources, strict=False)
        if source is not None
    }
    text = "".join(f"{symbol} {report['digest']}\n" for symbol, report in found.items())
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"digest": digest, "instruments": found} if found else None


def _joined(setup: PanelSetup, reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is said of all bars together, and of each instrument's."""
    frames = sorted({(r["timeframe_ns"], r["timeframe"]) for r in reports})
    dropped: dict[str, int] = {}
    for report in reports:
        for rule, count in report["dropped"].items():
            dropped[rule] = dropped.get(rule, 0) + count
    return {
        "symbol": ", ".join(setup.symbols),
        "timeframe": "/".join(name for _, name in frames),
        "timeframe_ns": frames[0][0],
        "dropped": dropped,
        "gaps": {"count": sum(r["gaps"]["count"] for r in reports)},
        "instruments": reports,
    }
