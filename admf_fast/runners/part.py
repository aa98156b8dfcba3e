"""The process of one part of a run: restore, run, save. Its task comes on stdin."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from admf_fast.config import parse_config
from admf_fast.data import BarBlock
from admf_fast.feeds import replay
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.setup import prepare
from admf_kernels.layout import pack


def main() -> None:
    """Run one part."""
    task: dict[str, Any] = json.load(sys.stdin)
    sys.path[:] = task["path"]  # kernels of the user's own modules are found as in the parent
    folder, part = Path(task["folder"]), int(task["part"])
    text = (folder / "config.json").read_text(encoding="utf-8")
    setup = prepare(parse_config(text, name="config", format="yaml", base_dir=task["base_dir"]))
    runner = LiveRunner(setup) if task["live"] else HistoricalRunner(setup)
    if part:
        runner.restore((folder / f"state-{part - 1}.bin").read_bytes())
    table = read_table(folder / f"bars-{part}.arrow")
    bars = BarBlock(*(np.ascontiguousarray(column.to_numpy()) for column in table.columns))
    if isinstance(runner, LiveRunner):
        for bar in replay([bars]):
            runner.step(*bar)
    else:
        runner.feed(bars)
    result = runner.finish()
    (folder / f"state-{part}.bin").write_bytes(runner.save())
    (folder / f"summary-{part}.bin").write_bytes(pack(result.summary).astype("<i8").tobytes())
    for name, made in result.tables.items():
        write_table(folder / f"{name}-{part}.arrow", made)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table as an Arrow IPC file."""
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def read_table(path: Path) -> pa.Table:
    """Read a table written by `write_table`."""
    with pa.OSFile(str(path), "rb") as file:
        return pa.ipc.open_file(file).read_all()


if __name__ == "__main__":
    main()
