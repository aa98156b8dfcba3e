"""A paper run is killed in the middle, started again, and ends as the backtest does.

python examples/paper/crash.py [FOLDER]
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from admf_fast.config import load_config
from admf_fast.feeds import bar_line, replay
from admf_fast.jobs import backtest, open_source

CONFIG = Path(__file__).parent / "paper.yaml"
ADMF = [sys.executable, "-m", "admf_fast.cli.main"]
DAY_NS = 86_400_000_000_000
LAYERS = ("signals", "orders", "fills", "trades", "equity", "state", "metrics")


def started(folder: Path, bars: Path) -> "subprocess.Popen[bytes]":
    """Start `admf live` on a file that grows."""
    arguments = ["live", str(CONFIG), "--feed", f"follow:{bars}", "--run", str(folder)]
    return subprocess.Popen([*ADMF, *arguments], stdout=subprocess.DEVNULL)


def wait_for(folder: Path, process: "subprocess.Popen[bytes]", bars: int) -> None:
    """Wait until the process has taken so many bars."""
    while True:
        time.sleep(0.05)
        if process.poll() is not None:
            raise SystemExit(f"the run ended with {process.returncode}")
        status = folder / "status.json"
        if status.exists():
            said = json.loads(status.read_text())
            if said["pid"] == process.pid and said["bars"] >= bars:
                return


def main(work: Path) -> None:
    config = load_config(CONFIG)
    # A line has the time of the open, as bars.stamp says; bars have that of the close.
    history = replay(open_source(config).blocks())
    lines = [bar_line("AAPL", (ts_ns - DAY_NS, *values)) for ts_ns, *values in history]
    half = len(lines) // 2
    folder, bars = work / "run", work / "bars.jsonl"

    bars.write_bytes(b"".join(lines[:half]))
    first = started(folder, bars)
    wait_for(folder, first, half)
    first.kill()  # SIGKILL: nothing can be tidied up
    first.wait()
    print(f"killed after {half} bars")

    bars.write_bytes(b"".join(lines))
    second = started(folder, bars)
    wait_for(folder, second, len(lines))
    second.terminate()  # SIGTERM: a snapshot, and the journal is sealed
    print(f"stopped after {len(lines)} bars with exit code {second.wait()}")

    subprocess.run(
        [*ADMF, "live", str(CONFIG), "--feed", "replay:", "--run", str(folder)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    found = json.loads((folder / "manifest.json").read_text())["layers"]
    expected = backtest(config, write=False).result.layers
    equal = all(found[name] == expected[name] for name in LAYERS)
    print("equal to the backtest, bit for bit" if equal else "not equal to the backtest")
    if not equal:
        raise SystemExit(6)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
