"""`admf live` as a process of its own that follows a file of bars."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "admf_fast.cli.main"]
FOLLOWED = """\
bars: {symbol: X, timeframe: 1m, stamp: close}
strategy: {kernel: sma_cross, params: {fast: 2, slow: 4}}
feed: {warmup: none, gaps: mark, stale_bars: 0, clock: note, implausible: keep}
live: {status_ms: 50}
"""
PATIENCE_S = 60.0
FIRST = datetime(2024, 1, 2, 14, tzinfo=UTC)


def environment_of():
    """Return the environment in which a child finds this package."""
    paths = [str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def line(minute):
    price = 100 + (minute % 7) - (minute % 3)
    ts = (FIRST + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
    bar = {"ts": ts, "open": price, "high": price + 1, "low": price - 1, "close": price}
    return json.dumps({**bar, "volume": 5}) + "\n"


class Followed:
    """A run that follows a file, started when it is made.

    `disk` is where its run folder is, `text` its configuration; what it prints is thrown away
    if `quiet`, for a pipe that nobody reads would stop it.
    """

    def __init__(self, folder, environment, *, disk=None, text=FOLLOWED, quiet=False):
        self.folder, self.bars = (disk or folder) / "run", folder / "bars.jsonl"
        self.config = folder / "followed.yaml"
        self.config.write_text(text)
        self.bars.touch()
        arguments = [str(self.config), "--feed", f"follow:{self.bars}", "--run", str(self.folder)]
        self.process = subprocess.Popen(
            [*COMMAND, "live", *arguments], env=environment, cwd=folder,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def write(self, first, last):
        with self.bars.open("a") as file:
            file.writelines(line(k) for k in range(first, last))

    def status(self):
        return json.loads((self.folder / "status.json").read_text())

    def wait_for(self, **wanted):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = self.status() if (self.folder / "status.json").exists() else {}
            if found.get("pid") == self.process.pid and wanted.items() <= found.items():
                return
            time.sleep(0.02)
        raise AssertionError(self.process.communicate(timeout=1))

    def end(self):
        self.process.kill()
        self.process.communicate()
