"""Proving a configuration: every way of running it, compared with the first as raw bytes."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import xxhash

from admf_fast.config import Config, config_digest
from admf_fast.data import (
    BarBlock,
    PanelBlock,
    blocks_of_some,
    concat_blocks,
    concat_panels,
    open_bars,
)
from admf_fast.parity import panel_ways, ways
from admf_fast.parity.compare import Difference, Log, digests_of, first_difference
from admf_fast.parity.proof import Proof, RunProof
from admf_fast.parity.restart import restarted
from admf_fast.parity.sample import plain_sample
from admf_fast.runners.historical import Progress
from admf_fast.runners.panel_data import open_panel
from admf_fast.runners.panel_setup import PanelSetup, prepare_panel
from admf_fast.runners.setup import Setup, prepare

Way = Callable[[], tuple[Log, str]]


def prove(config: Config, data: object | None = None, *, progress: Progress | None = None) -> Proof:
    """Run a configuration in every way and compare signals, orders, fills, trades, equity,
    state checksums and metrics as raw bytes.

    The ways: historical in one block; in random blocks; live, bar by bar; saved and
    restored at random bars in new processes; a lane of the sweep driver; plain Python on
    samples of the bars. For several instruments, in place of the lane, the general form of
    the driver; bars are moments then. Random choices follow from the configuration's digest.

    Parameters
    ----------
    config : Config
    data : optional
        Bars as an Arrow object instead of ``bars.path``; for several instruments a mapping of
        them by symbol.
    progress : function of int, optional
        Called with the number of bars done since its last call; `RUNS` times the bars in all.
    """
    if config.instruments:
        symbols = cast("Mapping[str, object] | None", data)
        panel = concat_panels(list(open_panel(config, symbols).blocks()))
        return prove_panel(prepare_panel(config), panel, progress=progress)
    setup = prepare(config)
    source = open_bars(config.bars, data, base_dir=Path(config.source.base_dir or "."))
    bars = concat_blocks(list(blocks_of_some(source)))
    return prove_bars(setup, bars, progress=progress)


RUNS = 6


def prove_bars(setup: Setup, bars: BarBlock, *, progress: Progress | None = None) -> Proof:
    """Prove prepared kernels on bars in memory; see `prove`."""
    seed = _seed(setup.config)
    ways_left: dict[str, Way] = {
        "random blocks": lambda: (ways.random_blocks(setup, bars, seed, progress), ""),
        "live, bar by bar": lambda: (ways.bar_by_bar(setup, bars, progress), ""),
        "restarted": lambda: restarted(setup, bars, seed + 1, progress),
        "lane of a sweep": lambda: (ways.lane(setup, bars, seed + 2, progress), ""),
    }
    return _proven(
        len(bars),
        lambda: ways.one_block(setup, bars, progress),
        ways_left,
        lambda expected: plain_sample(setup, bars, expected, seed + 3, progress),
    )


def prove_panel(setup: PanelSetup, panel: PanelBlock, *, progress: Progress | None = None) -> Proof:
    """Prove prepared kernels on several instruments in memory; see `prove`."""
    seed = _seed(setup.config)
    ways_left: dict[str, Way] = {
        "random blocks": lambda: (panel_ways.random_blocks(setup, panel, seed, progress), ""),
        "live, moment by moment": lambda: (panel_ways.by_moment(setup, panel, progress), ""),
        "restarted": lambda: restarted(setup, panel, seed + 1, progress),
        "general form": lambda: (panel_ways.general_form(setup, panel, progress), ""),
    }
    return _proven(
        len(panel),
        lambda: panel_ways.one_block(setup, panel, progress),
        ways_left,
        lambda expected: panel_ways.plain_head(setup, panel, expected, progress),
    )


def _seed(config: Config) -> int:
    return xxhash.xxh3_64_intdigest(config_digest(config).encode())


def _proven(
    bars: int, first: Callable[[], Log], ways_left: Mapping[str, Way],
    plain: Callable[[Log], tuple[RunProof, Difference | None]],
) -> Proof:  # fmt: skip
    """Return the proof of all ways, each compared with the first."""
    started = time.perf_counter()
    expected = first()
    layers = digests_of(expected)
    runs = [RunProof("one block", bars, True, layers, time.perf_counter() - started)]
    found: list[Difference] = []
    for name, way in ways_left.items():
        run, difference = _compared(name, way, expected, bars)
        runs.append(run)
        found += [difference] if difference else []
    run, difference = plain(expected)
    runs.append(run)
    found += [difference] if difference else []
    return Proof(not found, bars, runs, layers, earliest(found))


def earliest(found: list[Difference]) -> Difference | None:
    """Return the difference on the earliest bar; one of the whole run comes after all bars."""
    return min(found, key=lambda d: (d.bar < 0, d.ts_ns), default=None)


def _compared(name: str, way: Way, expected: Log, bars: int) -> tuple[RunProof, Difference | None]:
    started = time.perf_counter()
    log, note = way()
    seconds = time.perf_counter() - started
    difference = first_difference(name, expected, log)
    return RunProof(name, bars, difference is None, digests_of(log), seconds, note), difference
