"""`admf parity`: every way of running a configuration, compared byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.failure import diverged
from admf_fast.cli.output import json_option, write_json, write_lines
from admf_fast.cli.progress import progress
from admf_fast.report import align, values

if TYPE_CHECKING:
    from admf_fast.config import Config
    from admf_fast.parity import Proof, RunProof


@click.command("parity")
@click.argument("path", metavar="CONFIG")
@json_option
def command(path: str, as_json: bool) -> int:
    """Prove that every way of running CONFIG gives the same bytes.

    One block; random blocks; live, bar by bar; saved and restored in new processes; a lane
    of a sweep (of several instruments: the general form of the driver); plain Python on a
    sample. A difference ends with exit code 6.
    """
    from admf_fast.config import load_config

    warn_without_cache()
    proof = _proof(load_config(path))
    if as_json:
        write_json(proof.to_json())
    else:
        write_lines(_lines(proof))
    return 0 if proof.identical else diverged(proof.difference)


def _proof(config: Config) -> Proof:
    from admf_fast import jobs, parity
    from admf_fast.parity.proving import RUNS

    def total() -> int | None:
        rows = jobs.rows_total(config)
        return None if rows is None else rows * RUNS

    with progress("parity", total) as advance:
        return parity.prove(config, progress=advance)


def _lines(proof: Proof) -> list[str]:
    header = ["run", _unit(proof), "seconds", *proof.layers, "note"]
    rows = [_row(proof, run) for run in proof.runs]
    digests = [(layer, digest) for layer, digest in proof.layers.items()]
    return [
        *align([header, *rows], "lrr"),
        "",
        *align([("layer", "digest"), *digests]),
        "",
        _verdict(proof),
    ]


def _row(proof: Proof, run: RunProof) -> list[str]:
    cells = [_cell(run, layer, digest) for layer, digest in proof.layers.items()]
    return [run.name, values.count(run.bars), f"{run.seconds:.2f}", *cells, run.note]


def _cell(run: RunProof, layer: str, digest: str) -> str:
    if not run.layers:  # a sample: compared but for the figures of the whole run, not digested
        shown = "sample" if run.identical else "?"
        return shown if layer != "metrics" else values.NONE
    return "same" if run.layers.get(layer) == digest else "DIFFERS"


def _verdict(proof: Proof) -> str:
    if not proof.identical:
        return f"DIFFERENT: {proof.difference}"
    whole = [run for run in proof.runs if run.layers]
    samples = [f" and {run.name} on {run.note}" for run in proof.runs if not run.layers]
    runs = f"{len(whole)} runs of {values.count(proof.bars)} {_unit(proof)}{''.join(samples)}"
    return f"Identical: {runs} gave the same bytes in all layers."


def _unit(proof: Proof) -> str:
    return "moments" if "positions" in proof.layers else "bars"
