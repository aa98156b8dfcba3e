"""Real kills: `admf live` killed at random moments, again and again, must end as if undisturbed.

    python -m bench.soak --kills 1000

A server in this process sends bars over a Unix socket, from where the subscriber left off. The
run is started, killed (SIGKILL) after a random time, and started again. In the end the journal
must hold every bar once and in order, one answer to each, and the run made of it must have the
orders, fills and checksums of a run that nobody disturbed.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from admf_fast.journal.messages import BarInput, Outcome, Started
from admf_fast.journal.reading import read_journal
from admf_fast.live.status import read_status
from admf_kernels.testing import random_bars

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
ALIVE = (0.3, 1.4)  # from starting a process to killing it, in times of what starting takes
PACE_S = 0.02  # between two sends
SENT_TOGETHER = 1
OVERLAP = 3
PATIENCE_S = 600.0


@dataclass(frozen=True)
class Soaked:
    """What a soak found."""

    kills: int
    bars: int
    starts: int
    lost_bars: int
    doubled_bars: int
    unanswered: int
    eventful_bars: int
    equal: bool
    stop_s: float
    seconds: float


@dataclass(frozen=True)
class Limits:
    """How often a run is killed, and for how long at most."""

    kills: int
    minutes: float = 600.0


class Server:
    """Sends bars to whoever connects, after the one that he has; paced, as a market is."""

    def __init__(self, path: Path, lines: list[tuple[int, bytes]], pace_s: float) -> None:
        self._lines = lines
        self._pace_s = pace_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self._socket.accept()
            with suppress(OSError, ValueError), client:
                self._send(client)

    def _send(self, client: socket.socket) -> None:
        asked = json.loads(client.makefile("rb").readline())
        after = asked["after"].get("X", -1)
        first = next((k for k, (ts, _) in enumerate(self._lines) if ts > after), len(self._lines))
        rest = self._lines[max(first - OVERLAP, 0) :]
        for k in range(0, len(rest), SENT_TOGETHER):
            client.sendall(b"".join(line for _, line in rest[k : k + SENT_TOGETHER]))
            if self._pace_s:
                time.sleep(self._pace_s)
        while client.recv(4096):  # until it goes
            pass


def lines_of(bars: int) -> list[tuple[int, bytes]]:
    """Return the bars as lines, each with the time it closes."""
    rows = zip(*(values.tolist() for values in random_bars(bars, 5)), strict=True)
    names = ("ts", "open", "high", "low", "close", "volume")
    return [
        (row[0], json.dumps(dict(zip(names, row, strict=True))).encode() + b"\n") for row in rows
    ]


def start(folder: Path, config: Path, server: Path) -> "subprocess.Popen[bytes]":
    arguments = [str(config), "--feed", f"unix:{server}", "--run", str(folder)]
    with open(folder.with_suffix(".err"), "ab") as errors:
        return subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=errors, env=ENVIRONMENT
        )


def said(folder: Path) -> str:
    """Return the end of what the processes of a run wrote to standard error."""
    return folder.with_suffix(".err").read_text()[-500:]


def kill_often(folder: Path, config: Path, server: Path, limits: Limits, seed: int) -> int:
    """Start and kill the run, and return how often; an error if it ever ends by itself."""
    chance = random.Random(seed)
    began_s = time.monotonic()
    start_s = starting_s(folder, config, server)
    for count in range(1, limits.kills):
        if time.monotonic() - began_s > limits.minutes * 60.0:
            return count
        process = start(folder, config, server)
        try:
            code = process.wait(start_s * chance.uniform(*ALIVE))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            if (count + 1) % 100 == 0:
                print(f"{count + 1} kills", file=sys.stderr, flush=True)
            continue
        raise SystemExit(f"the run ended by itself with {code}: {said(folder)}")
    return limits.kills


def starting_s(folder: Path, config: Path, server: Path) -> float:
    """Start the run, kill it once it has begun, and return how long that took, in seconds."""
    began_s = time.monotonic()
    process = start(folder, config, server)
    while not (folder / "status.json").exists():
        if process.poll() is not None or time.monotonic() - began_s > PATIENCE_S:
            raise SystemExit(f"the run did not begin: {said(folder)}")
        time.sleep(0.01)
    process.kill()
    process.wait()
    return time.monotonic() - began_s


def finish(folder: Path, config: Path, server: Path, bars: int) -> float:
    """Let the run take all bars, stop it, and return how long stopping took, in seconds."""
    process = start(folder, config, server)
    deadline_s = time.monotonic() + PATIENCE_S
    try:
        while not is_done(folder, process.pid, bars):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise SystemExit(f"the run did not end: {said(folder)}")
            time.sleep(0.05)
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


def story_of(folder: Path) -> tuple[list[BarInput], list[tuple[int, int, int]], int]:
    """Return bars, what each led to, and how often the run was started."""
    bars, outcomes, starts = [], [], 0
    for _, message in read_journal(str(folder / "journal")):
        if isinstance(message, BarInput):
            bars.append(message)
        elif isinstance(message, Outcome):
            outcomes.append((message.checksum, message.events, message.last_event))
        elif isinstance(message, Started):
            starts += 1
    return bars, outcomes, starts


def soak(limits: Limits, bars: int, *, seed: int = 1, pace_s: float = PACE_S) -> Soaked:
    """Kill a run so often while it takes so many bars, and compare it with one left alone."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        config = root / "soak.yaml"
        config.write_text(CONFIG)
        lines = lines_of(bars)
        Server(root / "paced", lines, pace_s)
        Server(root / "at once", lines, 0.0)
        kills = kill_often(root / "killed", config, root / "paced", limits, seed)
        stop_s = finish(root / "killed", config, root / "at once", bars)
        finish(root / "left", config, root / "at once", bars)
        found, outcomes, starts = story_of(root / "killed")
        left, expected, _ = story_of(root / "left")
    times = [bar.ts_ns for bar in found]
    return Soaked(
        kills=kills,
        bars=bars,
        starts=starts,
        lost_bars=bars - len(set(times)),
        doubled_bars=len(times) - len(set(times)),
        unanswered=len(found) - len(outcomes),
        eventful_bars=len({events for _, events, _ in expected}) - 1,
        equal=found == left and outcomes == expected,
        stop_s=round(stop_s, 3),
        seconds=round(time.monotonic() - began_s, 1),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=600.0, help="for killing, at most")
    parser.add_argument("--bars", type=int, default=0, help="60 a kill if left out")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    limits = Limits(given.kills, given.minutes)
    found = soak(limits, given.bars or 60 * given.kills, seed=given.seed)
    print(json.dumps(asdict(found), indent=1))
    clean = found.equal and not (found.lost_bars or found.doubled_bars or found.unanswered)
    return 0 if clean else 6


if __name__ == "__main__":
    sys.exit(main())
