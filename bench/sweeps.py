"""Whole sweeps from a Parquet file to one of results, beside a peer where it is installed."""

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from admf_fast.config import Config, parse_config
from admf_fast.sweep.run import run_sweep
from bench.bars import parquet_of
from bench.figure import Figure, Scale
from bench.sweep_peers import Peer, installed, run_peer
from bench.timing import fastest_s

ROUNDS, LARGE_ROUNDS = 3, 2  # a sweep takes seconds, not milliseconds
FAST, SLOW = range(5, 51, 5), range(60, 251, 10)  # 200 pairs
PLAIN_GOAL_NS, EXITS_GOAL_NS, GRID_GOAL_S, THREADS_GOAL = 1.5, 4.5, 1.0, 1 / 1.9
PEER_GOALS = {"vectorbt": 0.01, "raptorbt": 0.025}
GRID_BARS = 16_614
CHECK_BARS = 20_000
PRICE_UNITS = 10_000  # of the synthetic prices, which are whole numbers of them
EQUITY_TOLERANCE = 1e-6  # relative: the peer adds up in another order

HEAD = """\
bars: {{path: "{path}", timeframe: 1m, stamp: open, symbol: SYNTH}}
account: {{cash: 100000}}
execution: {{fill: same_close}}
costs: {{fee_bps: 5}}
"""
CROSS = """\
strategy: {kernel: sma_cross}
sweep:
  grid:
    strategy.params.fast: range(5, 50, 5)
    strategy.params.slow: range(60, 250, 10)
"""
# Told so that the peer does the same: no short positions, fractions of a share.
PLAIN = (
    CROSS
    + """\
direction: long_only
instrument: {lot_size: 1.0e-10}
sizing: {kind: all_in, at: fill}
"""
)
LARGE = PLAIN.replace("range(5, 50, 5)", "range(5, 104, 1)").replace(
    "range(60, 250, 10)", "range(110, 605, 5)\n  sets_max: 10000"
)
EXITS = (
    CROSS
    + """\
sizing: {kind: all_in}
exits:
  stop_loss: {percent: 1}
  take_profit: {percent: 2}
  trailing_stop: {percent: 1}
  memory: [stop_loss, trailing_stop]
"""
)
GRID = """\
strategy: {kernel: bollinger_reversion}
sizing: {kind: all_in}
exits: {stop_loss: {percent: 0.075}, take_profit: {percent: 0.1}, memory: all}
sweep:
  grid:
    strategy.params.period: range(10, 64, 1)
    strategy.params.deviations: linspace(1, 3.45, 50)
"""


def config_of(text: str, source: Path) -> Config:
    """Return the configuration of a sweep over a file."""
    written = HEAD.format(path=source) + text
    return parse_config(written, name="sweep.yaml", format="yaml", base_dir=str(source.parent))


def sweep_call(config: Config, target: Path, threads: int) -> Callable[[], pa.Table]:
    """Return the sweep from its file to new results, which are returned."""

    def call() -> pa.Table:
        target.unlink(missing_ok=True)
        run_sweep(config, target, threads=threads)
        return pq.read_table(target)

    return call


