"""What `backtest` and `live` have in common: where a run goes, and how it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from admf_fast.report import align, summary_rows, values

if TYPE_CHECKING:
    from admf_fast.jobs import Job


def job_json(job: Job) -> dict[str, Any]:
    """Return a finished job as plain data."""
    from admf_fast.runners.figures import metrics_of

    manifest, result = job.manifest, job.result
    return {
        "name": job.setup.config.name,
        "mode": result.mode,
        "run_id": manifest["run_id"],
        "folder": str(job.folder) if job.folder else None,
        "strategy": job.setup.config.strategy.label,
        "params": manifest["inputs"]["params"],
        "symbol": manifest["data"]["symbol"],
        "timeframe": manifest["data"]["timeframe"],
        "bars": result.bars,
        "ready_bars": manifest["ready_bars"],
        "dropped": manifest["data"]["dropped"],
        "gaps": manifest["data"]["gaps"]["count"],
        "metrics": metrics_of(result, job.figures),
        "layers": result.layers,
        "seconds": result.seconds,
    }


def job_lines(job: Job) -> list[str]:
    """Return a finished job as text: title, figures, notes, and where it was written."""
    data = job.manifest["data"]
    params = ", ".join(f"{n}={v}" for n, v in job.setup.params._asdict().items())
    title = f"{job.setup.config.strategy.label}({params}) on {data['symbol']} {data['timeframe']}"
    rows = summary_rows(job.result.summary, data["timeframe_ns"], job.figures)
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
