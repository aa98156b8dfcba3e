"""Real kills: `admf live` killed at random moments, again and again, must end as if undisturbed.

    python -m bench.soak --kills 1000

A server in this process sends bars over a Unix socket, from where the subscriber left off. The
run is started, killed (SIGKILL), and started again. A tenth of the kills come while it starts,
at any time of that; the others after so many new bars, at any moment of the work on the last
one. In the end the journal must hold every bar once and in order, one answer to each, and the
run made of it must have the orders, fills and checksums of a run that nobody disturbed.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from admf_fast.config import load_config
from admf_fast.journal.messages import BarInput, Outcome, Started
from admf_fast.journal.reading import read_journal
from admf_fast.live.core import LiveCore
from admf_fast.live.replaying import Replay
from admf_fast.live.status import read_status
from admf_fast.runners.setup import prepare
from admf_kernels.execution.log import OrderRow
from admf_kernels.execution.reasons import ACCEPTED
from bench.soak_feed import Server, lines_of

# Compiled modules are kept: a thousand starts take minutes, not hours.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
COMMAND = [sys.executable, "-m", "admf_fast.cli.main", "live"]
CONFIG = """\
bars: {symbol: X, timeframe: 1m, stamp: close, off_grid: keep}
strategy: {kernel: sma_cross, params: {fast: 5, slow: 20}}
costs: {fee_bps: 2, slippage_bps: 1}
# The bars are of the past: the rules that look at the clock would differ from run to run.
feed: {warmup: none, gaps: mark, stale_bars: 0, clock: note, implausible: keep, repeated_bars: 0}
live: {snapshot_every_bars: 400, sync_ms: 50, status_ms: 100}
"""
STARTING_SHARE = 0.1  # of the kills that come before the first bar
PACES_S = (0.0005, 0.002, 0.01)  # between two bars: a process that is always busy, or hardly ever
BARS_PER_KILL = 60
PATIENCE_S = 600.0


@dataclass(frozen=True)
class Soaked:
    """What a soak found.

    Attributes
    ----------
    kills : int
        SIGKILLs; `kills_before_start` of them came before the start was in the journal,
        `kills_after_bars` after at least one new bar of that life was.
    bars_of_lives : list of int
        Least, median and most new bars of the lives that were killed after some.
    """

    kills: int
    kills_before_start: int
    kills_after_bars: int
    bars_of_lives: list[int]
    bars: int
    lost_bars: int
    doubled_bars: int
    unanswered: int
    orders: int
    doubled_orders: int
    eventful_bars: int
    equal: bool
    stop_s: float
    seconds: float


@dataclass(frozen=True)
class Limits:
    """How often a run is killed, for how long at most, and after how many bars at most."""

    kills: int
    minutes: float = 600.0
    life_bars: int = 100


@dataclass
class Story:
    """What a journal says: bars, what each led to, new bars of each life, orders by id."""

    bars: list[BarInput] = field(default_factory=list)
    outcomes: list[tuple[int, int, int]] = field(default_factory=list)
    lives: list[int] = field(default_factory=list)
    orders: Counter[int] = field(default_factory=Counter)


def start(
    folder: Path, config: Path, server: Path, *more: str
) -> "subprocess.Popen[bytes]":  # fmt: skip
    arguments = [str(config), "--feed", f"unix:{server}", "--run", str(folder), *more]
    with open(folder.with_suffix(".err"), "ab") as errors:
        return subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=errors, env=ENVIRONMENT
        )


def said(folder: Path) -> str:
    """Return the end of what the processes of a run wrote to standard error."""
    return folder.with_suffix(".err").read_text()[-500:]


def kill_often(
    folder: Path, config: Path, server: Server, limits: Limits, seed: int, *more: str
) -> int:
    """Start and kill the run, and return how often; an error if it ever ends by itself."""
    chance = random.Random(seed)
    began_s = time.monotonic()
    start_s = 0.0  # what a start takes, by the last one that was let through
    for count in range(limits.kills):
        if time.monotonic() - began_s > limits.minutes * 60.0:
            return count
        server.pace_s = chance.choice(PACES_S)
        before_s, connection = time.monotonic(), server.connections + 1
        process = start(folder, config, server.path, *more)
        if start_s and chance.random() < STARTING_SHARE:
            time.sleep(chance.uniform(0.0, start_s))
        else:
            heard_s = follow(process, server, connection, limits.life_bars, chance, folder)
            start_s = heard_s - before_s
        if process.poll() is not None:
            raise SystemExit(f"the run ended by itself with {process.returncode}: {said(folder)}")
        process.kill()
        process.wait()
        if (count + 1) % 100 == 0:
            print(f"{count + 1} kills", file=sys.stderr, flush=True)
    return limits.kills


def follow(
    process: "subprocess.Popen[bytes]", server: Server, connection: int, life_bars: int,
    chance: random.Random, folder: Path,
) -> float:  # fmt: skip
    """Wait until so many bars have come to a process; return when it began to listen.

    Most kills then come within the first tenth of the time to the next bar: in the work on it.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    heard_s = 0.0
    for bars in (0, chance.randint(1, life_bars)):
        while not server.wait_for(connection, bars, 1.0):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise SystemExit(f"the run ended by itself, or heard no bar: {said(folder)}")
        heard_s = heard_s or time.monotonic()
    time.sleep(chance.random() ** 3 * server.pace_s)
    return heard_s


