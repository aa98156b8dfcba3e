"""The seed of Python's hashes decides nothing: not the compiled code, the bytes, the id."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from admf_fast import backtest, load_config
job = backtest(load_config("examples/donchian_breakout.yaml"), write=False)
print(job.manifest["run_id"], sorted(job.result.layers.items()))
print("numba" in sys.modules)
"""


def output_of(seed):
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    made = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    run, compiled = made.stdout.splitlines()
    return run, compiled


def test_hash_seeds_change_nothing():
    """The second process finds the first one's compiled code, and makes the same run."""
    first, _ = output_of("0")
    second, compiled = output_of("4242")

    assert second == first
    assert compiled == "False"
