"""The process of one run in other surroundings; its task comes on stdin, digests go to stdout."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from admf_fast.config import parse_config
from admf_fast.data import BarBlock
from admf_fast.runners.historical import run_historical
from admf_fast.runners.part import read_table
from admf_fast.runners.setup import prepare


def main() -> None:
    """Run the bars and print the digest of every layer as JSON."""
    task: dict[str, Any] = json.load(sys.stdin)
    sys.path[:] = task["path"]  # kernels of the user's own modules are found as in the parent
    folder = Path(task["folder"])
    text = (folder / "config.json").read_text(encoding="utf-8")
    config = parse_config(text, name="config", format="yaml", base_dir=task["base_dir"])
    table = read_table(folder / "bars.arrow")
    bars = BarBlock(*(np.ascontiguousarray(column.to_numpy()) for column in table.columns))
    result = run_historical(prepare(config), [bars], block_bars=task["block_bars"])
    json.dump(result.layers, sys.stdout)


if __name__ == "__main__":
    main()