def finish(
    folder: Path, config: Path, server: Path, bars: int, *more: str, settle_s: float = 0.0
) -> float:
    """Let the run take all bars, stop it, and return how long stopping took, in seconds."""
    process = start(folder, config, server, *more)
    deadline_s = time.monotonic() + PATIENCE_S
    try:
        while not is_done(folder, process.pid, bars):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise SystemExit(f"the run did not end: {said(folder)}")
            time.sleep(0.05)
        time.sleep(settle_s)
        began_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        if process.wait(60.0) != 0:
            raise SystemExit(f"stopping failed: {said(folder)}")
        return time.monotonic() - began_s
    finally:
        process.kill()


def is_done(folder: Path, pid: int, bars: int) -> bool:
    with suppress(Exception):
        status = read_status(folder / "status.json")
        return status.pid == pid and status.bars == bars
    return False


def story_of(folder: Path, config: Path) -> Story:
    """Return what the journal says, and the orders that a core makes of it."""
    story = Story()
    replay = Replay(LiveCore(prepare(load_config(config))))
    for sequence, message in read_journal(str(folder / "journal")):
        if isinstance(message, Started):
            story.lives.append(0)
        elif isinstance(message, BarInput):
            story.bars.append(message)
            story.lives[-1] += 1
        elif isinstance(message, Outcome):
            story.outcomes.append((message.checksum, message.events, message.last_event))
        replay.take(sequence, message)
        if isinstance(message, BarInput) and replay.applied:
            rows = [OrderRow(*row) for table, row in replay.applied.events if table == "orders"]
            story.orders.update(row.order_id for row in rows if row.status == ACCEPTED)
    return story


def soak(limits: Limits, bars: int, *, seed: int = 1) -> Soaked:
    """Kill a run so often while it takes so many bars, and compare it with one left alone."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        config = root / "soak.yaml"
        config.write_text(CONFIG)
        lines = lines_of(bars)
        paced = Server(root / "paced", lines, PACES_S[0])
        at_once = Server(root / "at once", lines, 0.0)
        kills = kill_often(root / "killed", config, paced, limits, seed)
        stop_s = finish(root / "killed", config, at_once.path, bars)
        finish(root / "left", config, at_once.path, bars)
        found, left = story_of(root / "killed", config), story_of(root / "left", config)
    return judged(found, left, kills, bars, stop_s, time.monotonic() - began_s)


def judged(
    found: Story, left: Story, kills: int, bars: int, stop_s: float, seconds: float
) -> Soaked:
    """Compare the story of a run that was killed with that of the one left alone."""
    times = [bar.ts_ns for bar in found.bars]
    lives = sorted(count for count in found.lives[:-1] if count)
    return Soaked(
        kills=kills,
        kills_before_start=kills - len(found.lives[:-1]),
        kills_after_bars=len(lives),
        bars_of_lives=[lives[0], lives[len(lives) // 2], lives[-1]] if lives else [],
        bars=bars,
        lost_bars=bars - len(set(times)),
        doubled_bars=len(times) - len(set(times)),
        unanswered=len(found.bars) - len(found.outcomes),
        orders=len(found.orders),
        doubled_orders=found.orders.total() - len(found.orders),
        eventful_bars=len({events for _, events, _ in left.outcomes}) - 1,
        equal=(found.bars, found.outcomes, found.orders) == (left.bars, left.outcomes, left.orders),
        stop_s=round(stop_s, 3),
        seconds=round(seconds, 1),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=600.0, help="for killing, at most")
    parser.add_argument("--bars", type=int, default=0, help=f"{BARS_PER_KILL} a kill if left out")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    limits = Limits(given.kills, given.minutes)
    found = soak(limits, given.bars or BARS_PER_KILL * given.kills, seed=given.seed)
    print(json.dumps(asdict(found), indent=1))
    wrong = found.lost_bars, found.doubled_bars, found.unanswered, found.doubled_orders
    clean = found.equal and not any(wrong)
    return 0 if clean else 6


if __name__ == "__main__":
    sys.exit(main())
