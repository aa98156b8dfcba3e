"""What decides the results of a sweep, as digests: parts of anything else are of no use."""

import hashlib
from typing import Any

from admf_fast import __version__
from admf_fast.config import Config, config_digest
from admf_fast.sweep.chunk import equity_every
from admf_fast.sweep.variants import Variants
from admf_kernels import drivers
from admf_kernels.codegen import carry, engine, lanes
from admf_kernels.codegen.engine import Form
from admf_kernels.execution.summary import summarize
from admf_kernels.execution.uses import EDITIONS
from admf_kernels.plan import Plan


def code_digests(variants: Variants) -> dict[str, str]:
    """Return the digests of kernels, drivers and tables, and the version of the rest."""
    setup, form = variants.base, Form(variants.base.terms.uses)
    reads = setup.strategy.columns_for(setup.params, adjusted=setup.actions is not None)
    # Looked up, not made ready: nothing needs to be compiled to be told from something else.
    plan = Plan([*reads.values(), *setup.inputs.values(), *setup.features.values()])
    code = drivers.code_digest(
        setup.strategy, plan.indicators, [summarize], form=form, made=setup.terms
    )
    driver = [lanes.source(setup.strategy, tuple(reads), form), carry.SOURCE]
    # Sets may use more of the engine than the configuration they are made of, or less.
    driver += [engine.brief_source(), *map(engine.source, EDITIONS)]
    return {
        "code": code,
        "driver": hashlib.sha256("\0".join(driver).encode()).hexdigest(),
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
        "signals": variants.signals_digest,
        "keep": list(keep),
        "equity_every": equity_every(config),
    }
