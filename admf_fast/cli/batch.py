"""`admf batch`: many backtests and sweeps over folders of symbols."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.output import json_option, note, write_json, write_lines
from admf_fast.cli.progress import watched
from admf_fast.cli.sweep import stopped_by_sigterm

if TYPE_CHECKING:
    from admf_fast.config import Config


@click.command("batch")
@click.argument("path", metavar="JOBS", type=click.Path(path_type=Path))
@json_option
def command(path: Path, as_json: bool) -> int:
    """Run the backtests and sweeps that the file JOBS lists, each over a folder of bars.

    JOBS (.yaml or .toml) has `out`, a folder, and `jobs`, a list of name, kind (backtest or
    sweep), config and data (a folder, files or a glob). Each file of bars gives a run
    directory or a Parquet file in out/NAME. out/manifest.json says what was done with what; a
    second go does only what is missing, has failed or has changed. A task that fails is noted
    and the others are done; the exit code is 3 then.
    """
    from admf_fast.sweep.batch import run_batch

    warn_without_cache()
    with stopped_by_sigterm():
        result = run_batch(path, _backtest, note if watched() and not as_json else None)
    failed = {key: task["error"] for key, task in result.tasks.items() if task["error"]}
    counts = {"done": result.done, "kept": result.kept, "failed": result.failed}
    if as_json:
        write_json({**counts, "manifest": str(result.manifest), "errors": failed})
    else:
        lines = [f"{result.done} tasks done, {result.kept} were done already"]
        lines += [f"Failed: {key}: {error}" for key, error in failed.items()]
        write_lines([*lines, f"Manifest: {result.manifest}"])
    return 3 if result.failed else 0


def _backtest(config: Config, target: Path) -> dict[str, Any]:
    from admf_fast import jobs

    job = jobs.backtest(config, out=target)
    return {"run_id": job.manifest["run_id"], "bars": job.result.bars, "layers": job.result.layers}
