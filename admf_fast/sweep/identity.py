"""What decides the results of a sweep, as digests: parts of anything else are of no use."""

import hashlib
from typing import Any

from admf_fast import __version__
from admf_fast.config import Config, config_digest
from admf_fast.sweep.variants import Variants
from admf_kernels import drivers
from admf_kernels.codegen import lanes
from admf_kernels.execution.summary import summarize


def code_digests(variants: Variants) -> dict[str, str]:
    """Return the digests of kernels, drivers and tables, and the version of the rest."""
    setup = variants.base
    program = setup.program(1)
    code = drivers.code_digest(
        setup.strategy, program.plan.indicators, [summarize], form=program.form, made=setup.terms
    )
    driver = lanes.source(setup.strategy, tuple(program.reads), program.form)
    return {
        "code": code,
        "driver": hashlib.sha256(driver.encode()).hexdigest(),
        "calendar": setup.calendar.digest if setup.calendar else "",
        "actions": setup.actions.digest if setup.actions else "",
        "version": __version__,
    }


def sets_digest(names: Any, sets: Any) -> str:
    """Return the sha256 of parameter sets and the names of their values."""
    return hashlib.sha256(repr((list(names), sets)).encode()).hexdigest()


def inputs_digests(
    config: Config, variants: Variants, names: Any, sets: Any, bars: Any, keep: Any
) -> dict[str, Any]:
    """Return all digests, ready for JSON; `bars` are the inputs."""
    return {
        "config": config_digest(config),
        "sets": sets_digest(names, sets),
        "bars": [[one.symbol, one.digest] for one in bars],
        **code_digests(variants),
        "keep": list(keep),
    }
