"""`admf verify`: a recorded run made again by the historical runner, compared bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.failure import diverged
from admf_fast.cli.output import json_option, write_json, write_lines
from admf_fast.cli.progress import progress
from admf_fast.report import align, values

if TYPE_CHECKING:
    from admf_fast.consistency import Verification


@click.command("verify")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--base", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR",
    help="Where the paths of the configuration start: the folder it was in.",
)  # fmt: skip
@json_option
def command(folder: Path, base: Path | None, as_json: bool) -> int:
    """Prove that the run directory RUN is what its inputs lead to.

    A run with a journal is made again from the inputs that the journal holds, and every outcome
    in it, state and events, is compared. A run without one is made again from its manifest
    and bars, and the tables are compared with the digests, and with what came out. The
    historical runner does it, whatever runner made the record.

    The first difference is named, with bar, layer, field and bits, and ends with exit code 6;
    bars or code that are not those of the run end with 3 or 4.
    """
    from admf_fast.live.verifying import verify

    warn_without_cache()
    with progress("verify", lambda: None) as advance:
        found = verify(folder, base=base, progress=advance)
    if as_json:
        write_json(found.to_json())
    else:
        write_lines(_lines(found))
    return 0 if found.identical else diverged(found.divergence)


def _lines(found: Verification) -> list[str]:
    rows = [(c.name, "same" if c.identical else "DIFFERS", c.note) for c in found.checks]
    bars = f"{values.count(found.bars)} bars"
    verdict = f"Identical: {bars} made again gave the same bits."
    if not found.identical:
        verdict = f"DIFFERENT: {found.divergence}"
    title = f"Run {found.run} ({found.mode}), verified from its {found.source}"
    return [title, "", *align(rows), "", verdict]
