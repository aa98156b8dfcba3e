"""What `backtest` and `live` have in common: where a run goes, and how it is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from admf_fast.errors import StateError
from admf_fast.report import align, summary_rows, values

if TYPE_CHECKING:
    from admf_fast.jobs import Job

MANIFEST = "manifest.json"


def check_out(out: Path | None) -> Path | None:
    """Return `out` if a run directory may be put there.

    Raises StateError for anything but a new name, an empty folder or an earlier run: a run
    directory is replaced as a whole, with all that is in it.
    """
    if out is None:
        return None
    if out.name in ("", ".."):
        out = out.resolve()
    free = not (out.exists() or out.is_symlink())
    if free or (out.is_dir() and not out.is_symlink() and _replaceable(out)):
        return out
    found = "a folder with other things in it" if out.is_dir() else "something else"
    raise StateError(
        f"{out}: expected a new name, an empty folder or a run directory, found {found}; "
        "choose another name, nothing was changed"
    )


def _replaceable(folder: Path) -> bool:
    """Whether a folder is empty or holds a run."""
    if not any(folder.iterdir()):
        return True
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and "run_id" in manifest


def job_json(job: Job) -> dict[str, Any]:
    """Return a finished job as plain data."""
    manifest, result = job.manifest, job.result
    return {
        "name": job.setup.config.name,
        "mode": result.mode,
        "run_id": manifest["run_id"],
        "folder": str(job.folder) if job.folder else None,
        "strategy": job.setup.config.strategy.kernel,
        "params": manifest["inputs"]["params"],
        "symbol": manifest["data"]["symbol"],
        "timeframe": manifest["data"]["timeframe"],
        "bars": result.bars,
        "ready_bars": manifest["ready_bars"],
        "dropped": manifest["data"]["dropped"],
        "gaps": manifest["data"]["gaps"]["count"],
        "metrics": result.summary._asdict(),
        "layers": result.layers,
        "seconds": result.seconds,
    }


def job_lines(job: Job) -> list[str]:
    """Return a finished job as text: title, figures, notes, and where it was written."""
    data = job.manifest["data"]
    params = ", ".join(f"{n}={v}" for n, v in job.setup.params._asdict().items())
    title = f"{job.setup.config.strategy.kernel}({params}) on {data['symbol']} {data['timeframe']}"
    rows = summary_rows(job.result.summary, data["timeframe_ns"])
    lines = [title, "", *align(rows, "lr"), "", *_notes(job)]
    return [*lines, f"Run directory: {job.folder}"] if job.folder else lines


def _notes(job: Job) -> list[str]:
    notes = []
    data, config = job.manifest["data"], job.setup.config
    ready_bars = job.manifest["ready_bars"]
    if config.execution.fill == "same_close":
        notes.append("fill: same_close trades at the price that made the signal: for research only")
    if job.result.bars < ready_bars:
        notes.append(
            f"the strategy needs {values.count(ready_bars)} bars before its first signal, "
            f"there are {values.count(job.result.bars)}"
        )
    # Rows outside bars.start and bars.end were not asked for.
    dropped = {rule: n for rule, n in data["dropped"].items() if n and rule != "range"}
    if dropped:
        shown = ", ".join(f"{rule} {values.count(n)}" for rule, n in dropped.items())
        notes.append(f"rows dropped as the configuration says: {shown}")
    return [f"Note: {note}" for note in notes]
