"""Saved and restored at random bars, each part in a process of its own."""

import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from admf_fast.config import canonical
from admf_fast.data import BarBlock, PanelBlock
from admf_fast.errors import StateError
from admf_fast.events.schemas import PANEL_SCHEMAS, SCHEMAS
from admf_fast.parity.compare import Log
from admf_fast.runners.historical import Progress
from admf_fast.runners.panel_setup import PanelSetup
from admf_fast.runners.part import read_table, write_table
from admf_fast.runners.setup import Setup
from admf_kernels.execution.summary import Summary
from admf_kernels.layout import unpack

PARTS = 3
LIVE_BARS_MAX = 50_000  # a part up to this long is run bar by bar


def restarted(
    setup: Setup | PanelSetup,
    bars: BarBlock | PanelBlock,
    seed: int,
    progress: Progress | None = None,
) -> tuple[Log, str]:
    """Run the bars in `PARTS` processes, handing over saved bytes only; returns log and note."""
    random = np.random.Generator(np.random.Philox(seed))
    cuts = sorted(int(c) for c in random.integers(0, len(bars) + 1, PARTS - 1))
    with tempfile.TemporaryDirectory(prefix="admf-parity-") as name:
        folder = Path(name)
        (folder / "config.json").write_bytes(canonical(setup.config))
        edges = [0, *cuts, len(bars)]
        for k, (first, last) in enumerate(itertools.pairwise(edges)):
            part = bars.slice(first, last)
            blocks = part.blocks if isinstance(part, PanelBlock) else (part,)
            for n, block in enumerate(blocks):
                _write_bars(folder / f"bars-{k}-{n}.arrow", block)
            _run_part(folder, setup, k, live=last - first <= LIVE_BARS_MAX and k % 2 == 1)
            if progress:
                progress(sum(len(block) for block in blocks))
        tables = {
            t: pa.concat_tables(read_table(folder / f"{t}-{k}.arrow") for k in range(PARTS))
            for t in (PANEL_SCHEMAS if isinstance(bars, PanelBlock) else SCHEMAS)
        }
        words = np.frombuffer((folder / f"summary-{PARTS - 1}.bin").read_bytes(), "<i8")
    what = "moments" if isinstance(bars, PanelBlock) else "bars"
    note = f"restarted after {what} {', '.join(str(c) for c in cuts)}"
    return Log(tables, unpack(Summary, words)), note


def _run_part(folder: Path, setup: Setup | PanelSetup, part: int, *, live: bool) -> None:
    task: dict[str, Any] = {
        "folder": str(folder),
        "part": part,
        "live": live,
        "base_dir": setup.config.source.base_dir,
        "path": sys.path,
    }
    finished = subprocess.run(
        [sys.executable, "-m", "admf_fast.runners.part"],
        input=json.dumps(task).encode(),
        capture_output=True,
        check=False,
    )
    if finished.returncode != 0:
        raise StateError(
            f"part {part} of the restarted run failed in its process "
            f"(exit {finished.returncode}): {finished.stderr.decode(errors='replace')[-2000:]}"
        )


def _write_bars(path: Path, block: BarBlock) -> None:
    names = ("ts_ns", "open", "high", "low", "close", "volume")
    write_table(path, pa.table(dict(zip(names, map(pa.array, block.columns()), strict=True))))