def measure(scale: Scale) -> list[Figure]:
    """Return ns per bar and set of whole sweeps, the peer's beside the one it can do."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = parquet_of(folder, scale.bars)
        grid_source = parquet_of(folder, min(GRID_BARS, scale.bars))
        target = folder / "results.parquet"
        plain, exits = config_of(PLAIN, source), config_of(EXITS, source)
        calls = {
            "plain": sweep_call(plain, target, 1),
            "exits": sweep_call(exits, target, 1),
            "exits, two": sweep_call(exits, target, 2),
            "grid": sweep_call(config_of(GRID, grid_source), target, 1),
        }
        seconds = fastest_s(calls, min(ROUNDS, scale.rounds))
        table = calls["plain"]()
        grid_sets = calls["grid"]().num_rows
        found = _figures(seconds, scale.bars, table.num_rows, min(GRID_BARS, scale.bars), grid_sets)
        found += _large(config_of(LARGE, source), target, scale)
        return found + _beside_peers(source, table, seconds["plain"], scale.bars)


def _large(config: Config, target: Path, scale: Scale) -> list[Figure]:
    """Return what a large sweep takes on one thread and on two."""
    calls = {f"{count}": sweep_call(config, target, count) for count in (1, 2)}
    seconds = fastest_s(calls, min(LARGE_ROUNDS, scale.rounds))
    sets = calls["2"]().num_rows
    about, unit = f"sma_cross, {sets:,} sets x {scale.bars:,} bars", "ns per bar and set"
    one, two = (1e9 * seconds[name] / (scale.bars * sets) for name in calls)
    return [
        Figure("sweeps", f"{about}, one thread", one, unit),
        Figure("sweeps", f"{about}, two threads", two, unit, one, "one thread", THREADS_GOAL),
    ]


def _figures(
    seconds: Mapping[str, float], bars: int, sets: int, grid_bars: int, grid_sets: int
) -> list[Figure]:
    about, unit = f"sma_cross, {sets} sets x {bars:,} bars", "ns per bar and set"
    ns = {name: 1e9 * s / (bars * sets) for name, s in seconds.items()}
    exits = f"{about}, short too, stop, target, trail, memory"
    return [
        Figure("sweeps", f"{about}, one thread", ns["plain"], unit, goal=PLAIN_GOAL_NS),
        Figure("sweeps", f"{exits}, one thread", ns["exits"], unit, goal=EXITS_GOAL_NS),
        Figure(
            "sweeps", f"{exits}, two threads", ns["exits, two"], unit, ns["exits"],
            "one thread", THREADS_GOAL,
        ),
        Figure(
            "sweeps", f"bollinger_reversion, stops, {grid_sets:,} sets x {grid_bars:,} bars",
            seconds["grid"], "s", goal=GRID_GOAL_S,
        ),
    ]  # fmt: skip


def _beside_peers(source: Path, ours: pa.Table, seconds: float, bars: int) -> list[Figure]:
    """Return each peer's time for the same sets, and how many came to the same."""
    cells = bars * ours.num_rows
    found = []
    for name in installed():
        run_peer(name, source, FAST, SLOW, bars=2000)  # compiles
        started = time.perf_counter()
        peer = run_peer(name, source, FAST, SLOW)
        taken = time.perf_counter() - started
        found += [
            Figure("sweeps", f"the same with {peer.name}", 1e9 * seconds / cells,
                   "ns per bar and set", 1e9 * taken / cells, name, PEER_GOALS[name]),
            _agreement(name, source.parent, min(CHECK_BARS, bars)),
        ]  # fmt: skip
    return found


def _agreement(peer: str, folder: Path, bars: int) -> Figure:
    """Return how many sets come to what a peer has, over few bars.

    Left out are sets whose averages are equal on some bar: the rounding of sums decides there
    whether they are. The more bars, the more sets that is.
    """
    source = parquet_of(folder, bars)
    ours = sweep_call(config_of(PLAIN, source), folder / "check.parquet", 1)()
    close = pq.read_table(source, columns=["close"])["close"].to_numpy()
    sums = np.cumsum(np.r_[0, np.round(close * PRICE_UNITS).astype(np.int64)])
    clear = [
        row
        for row in ours.select(["fast", "slow", "trades", "equity_final"]).to_pylist()
        if not _meet(sums, row["fast"], row["slow"])
    ]
    same = agreeing(clear, run_peer(peer, source, FAST, SLOW))
    name = f"of {len(clear)} sets x {bars:,} bars with the trades and final equity of {peer}"
    return Figure("sweeps", name, same, "sets")


def _meet(sums: NDArray[np.int64], fast: int, slow: int) -> bool:
    """Whether both averages of whole numbers, given as running sums, are equal on some bar."""
    short, long = (sums[fast:] - sums[:-fast])[slow - fast :], sums[slow:] - sums[:-slow]
    return bool((short * slow == long * fast).any())


def agreeing(rows: Iterable[Mapping[str, Any]], peer: Peer) -> int:
    """Return how many sets have as many closed trades as the peer's, and its final equity."""
    same = 0
    for row in rows:
        equity, trades = peer.found[row["fast"], row["slow"]]
        close = abs(row["equity_final"] - equity) <= EQUITY_TOLERANCE * abs(equity)
        same += close and row["trades"] == trades
    return same
