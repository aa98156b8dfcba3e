"""From a configuration and the words of a command line to a process that runs for days."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from admf_fast.config import Config
from admf_fast.errors import ConfigError
from admf_fast.events import Event, make_event
from admf_fast.feeds.feed import Feed
from admf_fast.feeds.guard import FeedGuard
from admf_fast.feeds.open import guard_of, open_feed
from admf_fast.feeds.warmup import warmup_moments
from admf_fast.jobs import Job
from admf_fast.journal.lock import StateLock
from admf_fast.live.arming import check_armed, gateway_of, with_mode
from admf_fast.live.changes import Setups
from admf_fast.live.clock import Clock, SystemClock, check_wall
from admf_fast.live.control import Signals, waiting
from admf_fast.live.core import Applied, Input
from admf_fast.live.folder import RunFolder
from admf_fast.live.process import Ending, LiveProcess, Progress
from admf_fast.live.run import LiveRun, OnApplied
from admf_fast.live.shadowing import CoreShadow
from admf_fast.live.tables import TwoConfigurationsError, write_tables
from admf_fast.live.watching import Watched
from admf_fast.monitor import LiveObserver, open_monitor
from admf_fast.runners.setup import Setup, prepare
from admf_fast.runners.warmup import required_warmup_bars

OnEvent = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Served:
    """How a process ended; `job` has the tables and figures if its feed did.

    `no_tables` says why there are none though the feed has ended.
    """

    ending: Ending
    bars: int
    job: Job | None
    counts: dict[str, int]  # what the guard counted, by rule
    no_tables: str = ""


def serve(
    config: Config,
    feed: str,
    folder: Path,
    *,
    accepted: str = "",
    armed: bool = False,
    on_event: OnEvent | None = None,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> Served:
    """Run a configuration on a feed until the feed ends or the process is told to stop.

    Whatever is in the run folder is continued; one that is not there is begun.

    Parameters
    ----------
    config, feed
        What to run, and on what; see `feeds.open.FORMS`.
    folder
        The run folder, of this run alone.
    accepted
        Why the run may go on with a configuration or code other than its last.
    armed
        That orders may be sent; needed by mode live, refused by the others.
    on_event
        Handed every SIGNAL, ORDER, FILL and TRADE as it happens.

    Raises
    ------
    ConfigError, DataError, StateError, DivergenceError
        One for each thing that can be wrong; the journal has all that happened before it.
    """
    clock = clock or SystemClock()
    if config.instruments:
        raise ConfigError(
            f"{config.where('instruments')}: instruments: expected one instrument with a run "
            "folder; leave out --run, and the run ends with its feed"
        )
    check_armed(config, armed)
    check_wall(clock)
    with Signals() as signals:
        source = open_feed(feed, (config.bars,), base_dir=Path(config.source.base_dir or "."))
        guard = guard_of(source, config.feed)
        setup = with_mode(replace(prepare(config), symbols=guard.symbols))
        places = RunFolder(folder)
        places.make()
        timeframe_ns = guard.reports()[0].timeframe_ns
        with (
            StateLock(str(folder)),
            gateway_of(setup, timeframe_ns, _hurry(signals, places)) as gateway,
            closing(open_monitor(config, folder, timeframe_ns, clock_ns=clock.wall_ns)) as monitor,
        ):
            run = LiveRun(
                folder, Setups(setup), clock=clock, gateway=gateway, accepted=accepted,
                on_applied=_observer(config.name, guard.symbols, on_event),
            )  # fmt: skip
            watched = _opened(run, monitor, clock)
            process = LiveProcess(
                run, source, guard, clock, signals, progress=progress, on_status=watched.told
            )
            ending = _served(process, setup, source, guard)
            job, no_tables = _tables(places, setup, source, ending)
    return Served(ending, run.core.bars, job, dict(guard.counts), no_tables)


def _tables(
    places: RunFolder, setup: Setup, source: Feed, ending: Ending
) -> tuple[Job | None, str]:
    """Write the tables of a run whose feed has ended, or return why there are none."""
    if ending.status != "ended":
        return None, ""
    try:
        return write_tables(places, setup, source.instruments[0]), ""
    except TwoConfigurationsError as error:
        return None, str(error)


def _hurry(signals: Signals, places: RunFolder) -> Callable[[], bool]:
    """Return whether somebody wants something, and must not wait for a venue that hangs."""
    return lambda: bool(signals.stopping or signals.waits or waiting(places.control))


def _opened(run: LiveRun, monitor: LiveObserver, clock: Clock) -> Watched:
    """Open a run with its monitor and its shadow; reports of the venue come already then."""
    watched = Watched(run, monitor, clock)
    run.on_note = watched.noted
    run.watch(watched.applied)
    run.open()
    if run.spec.shadow:
        run.watch(CoreShadow(run.core, name=run.setup.config.name))
    return watched


def _served(process: LiveProcess, setup: Setup, source: Feed, guard: FeedGuard) -> Ending:
    """Seed the guard, warm up, and drive the run to its end."""
    config = setup.config
    before = process.run.last_bars()
    # Once a live bar was taken, the feed was compared with the history, and is not again.
    warming = not before or before[-1].warm
    for bar in before:
        guard.seed(
            bar.symbol, (bar.ts_ns, bar.open, bar.high, bar.low, bar.close, bar.volume),
            history=warming,
        )  # fmt: skip
    history = None
    if warming:
        needed = required_warmup_bars(setup, [guard.reports()[0].timeframe_ns])
        base_dir = Path(config.source.base_dir or ".")
        history = warmup_moments(source, config.feed, required_bars=needed, base_dir=base_dir)
    try:
        return process.serve(history)
    finally:
        source.close()


def _observer(
    name: str, symbols: tuple[str, ...], on_event: OnEvent | None
) -> OnApplied | None:  # fmt: skip
    if on_event is None:
        return None

    def observe(message: Input, applied: Applied) -> None:
        for table, values in applied.events:
            on_event(make_event(table, name, symbols, values[0], values[1:]))

    return observe
