"""The process of one part of a run: restore, run, save. Its task comes on stdin."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from admf_fast.config import Config, parse_config
from admf_fast.data import BarBlock, merge_blocks
from admf_fast.feeds import replay, replay_panel
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.panel_runner import LivePanelRunner, PanelRunner
from admf_fast.runners.panel_setup import prepare_panel
from admf_fast.runners.setup import prepare
from admf_kernels.layout import pack


def main() -> None:
    """Run one part."""
    task: dict[str, Any] = json.load(sys.stdin)
    sys.path[:] = task["path"]  # kernels of the user's own modules are found as in the parent
    folder, part = Path(task["folder"]), int(task["part"])
    text = (folder / "config.json").read_text(encoding="utf-8")
    config = parse_config(text, name="config", format="yaml", base_dir=task["base_dir"])
    saved = (folder / f"state-{part - 1}.bin").read_bytes() if part else b""
    run = _panel if config.instruments else _single
    runner = run(config, saved, folder, part, live=task["live"])
    result = runner.finish()
    (folder / f"state-{part}.bin").write_bytes(runner.save())
    (folder / f"summary-{part}.bin").write_bytes(pack(result.summary).astype("<i8").tobytes())
    for name, made in result.tables.items():
        write_table(folder / f"{name}-{part}.arrow", made)


def _single(
    config: Config, saved: bytes, folder: Path, part: int, *, live: bool
) -> LiveRunner | HistoricalRunner:
    setup = prepare(config)
    runner = LiveRunner(setup) if live else HistoricalRunner(setup)
    if saved:
        runner.restore(saved)
    bars = _bars(folder, part, 0)
    if isinstance(runner, LiveRunner):
        for bar in replay([bars]):
            runner.step(*bar)
    else:
        runner.feed(bars)
    return runner


def _panel(config: Config, saved: bytes, folder: Path, part: int, *, live: bool) -> PanelRunner:
    setup = prepare_panel(config)
    runner = LivePanelRunner(setup) if live else PanelRunner(setup)
    if saved:
        runner.restore(saved)
    blocks = [_bars(folder, part, n) for n in range(len(setup.instruments))]
    panels = merge_blocks([iter([block]) for block in blocks])
    if isinstance(runner, LivePanelRunner):
        for ts_ns, bars in replay_panel(panels):
            runner.step(ts_ns, bars)
    else:
        for panel in panels:
            runner.feed(panel)
    return runner


def _bars(folder: Path, part: int, number: int) -> BarBlock:
    table = read_table(folder / f"bars-{part}-{number}.arrow")
    return BarBlock(*(np.ascontiguousarray(column.to_numpy()) for column in table.columns))


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
